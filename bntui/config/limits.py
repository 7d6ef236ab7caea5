"""Which values are possible: ranges of single numbers, and numbers that do not go together.

The ranges are those of RunConfig's annotations; the command line, the screen and the engine ask
here, and say the same.
"""

from functools import cache
from typing import NamedTuple

from msgspec import inspect

from bntui.config.schema import Knob, RunConfig
from bntui.errors import InputError


class Range(NamedTuple):
    """The numbers from `low` to `high`, only the whole ones or all."""

    whole: bool
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether that value is possible; NaN is not."""
        return self.low <= value <= self.high and not (self.whole and value % 1)

    def __str__(self) -> str:
        """In words, as in "it takes a number from 0 to 1"."""
        if self.whole:
            return f"a whole number from {self.low:,} to {self.high:,}"
        return f"a number from {self.low:g} to {self.high:,.9g}"


def fields() -> tuple[inspect.Field, ...]:
    """RunConfig's fields in the order of their declaration."""
    kind = inspect.type_info(RunConfig)
    return kind.fields if isinstance(kind, inspect.StructType) else ()


@cache
def range_of(name: str) -> Range:
    """What a number of RunConfig may be, by its field's name; None, where allowed, is beside it.

    Raises:
        KeyError: RunConfig has no such number.
    """
    return _ranges()[name]


def problem(knob: Knob, value: float) -> str | None:
    """Why a knob cannot be turned to that value, in a sentence; None where it can."""
    allowed = Range(True, 0, 1) if knob == "norm" else range_of(knob)
    if allowed.holds(value):
        return None
    takes = "1 for on or 0 for bypassed" if knob == "norm" else str(allowed)
    return f"{knob} is {value:g}, but it takes {takes}."


def check(config: RunConfig) -> None:
    """See that the numbers of a config go together.

    Raises:
        InputError: They do not.
    """
    if len(set(config.arms)) < len(config.arms):
        twice = next(norm for norm in config.arms if config.arms.count(norm) > 1)
        raise InputError(f"--arms has {twice} twice, but it takes each at most once.")
    if "gn" in config.arms and config.hidden % config.groups:
        raise InputError(
            f"--groups is {config.groups}, but with gn it takes a divisor of --hidden,"
            f" {config.hidden:,}."
        )


@cache
def _ranges() -> dict[str, Range]:
    found = {field.name: range_in(field.type) for field in fields()}
    return {name: limits for name, limits in found.items() if limits}


def range_in(kind: inspect.Type) -> Range | None:
    """The numbers that a field's annotation allows; None where it is no number."""
    match kind:
        case inspect.Metadata(type=inner) | inspect.UnionType(types=(inner, *_)):
            return range_in(inner)
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            if low is not None and high is not None:
                return Range(isinstance(kind, inspect.IntType), low, high)
    return None
