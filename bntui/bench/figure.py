"""A figure: a name, a goal, and a function that measures it several times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Literal, NamedTuple


class Repeats(NamedTuple):
    """How often a figure is measured, and how many seconds one side's turn takes, about."""

    rounds: int
    seconds: float

    @property
    def few(self) -> int:
        """Rounds of a figure whose every round starts a program."""
        return min(self.rounds, 3)

    @property
    def fewest(self) -> int:
        """Rounds of a figure that has no goal, and is only there to compare with."""
        return min(self.rounds, 2)


USUAL, QUICK = Repeats(5, 0.4), Repeats(1, 0.02)


class UnavailableError(Exception):
    """A figure cannot be measured here; says why."""


class Measurement(NamedTuple):
    """A value a round, in the figure's unit; `cpu` is a ratio's by processor time, where known."""

    values: list[float]
    cpu: Sequence[float] = ()

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
        goal: In `unit`; None for what is only there to compare with.
        unit: "x" for a ratio, else that of the values.
        measure: Works when called, not before; heavy imports are its own.
        quiet: Whether other work on the machine changes it.
    """

    name: str
    text: str
    bound: Literal["at least", "at most"]
    goal: float | None
    unit: Literal["x", "ms", "s", "kB/s", "MB"]
    measure: Measure
    quiet: bool = True


def in_turn(
    one: Side,
    other: Side,
    repeats: Repeats,
    *,
    turns: int = 1,
    warm_up: float | None = None,
    here: bool = True,
) -> Measurement:
    """The ratio of two rates, one over other, of each round A B, A B, ...

    Args:
        one: Goes first.
        other: Goes second.
        repeats: Rounds, and the seconds of a side in each.
        turns: Of a side within a round.
        warm_up: Seconds of each side before the first round, 0 for none; a tenth of a round if not
            given.
        here: Whether both work in this process, so that its processor time can be compared.
    """
    warm_up = repeats.seconds / 10 if warm_up is None else warm_up
    for side in (one, other) if warm_up else ():
        side(warm_up)
    rounds = [_round(one, other, turns, repeats.seconds / turns) for _ in range(repeats.rounds)]
    values, cpu = (list(each) for each in zip(*rounds, strict=True))
    return Measurement(values, cpu if here else ())


def _round(one: Side, other: Side, turns: int, seconds: float) -> tuple[float, float]:
    """The ratio by the clock, and by processor time."""
    ours, theirs = _Work(), _Work()
    for _ in range(turns):
        ours.add(one, seconds)
        theirs.add(other, seconds)
    clock = (ours.units / ours.seconds) / (theirs.units / theirs.seconds)
    cpu = (ours.units / max(ours.cpu, 1e-9)) / (theirs.units / max(theirs.cpu, 1e-9))
    return clock, cpu


class _Work:
    """What a side has done in its turns, and what they took."""

    def __init__(self) -> None:
        self.units = self.seconds = self.cpu = 0.0

    def add(self, side: Side, seconds: float) -> None:
        """Another turn."""
        clock, cpu = perf_counter(), process_time()
        rate = side(seconds)
        took = perf_counter() - clock
        self.units += rate * took
        self.seconds += took
        self.cpu += process_time() - cpu
