"""Which values are possible, told the same everywhere."""

import msgspec
import pytest

from bntui.config.limits import check, problem, range_of
from bntui.config.schema import Knob, RunConfig
from bntui.errors import InputError


@pytest.mark.parametrize(
    ("knob", "value"),
    [("lr", 0.0), ("batch_size", 1), ("momentum", 0), ("momentum", 1), ("eps", 0), ("norm", 0)],
)
def test_what_teaches_is_possible(knob: Knob, value: float) -> None:
    assert problem(knob, value) is None


@pytest.mark.parametrize(
    ("knob", "value", "sentence"),
    [
        ("lr", -0.1, "lr is -0.1, but it takes a number from 0 to 1,000,000."),
        ("lr", float("nan"), "lr is nan, but it takes a number from 0 to 1,000,000."),
        ("batch_size", 0, "batch_size is 0, but it takes a whole number from 1 to 65,536."),
        ("batch_size", 2.5, "batch_size is 2.5, but it takes a whole number from 1 to 65,536."),
        ("momentum", 1.5, "momentum is 1.5, but it takes a number from 0 to 1."),
        ("norm", 0.5, "norm is 0.5, but it takes 1 for on or 0 for bypassed."),
    ],
)
def test_what_is_impossible_is_told_with_its_reason(
    knob: Knob, value: float, sentence: str
) -> None:
    assert problem(knob, value) == sentence


def test_ranges_are_those_of_the_config() -> None:
    assert range_of("hidden") == (True, 1, 10_000)
    assert range_of("pace") == (False, 0.1, 1_000_000)
    with pytest.raises(KeyError):
        range_of("activation")


def test_numbers_that_do_not_go_together_are_refused() -> None:
    config = RunConfig(arms=("gn", "bn"), hidden=100, groups=30)
    with pytest.raises(InputError, match=r"--groups is 30, .* divisor of --hidden, 100\."):
        check(config)
    check(msgspec.structs.replace(config, groups=25))
    check(msgspec.structs.replace(config, arms=("ln", "bn")))
    with pytest.raises(InputError, match="--arms has bn twice"):
        check(RunConfig(arms=("bn", "ln", "bn")))
