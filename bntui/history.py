"""Events folded into what panes draw from; it knows neither torch nor textual."""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from functools import singledispatchmethod
from itertools import pairwise

from bntui.columns import Column
from bntui.protocol import (
    Activations,
    Dataset,
    Diverged,
    Ended,
    Event,
    Failed,
    Hello,
    Log,
    ModeLosses,
    Reading,
    Skipped,
    State,
    Statistics,
    Steps,
)

RATE_WINDOW = 2.0
"""Seconds of training over which steps/s is measured."""


class ArmHistory:
    """What is known of one network."""

    def __init__(self) -> None:
        self.loss = Column()
        self.activations: dict[int, list[Activations]] = {}
        self.modes: list[ModeLosses] = []
        self.diverged: Diverged | None = None


class Trace:
    """The watched units of one BatchNorm layer: a column a unit and quantity, at sampled steps."""

    QUANTITIES = ("batch_mean", "running_mean", "batch_var", "running_var")

    def __init__(self, arm: str, layer: int, units: list[int]) -> None:
        self.arm, self.layer, self.units = arm, layer, units
        self.steps = array("q")
        self.columns = {name: [Column() for _ in units] for name in self.QUANTITIES}

    def extend(self, event: Statistics) -> None:
        """Append a batch of sampled steps."""
        self.steps.extend(event.steps)
        for name, columns in self.columns.items():
            for column, values in zip(columns, getattr(event, name), strict=True):
                column.extend(values)

    def buckets(self, most: int) -> list[tuple[int, int]]:
        """Ranges of sample positions, at most about `most`, each over as many steps.

        Samples thin out as a run grows; a plot's columns are equally wide all the same. Sizes are
        powers of two and aligned, so that ranges stay put as samples are added.
        """
        end = self.steps[-1] + 1 if self.steps else 0
        size = 1
        while end > size * max(most, 1):
            size *= 2
        edges = [self.since(step) for step in range(0, end + size, size)]
        return [(start, stop) for start, stop in pairwise(edges) if start < stop]

    def since(self, step: int) -> int:
        """The position of the first sample at or after `step`."""
        return bisect_left(self.steps, step)


class History:
    """Everything known of a run so far; `version` grows with every event folded in.

    `elapsed` is in seconds of training, pauses left out; at `times` (seconds) the run had made
    `marks` (steps).
    """

    def __init__(self) -> None:
        self.version = 0
        self.skipped: list[Skipped] = []
        self.skipped_count = 0
        self._begin()

    def _begin(self) -> None:
        self.hello: Hello | None = None
        self.reading: Reading | None = None
        self.dataset: Dataset | None = None
        self.state: State | None = None
        self.failed: Failed | None = None
        self.log: Log | None = None
        self.ended = False
        self.arms: dict[str, ArmHistory] = {}
        self.trace: Trace | None = None
        self.elapsed = 0.0
        self._clock: deque[tuple[float, int]] = deque()
        self.times, self.marks = array("d"), array("q")

    @property
    def steps(self) -> int:
        """Training steps known so far."""
        return max((len(arm.loss) for arm in self.arms.values()), default=0)

    @property
    def steps_per_second(self) -> float | None:
        """Over the last seconds of training; None until two batches of steps have come."""
        if len(self._clock) < 2:
            return None
        (then, before), (now, after) = self._clock[0], self._clock[-1]
        return (after - before) / (now - then) if now > then else None

    def fold(self, event: Event) -> None:
        """Take one event in; what does not fit the run is counted as skipped."""
        self.version += 1
        self._fold(event)

    @singledispatchmethod
    def _fold(self, event: Event) -> None:
        raise TypeError(f"{type(event).__name__} is no event that a history keeps")

    @_fold.register
    def _(self, event: Hello) -> None:
        self._begin()
        self.hello = event
        self.arms = {name: ArmHistory() for name in event.arms}

    @_fold.register
    def _(self, event: Reading) -> None:
        self.reading = event

    @_fold.register
    def _(self, event: Dataset) -> None:
        self.dataset = event

    @_fold.register
    def _(self, event: State) -> None:
        if self.state and event.state != self.state.state:
            self._clock.clear()
        self.state = event

    @_fold.register
    def _(self, event: Log) -> None:
        self.log = event

    @_fold.register
    def _(self, event: Ended) -> None:
        self.ended = True

    @_fold.register
    def _(self, event: Failed) -> None:
        self.failed = event

    @_fold.register
    def _(self, event: Skipped) -> None:
        self.skipped_count += 1
        self.skipped = [*self.skipped[-9:], event]

    @_fold.register
    def _(self, event: Steps) -> None:
        if event.first != self.steps or not self.arms.keys() >= event.loss.keys():
            return self._misfit(f"steps from {event.first} came where {self.steps} was next")
        for name, values in event.loss.items():
            self.arms[name].loss.extend(values)
        self._tick(event.elapsed)

    def _tick(self, elapsed: float) -> None:
        self.ended = False
        self.elapsed = elapsed
        self.times.append(elapsed)
        self.marks.append(self.steps)
        self._clock.append((elapsed, self.steps))
        while len(self._clock) > 2 and self._clock[1][0] < elapsed - RATE_WINDOW:
            self._clock.popleft()

    @_fold.register
    def _(self, event: Statistics) -> None:
        trace = self.trace
        watched = (event.arm, event.layer, event.units)
        if trace is None or (trace.arm, trace.layer, trace.units) != watched:
            trace = self.trace = Trace(*watched)
        if not _is_rectangular(event) or (trace.steps and event.steps[:1] <= [trace.steps[-1]]):
            return self._misfit("statistics out of order or of unequal lengths")
        trace.extend(event)

    @_fold.register
    def _(self, event: Activations) -> None:
        if event.arm not in self.arms:
            return self._misfit(f"activations of an unknown arm, {event.arm}")
        self.arms[event.arm].activations.setdefault(event.layer, []).append(event)

    @_fold.register
    def _(self, event: ModeLosses) -> None:
        lengths = {len(event.sizes), len(event.train), len(event.eval)}
        if event.arm not in self.arms or len(lengths) > 1:
            return self._misfit(f"mode losses of an unknown arm or unequal lengths, {event.arm}")
        self.arms[event.arm].modes.append(event)

    @_fold.register
    def _(self, event: Diverged) -> None:
        if event.arm not in self.arms:
            return self._misfit(f"divergence of an unknown arm, {event.arm}")
        self.arms[event.arm].diverged = event

    def _misfit(self, reason: str) -> None:
        self._fold(Skipped(0, reason))


def folded(events: Iterable[Event]) -> History:
    """A history of all these events."""
    history = History()
    for event in events:
        history.fold(event)
    return history


def _is_rectangular(event: Statistics) -> bool:
    columns = [getattr(event, name) for name in Trace.QUANTITIES]
    return all(
        len(column) == len(event.units) and all(len(c) == len(event.steps) for c in column)
        for column in columns
    )
