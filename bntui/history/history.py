"""Events folded into columns that panes draw; needs neither torch nor textual.

Losses are kept at every step: 7 bytes per step and network, 3 of them for the pyramid. Everything
else thins out as a run grows: statistics, update ratios and scheduled probes at the source, by step
number; on-demand measurements to `KEPT` of a kind. What a log may hold of one kind is bounded, so
that beside the columns nothing grows without end. Measured with two networks, the screen's
process takes 42 MB at the start, 62 MB after a million steps and 123 MB after five million.
"""

from array import array
from collections import deque
from collections.abc import Iterable
from functools import singledispatchmethod

from msgspec import UNSET, UnsetType

from bntui.config.schema import MOST_ARMS, Knob, Norm, RunConfig
from bntui.config.settings import SETTINGS, Setting
from bntui.history.arm import ArmHistory, Trace, UpdateTrace
from bntui.history.kept import MARKS, keep
from bntui.history.standing import Standing
from bntui.protocol import (
    PROTOCOL,
    Activations,
    Changed,
    Checks,
    Dataset,
    Diverged,
    Ended,
    Event,
    Failed,
    Forked,
    Hello,
    Histogram,
    Ladder,
    LayerFacts,
    Layers,
    LayerSamples,
    Log,
    ModelFacts,
    ModeLosses,
    Output,
    Reading,
    Recalibrated,
    Recovered,
    Refused,
    Removed,
    Scalars,
    Skipped,
    SplitLosses,
    State,
    Statistics,
    Steps,
    ThreeLosses,
    Timing,
    Units,
    Updates,
    Watching,
    Weights,
)

Mark = Changed | Forked | Recalibrated
"""What a person did to a run, drawn at its step."""

NO_NORM: Norm = "none"

DEFAULTS = RunConfig()

RATE_WINDOW = 2.0
"""Seconds of training over which steps/s is measured."""


MOST_MISSING = 100_000
"""Steps of a run whose losses may be missing, where lines of its log are damaged or cut out."""


class History:
    """Everything known of a run so far; `version` grows by one with every event.

    `elapsed` is in seconds of training, pauses left out; at `times` (seconds) the run had made
    `steps_at` (steps).
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
        self.marks: list[Mark] = []
        self.refused: Refused | None = None
        self.elapsed = 0.0
        self._clock: deque[tuple[float, int]] = deque()
        self.times, self.steps_at = array("d"), array("q")
        self._may_miss = MOST_MISSING

    @property
    def config(self) -> RunConfig:
        """The run's config, or the default one while no run has begun."""
        return self.hello.config if self.hello else DEFAULTS

    @property
    def steps(self) -> int:
        """Training steps known so far."""
        return max((len(arm.loss) for arm in self.arms.values()), default=0)

    @property
    def total(self) -> int:
        """Steps that the run is to have, more than its config says where it was trained on."""
        total = self.state.total if self.state else UNSET
        return max(self.config.steps if isinstance(total, UnsetType) else total, 1)

    @property
    def measured_at(self) -> list[int]:
        """The steps at which networks were measured, and step 0, in order."""
        found = {0}
        for arm in self.arms.values():
            found |= {event.step for event in arm.modes}
            found |= {event.step for each in arm.activations.values() for event in each}
        return sorted(found)

    @property
    def trace(self) -> Trace | None:
        """The watched units of the first arm that has any."""
        return next((arm.trace for arm in self.arms.values() if arm.trace), None)

    @property
    def steps_per_second(self) -> float | None:
        """Over the last seconds of training; None until two batches of steps have come."""
        if len(self._clock) < 2:
            return None
        (then, before), (now, after) = self._clock[0], self._clock[-1]
        return (after - before) / (now - then) if now > then else None

    def standing(self, knob: Knob, layer: int = 0) -> dict[str, float]:
        """A setting's value in every network in which it does something.

        `norm` is 1 where the normalization is on in hidden layer `layer`, counted from 0.
        """
        applies = SETTINGS[knob].applies_to
        arms = self.arms.items()
        return {name: arm.standing.value(knob, layer) for name, arm in arms if applies(arm.norm)}

    def values(self, setting: Setting, arm: str | None, layer: int | None) -> set[object]:
        """A live setting's confirmed values in one network or all, in one hidden layer or all."""
        if setting.name == "pace":
            return {self.state.pace if self.state else self.config.pace}
        every = range(self.config.depth) if layer is None and setting.per_layer else [layer or 0]
        found = [self.standing(setting.knob, each).items() for each in every]
        return {setting.cast(v) for items in found for name, v in items if arm in {None, name}}

    def fold(self, event: Event) -> None:
        """Fold one event in; one that does not fit the run is counted as skipped."""
        self.version += 1
        self._fold(event)

    @singledispatchmethod
    def _fold(self, event: Event) -> None:
        raise TypeError(f"a history cannot fold {type(event).__name__}")

    @_fold.register(Watching | Scalars | Timing | LayerSamples | LayerFacts | ModelFacts)
    @_fold.register(Histogram | ThreeLosses | Output)
    def _(self, event: Event) -> None:
        self.skip("an event of a watched run")

    @_fold.register
    def _(self, event: Hello) -> None:
        self._begin()
        self.hello = event
        if event.protocol > PROTOCOL:
            self.skip(
                f"written by bntui {event.version} in protocol {event.protocol}; "
                f"this version reads {PROTOCOL} and leaves out what is newer"
            )
        norms = [*event.config.arms, *(NO_NORM for _ in event.arms)]
        self.arms = {
            name: ArmHistory(norm, standing=Standing(event.config))
            for name, norm in zip(event.arms, norms, strict=False)
        }

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
        missing = event.first - self.steps
        if not 0 <= missing <= self._may_miss or not self.arms.keys() >= event.loss.keys():
            return self.skip(f"steps from {event.first} came where {self.steps} was next")
        count = max(map(len, event.loss.values()), default=0)
        if any(len(column) != count for column in event.loss.values()):
            return self.skip("losses of unequal lengths")
        if missing:
            self._may_miss -= missing
            self.skip(f"the losses of {missing:,} steps from {self.steps} are missing")
        for name, arm in self.arms.items():
            arm.loss.extend([None] * missing)
            arm.loss.extend(event.loss.get(name, [None] * count))
        self._tick(event.elapsed)

    def _tick(self, elapsed: float) -> None:
        self.ended = False
        self.elapsed = elapsed
        self.times.append(elapsed)
        self.steps_at.append(self.steps)
        self._clock.append((elapsed, self.steps))
        while len(self._clock) > 2 and self._clock[1][0] < elapsed - RATE_WINDOW:
            self._clock.popleft()

    @_fold.register
    def _(self, event: Statistics) -> None:
        if not (arm := self._arm(event.arm, "statistics")):
            return None
        watched = (event.arm, event.layer, event.units)
        trace = arm.trace
        if trace is None or (trace.arm, trace.layer, trace.units) != watched:
            trace = arm.trace = Trace(*watched)
        if not _is_rectangular(event) or not trace.follows(event.steps):
            return self.skip("statistics out of order or of unequal lengths")
        trace.extend(event)

    @_fold.register
    def _(self, event: Updates) -> None:
        if not (arm := self._arm(event.arm, "updates")):
            return None
        if arm.updates is None or arm.updates.names != event.names:
            arm.updates = UpdateTrace(event.names)
        columns = [*event.update_ratio, *event.grad_ratio]
        shape = [len(event.steps)] * (2 * len(event.names))
        if [len(column) for column in columns] != shape or not arm.updates.follows(event.steps):
            return self.skip("updates out of order or of unequal lengths")
        arm.updates.extend(event)

    @_fold.register(Layers | Weights | Units | Ladder | Checks | SplitLosses)
    def _(self, event: Layers | Weights | Units | Ladder | Checks | SplitLosses) -> None:
        if arm := self._arm(event.arm, "a measurement"):
            arm.measure(event)

    @_fold.register
    def _(self, event: Changed) -> None:
        keep(self.marks, event, MARKS)
        for name, arm in self.arms.items():
            if event.arm in {None, name}:
                arm.standing.change(event.step, event.knob, event.value, event.layer)

    @_fold.register
    def _(self, event: Recalibrated) -> None:
        keep(self.marks, event, MARKS)

    @_fold.register
    def _(self, event: Forked) -> None:
        if event.arm in self.arms or len(self.arms) >= MOST_ARMS:
            return self.skip(f"one fork too many, {event.arm}")
        if origin := self._arm(event.origin, "a fork"):
            self.arms[event.arm] = origin.fork(event.origin, event.step)
            keep(self.marks, event, MARKS)

    @_fold.register
    def _(self, event: Removed) -> None:
        self.arms.pop(event.arm, None)
        self.marks = [mark for mark in self.marks if mark.arm != event.arm]

    @_fold.register
    def _(self, event: Refused) -> None:
        self.refused = event

    @_fold.register
    def _(self, event: Activations) -> None:
        if event.layer >= self.config.depth:
            return self.skip(f"activations of an unknown layer, {event.layer}")
        if arm := self._arm(event.arm, "activations"):
            keep(arm.activations.setdefault(event.layer, []), event)

    @_fold.register
    def _(self, event: ModeLosses) -> None:
        if len({len(event.sizes), len(event.train), len(event.eval)}) > 1:
            return self.skip(f"mode losses of unequal lengths, {event.arm}")
        if arm := self._arm(event.arm, "mode losses"):
            keep(arm.modes, event)

    @_fold.register(Diverged | Recovered)
    def _(self, event: Diverged | Recovered) -> None:
        if arm := self._arm(event.arm, "divergence"):
            keep(arm.turns, event)

    def _arm(self, name: str, what: str) -> ArmHistory | None:
        """The network of that name; if there is none, `what` is counted as skipped."""
        if name not in self.arms:
            self.skip(f"{what} of an unknown network, {name}")
        return self.arms.get(name)

    def skip(self, reason: str) -> None:
        """Count an event that does not fit the run."""
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
