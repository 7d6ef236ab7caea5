"""The table of settings: complete, and the same answer for whoever reads it."""

from typing import get_args

import msgspec
import pytest

from bntui.config.schema import Knob, Norm, RunConfig
from bntui.config.settings import LIVE, SETTINGS, Setting
from bntui.protocol import Change
from bntui.protocol.codec import command_reader, encode

FIELDS = [SETTINGS[name] for name in RunConfig.__struct_fields__]
NORMS: tuple[Norm, ...] = get_args(Norm)


def test_every_field_and_every_knob_has_a_row_and_nothing_else() -> None:
    assert set(SETTINGS) == {*RunConfig.__struct_fields__, *get_args(Knob)}
    assert {setting.name for setting in LIVE} == {*get_args(Knob), "pace"}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_a_row_fits_its_places(setting: Setting) -> None:
    assert 0 < len(setting.label) <= 14
    assert len(setting.short) <= 5
    assert bool(setting.short) == (setting.name in get_args(Knob))
    assert setting.help.endswith(".")


@pytest.mark.parametrize("setting", FIELDS, ids=lambda setting: setting.name)
def test_whatever_a_row_can_be_turned_to_is_accepted_and_decodes(setting: Setting) -> None:
    value = default = getattr(RunConfig(), setting.name)
    reached = []
    for by in [1] * 20 + [-1] * 40:
        value = setting.turned(value, by)
        assert setting.name == "data" or setting.accepted.parse(setting.write(value)) == value
        again = setting.read(setting.editable(value))
        rounded = setting.range and isinstance(value, float)
        assert again == (pytest.approx(value, rel=1e-5) if rounded else value)
        decoded = msgspec.convert({setting.name: value}, RunConfig)
        assert getattr(decoded, setting.name) == value
        reached.append(value)
    assert setting.name == "data" or any(value != default for value in reached)


@pytest.mark.parametrize("knob", get_args(Knob))
def test_the_protocol_takes_every_knob_and_no_other(knob: Knob) -> None:
    line = encode(Change(knob, 1.0))
    assert list(command_reader().feed(line)) == [Change(knob, 1.0)]
    (other,) = command_reader().feed(line.replace(knob.encode(), b"seed"))
    assert not isinstance(other, Change)


@pytest.mark.parametrize("name", ["lr", "momentum", "eps", "norm"])
def test_zero_is_possible_since_it_teaches(name: str) -> None:
    setting = SETTINGS[name]
    assert setting.problem(0) is None
    assert setting.lessons[0.0]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("lr", -0.1, "lr is -0.1, but it takes a number from 0 to 1,000,000."),
        ("lr", float("nan"), "lr is nan, but it takes a number from 0 to 1,000,000."),
        ("batch_size", 0, "batch_size is 0, but it takes a whole number from 1 to 65,536."),
        ("batch_size", 2.5, "batch_size is 2.5, but it takes a whole number from 1 to 65,536."),
        ("momentum", 1.5, "momentum is 1.5, but it takes a number from 0 to 1."),
        ("norm", 0.5, "norm is 0.5, but it takes 1 for on or 0 for off."),
    ],
)
def test_an_impossible_value_is_refused_with_its_reason(
    name: str, value: float, sentence: str
) -> None:
    assert SETTINGS[name].problem(value) == sentence


def test_ranges_are_those_of_the_config() -> None:
    assert SETTINGS["hidden"].range == (True, 1, 10_000)
    assert SETTINGS["pace"].range == (False, 0.1, 1_000_000)
    assert SETTINGS["activation"].range is None


def test_values_between_increments_go_to_the_next_one() -> None:
    lr, depth = SETTINGS["lr"], SETTINGS["depth"]
    assert [lr.turned(0.15, by) for by in (-1, 1, 2)] == [0.1, 0.2, 0.5]
    assert lr.turned(1000.0, 1) == 1000.0
    assert lr.turned(5e5, 1) == 5e5
    assert lr.turned(5e5, -1) == 1000.0
    assert depth.turned(50, 1) == 50
    assert SETTINGS["ghost"].turned(64, 1) is None
    assert SETTINGS["ghost"].turned(None, -1) == 64


def test_which_networks_a_setting_applies_to() -> None:
    applies = {s.name: [norm for norm in NORMS if s.applies_to(norm)] for s in LIVE}
    batchnorms = ["bn", "bn-torch", "bn-lecture", "bn-std"]
    assert applies["lr"] == applies["batch_size"] == list(NORMS)
    assert applies["momentum"] == batchnorms
    assert applies["eps"] == applies["norm"] == [*batchnorms, "ln", "gn"]


def test_marks_are_short() -> None:
    assert SETTINGS["lr"].mark(0.5, None) == "lr 0.5"
    assert SETTINGS["norm"].mark(0, 1) == "norm 2 off"
    assert SETTINGS["norm"].mark(1, None) == "norm on"
