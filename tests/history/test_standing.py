"""The settings as they stand after changes, forks and their undoing."""

import pytest

from bntui.config.schema import Knob, RunConfig
from bntui.config.settings import SETTINGS
from bntui.history.as_of import as_of
from bntui.history.history import History, folded
from bntui.protocol import AnyEvent, Changed, Forked, Removed, State
from tests.scripted import beginning


def run(*events: AnyEvent) -> History:
    return folded([*beginning(RunConfig(depth=2)), *events])


def standing(history: History, knob: Knob, layer: int = 0) -> dict[str, float]:
    return history.standing(knob, layer)


def common(
    history: History, knob: Knob, arm: str | None = None, layer: int | None = None
) -> object:
    """The one value in that network or in all; None where there are several, or none."""
    found = history.values(SETTINGS[knob], arm, layer)
    return found.pop() if len(found) == 1 else None


def test_the_config_stands_until_a_change_is_confirmed() -> None:
    assert standing(run(), "lr") == {"no BN": 0.1, "BN": 0.1}
    assert standing(run(Changed(3, "lr", 0.5, 0.1)), "lr") == {"no BN": 0.5, "BN": 0.5}
    assert standing(run(Changed(3, "lr", 0.5, 0.1, "BN")), "lr") == {"no BN": 0.1, "BN": 0.5}


def test_a_fork_stands_where_its_origin_stood() -> None:
    before, after = Changed(3, "lr", 0.5, 0.1, "BN"), Changed(9, "lr", 2.0, 0.5, "BN")
    forked = run(before, Forked("BN copy", "BN", 5), after)
    assert standing(forked, "lr") == {"no BN": 0.1, "BN": 2.0, "BN copy": 0.5}


def test_a_removed_fork_leaves_nothing_to_another_of_its_name() -> None:
    fork, change = Forked("F", "BN", 5), Changed(5, "lr", 0.5, 0.1, "F")
    again = run(fork, change, Removed("F", 8), Forked("F", "BN", 9))
    assert standing(again, "lr")["F"] == 0.1


def test_normalization_is_known_by_layer() -> None:
    off = run(Changed(3, "norm", 0, 1, "BN", layer=1))
    assert standing(off, "norm", 0)["BN"] == 1
    assert standing(off, "norm", 1)["BN"] == 0
    assert standing(run(Changed(3, "norm", 0, 1)), "norm", 1) == {"BN": 0}
    assert common(off, "norm", None) is None
    assert common(off, "norm", "BN", 1) == 0


def test_an_arm_has_only_the_knobs_of_its_normalization() -> None:
    assert standing(run(), "momentum") == {"BN": 0.1}
    assert common(run(Changed(3, "momentum", 0.5, 0.1, "BN")), "momentum", None) == 0.5
    assert common(run(), "eps", "no BN") is None


def test_arms_in_common() -> None:
    differ = run(Changed(3, "lr", 0.5, 0.1, "BN"))
    assert common(differ, "lr", None) is None
    assert common(differ, "lr", "BN") == 0.5
    assert common(differ, "eps", None) == 1e-5


CHANGES: list[AnyEvent] = [
    Changed(3, "lr", 0.5, 0.1),
    Changed(5, "norm", 0, 1, "BN", layer=1),
    Forked("F", "BN", 5),
    Changed(5, "momentum", 0.9, 0.1, "F"),
    Changed(8, "lr", 0.2, 0.5, "BN"),
    Changed(8, "batch_size", 7, 32),
    Removed("F", 9),
    Forked("F", "BN", 9),
    Changed(11, "norm", 0, None),
]


@pytest.mark.parametrize("step", range(13))
def test_a_view_of_a_step_has_the_settings_of_that_time(step: int) -> None:
    """Of networks that are there still: a removed one leaves nothing."""
    then = as_of(run(*CHANGES), step)
    early = run(*(event for event in CHANGES if event.step <= step))  # type: ignore[union-attr]
    names = then.arms.keys() & early.arms.keys()
    assert {"no BN", "BN"} <= names
    for knob in ("lr", "batch_size", "momentum", "norm"):
        for layer in (0, 1):
            found, wanted = (history.standing(knob, layer) for history in (then, early))
            assert {name: found.get(name) for name in names} == {
                name: wanted.get(name) for name in names
            }


def test_a_view_does_not_change_what_it_views() -> None:
    history = run(*CHANGES[:1])
    as_of(history, 3).fold(Changed(4, "lr", 2.0, 0.5))
    assert history.standing("lr") == {"no BN": 0.5, "BN": 0.5}


def test_a_change_of_a_layer_that_is_not_there_is_ignored() -> None:
    assert run(Changed(3, "norm", 0, 1, "BN", layer=10**9)).standing("norm") == {"BN": 1}


def test_the_pace_is_the_one_that_was_confirmed() -> None:
    assert run().values(SETTINGS["pace"], None, None) == {500.0}
    assert run(State("running", 3, None)).values(SETTINGS["pace"], None, None) == {None}
