"""A figure: a name, a goal, and a function that measures it several times."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple


class Repeats(NamedTuple):
    """How often a figure is measured, and how many seconds one side's turn takes, about."""

    rounds: int
    seconds: float


USUAL, QUICK = Repeats(7, 1.5), Repeats(1, 0.02)


class Measurement(NamedTuple):
    """A value a round, in the figure's unit."""

    values: list[float]

    @property
    def median(self) -> float:
        """What is quoted."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The least of all rounds."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The greatest of all rounds."""
        return max(self.values)


Measure = Callable[[Repeats], Measurement]

Side = Callable[[float], float]
"""Works for about so many seconds, and gives a rate: units of work a second."""


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Args:
        name: Short, for `--only`.
        text: What is compared with what.
        bound: Whether the goal is the least or the most that is wanted.
        goal: In `unit`.
        unit: "x" for a ratio, else that of the values.
        measure: Works when called, not before; heavy imports are its own.
    """

    name: str
    text: str
    bound: Literal["at least", "at most"]
    goal: float
    unit: Literal["x", "ms", "s", "kB/s", "MB"]
    measure: Measure


def in_turn(one: Side, other: Side, repeats: Repeats) -> Measurement:
    """The ratio of two rates, one over other, of each round A B, A B, ... after a short one."""
    for side in (one, other):
        side(repeats.seconds / 10)
    return Measurement(
        [one(repeats.seconds) / other(repeats.seconds) for _ in range(repeats.rounds)]
    )
