"""How configs differ."""

from bntui.config.diff import differing
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig


def test_equal_configs_do_not_differ() -> None:
    assert differing(RunConfig(), RunConfig(), PRESETS["notebook"]) == {}
    assert differing(RunConfig()) == {}
    assert differing() == {}


def test_every_differing_field_has_each_configs_value_in_the_order_of_declaration() -> None:
    found = differing(RunConfig(), RunConfig(pace=None, lr=0.5), RunConfig(arms=("bn",)))
    assert list(found.items()) == [
        ("lr", (0.1, 0.5, 0.1)),
        ("arms", (("none", "bn"), ("none", "bn"), ("bn",))),
        ("pace", ("log", None, "log")),
    ]
