"""The events of a watched run folded into what the screen draws and the doctor's rules read.

Memory: a sample of a layer takes about 240 bytes with its traced channels and 50 without, the facts
of a moment about 800. The writer of the log spaces its samples to about 3,800 in 10^6 steps, and
facts are kept at `KEPT` moments a layer, fewer where there are many layers. What a whole run takes
was measured, see the README of `watch`.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import singledispatchmethod
from math import isnan, nan

from msgspec.structs import replace

from bntui.history.columns import Column
from bntui.history.kept import KEPT, keep
from bntui.protocol import (
    PROTOCOL,
    Ended,
    Event,
    Failed,
    Histogram,
    LayerFacts,
    LayerSamples,
    Log,
    ModelFacts,
    Output,
    Scalars,
    Skipped,
    State,
    Statistics,
    ThreeLosses,
    Timing,
    WatchedLayer,
    Watching,
)

KEPT_IN_ALL = 50_000
"""Most moments at which the facts of all layers together are kept."""

MODELS, NAMES, CHANNELS = 1000, 1000, 8
"""Most models, named scalars, and traced channels of a layer; others are counted as skipped."""

RECENT = 10
"""Samples of a layer, at most, over which its distance now is averaged."""

LINES = 2000
"""Lines of a script's output that are kept."""


class Series:
    """Numbers at steps that rise: `steps` and `values` of one length, NaN where one is missing.

    Series that always grow together may be given one array of steps, and grow by `extend_all`.
    """

    def __init__(self, steps: "array[int] | None" = None) -> None:
        self.steps = array("q") if steps is None else steps
        self.column = Column()

    def __len__(self) -> int:
        return len(self.column)

    @property
    def values(self) -> "array[float]":
        """The numbers, oldest first."""
        known = self.column.values
        return known if len(known) == len(self) else known[: len(self)]

    @property
    def last(self) -> float:
        """The newest number; NaN if there is none."""
        return self.column.last

    def extend(self, steps: Sequence[int], values: Sequence[float | None]) -> None:
        """Append numbers of steps that follow; those of steps that are known already are left out.

        What is missing or not finite is kept as NaN.
        """
        extend_all([self], steps, [values])

    def as_of(self, step: int) -> "Series":
        """The numbers up to `step`, for reading."""
        (then,) = as_of_all([self], step)
        return then


def as_of_all(series: Sequence[Series], step: int) -> list[Series]:
    """Each series up to `step`, for reading; what shares an array of steps still shares one."""
    steps: dict[int, array[int]] = {}
    found = []
    for each in series:
        known = steps.get(id(each.steps))
        if known is None:
            known = steps[id(each.steps)] = each.steps[: bisect_right(each.steps, step)]
        then = Series(known)
        then.column = each.column.prefix(len(known))
        found.append(then)
    return found


def extend_all(
    series: Sequence[Series], steps: Sequence[int], columns: Sequence[Sequence[float | None]]
) -> None:
    """Append a column each to series that share one array of steps."""
    shared = series[0].steps
    known = bisect_right(steps, shared[-1] if shared else -1)
    shared.extend(steps[known:])
    for each, values in zip(series, columns, strict=True):
        each.column.extend(values[known:])


class LayerHistory:
    """One layer: its samples, its traced channels, its histograms and its facts over time."""

    SAMPLED = ("mean_distance", "mean_distance_worst", "var_ratio", "var_ratio_worst")
    TRACED = ("batch_mean", "running_mean", "batch_var", "running_var")

    def __init__(self, layer: WatchedLayer, index: int) -> None:
        self.layer = layer
        self.sizes = Series()
        self.samples = {name: Series(self.sizes.steps) for name in self.SAMPLED}
        self.histograms: dict[str, list[Histogram]] = {"input": [], "output": []}
        self.units: list[int] = []
        self.trace: dict[tuple[str, int], Series] = {}
        self.facts = LayerFacts(index, 0)
        self.facts_at: list[LayerFacts] = []

    @property
    def distance(self) -> float:
        """Distance of running from batch statistics over the last `RECENT` samples, of the run's
        later half; NaN if unknown.

        The larger of |running_mean - batch mean| in sd and half of |ln(running_var / batch
        variance)|: either is about what a normalized value is off by, in sd.
        """
        steps = self.sizes.steps
        late = len(steps) - bisect_right(steps, steps[-1] // 2) if steps else 0
        count = min(max(late, 1), RECENT)
        mean = self.samples["mean_distance"].column.mean_of_last(count)
        var = abs(self.samples["var_ratio"].column.mean_of_last(count)) / 2
        return max((each for each in (mean, var) if not isnan(each)), default=nan)

    def extend(self, event: LayerSamples) -> None:
        """Append samples."""
        columns = [event.n, *(getattr(event, name) for name in self.samples)]
        extend_all([self.sizes, *self.samples.values()], event.steps, columns)

    def follow(self, event: Statistics) -> None:
        """Append the traced channels of sampled steps; others than before begin anew."""
        if event.units != self.units:
            self.units, self.trace = event.units, {}
        columns = zip(*(getattr(event, name) for name in self.TRACED), strict=True)
        for unit, four in zip(event.units, columns, strict=True):
            if (self.TRACED[0], unit) not in self.trace:
                steps = array("q")
                self.trace |= {(name, unit): Series(steps) for name in self.TRACED}
            extend_all([self.trace[name, unit] for name in self.TRACED], event.steps, four)

    def learn(self, facts: LayerFacts, most: int = KEPT) -> None:
        """Keep the facts of a moment, of at most so many."""
        self.facts = facts
        keep(self.facts_at, facts, most)

    def as_of(self, step: int) -> "LayerHistory":
        """What was known of the layer at `step`, for reading."""
        then = LayerHistory(self.layer, self.facts.layer)
        then.sizes, *samples = as_of_all([self.sizes, *self.samples.values()], step)
        then.samples = dict(zip(self.samples, samples, strict=True))
        then.units = self.units
        traces = as_of_all(list(self.trace.values()), step)
        then.trace = dict(zip(self.trace, traces, strict=True))
        for side, kept in self.histograms.items():
            then.histograms[side] = [histogram for histogram in kept if histogram.step <= step]
        then.facts_at = [facts for facts in self.facts_at if facts.step <= step]
        if then.facts_at:
            then.facts = then.facts_at[-1]
        return then


class WatchedRun:
    """Everything known of a watched run so far; `version` grows by one with every event."""

    def __init__(self) -> None:
        self.version = 0
        self.watching: Watching | None = None
        self.layers: list[LayerHistory] = []
        self.models: dict[str, ModelFacts] = {}
        self.models_at: dict[str, list[ModelFacts]] = {}
        self.scalars: dict[str, Series] = {}
        self.probes: dict[str, list[ThreeLosses]] = {}
        self.timing: Timing | None = None
        self.state: State | None = None
        self.log: Log | None = None
        self.failed: Failed | None = None
        self.ended = False
        self.output: list[Output] = []
        self.skipped = 0

    @property
    def steps(self) -> int:
        """Optimizer steps known so far."""
        known = [facts.optimizer_steps for facts in self.models.values()]
        known += [self.timing.step] if self.timing else []
        known += [self.state.step] if self.state else []
        return max(known, default=0)

    def fold(self, event: Event) -> None:
        """Fold one event in; one that does not fit the run is counted as skipped."""
        self.version += 1
        self._fold(event)

    @singledispatchmethod
    def _fold(self, event: Event) -> None:
        self.skipped += 1

    @_fold.register
    def _(self, event: Watching) -> None:
        if self.watching is not None and event.started != self.watching.started:
            printed = [] if self.layers else self.output  # a script's, before its first model ran
            vars(self).update(vars(WatchedRun()), version=self.version, output=printed)
        if event.protocol > PROTOCOL:
            self.skipped += 1
        self.watching = event
        for index in range(len(self.layers), len(event.layers)):
            self.layers.append(LayerHistory(event.layers[index], index))
        for known, layer in zip(self.layers, event.layers, strict=False):
            known.layer = layer

    @_fold.register
    def _(self, event: LayerSamples) -> None:
        columns = [event.n, *(getattr(event, name) for name in LayerHistory.SAMPLED)]
        if layer := self._layer(event.layer, event.steps, columns):
            layer.extend(event)

    @_fold.register
    def _(self, event: Statistics) -> None:
        rows = [event.batch_mean, event.running_mean, event.batch_var, event.running_var]
        columns = [column for row in rows for column in row]
        if len(event.units) > CHANNELS or any(len(row) != len(event.units) for row in rows):
            self.skipped += 1
        elif layer := self._layer(event.layer, event.steps, columns):
            layer.follow(event)

    @_fold.register
    def _(self, event: Histogram) -> None:
        if layer := self._layer(event.layer):
            keep(layer.histograms[event.side], event, self._moments)

    @_fold.register
    def _(self, event: LayerFacts) -> None:
        if layer := self._layer(event.layer):
            layer.learn(event, self._moments)

    @_fold.register
    def _(self, event: ModelFacts) -> None:
        if event.model not in self.models and len(self.models) >= MODELS:
            self.skipped += 1
            return
        self.models[event.model] = event
        keep(self.models_at.setdefault(event.model, []), event)

    @_fold.register
    def _(self, event: Scalars) -> None:
        if any(len(column) != len(event.steps) for column in event.values.values()):
            self.skipped += 1
            return
        for name, column in event.values.items():
            if name not in self.scalars and len(self.scalars) >= NAMES:
                self.skipped += 1
                return
            self.scalars.setdefault(name, Series()).extend(event.steps, column)

    @_fold.register
    def _(self, event: ThreeLosses) -> None:
        if event.model not in self.probes and len(self.probes) >= MODELS:
            self.skipped += 1
            return
        keep(self.probes.setdefault(event.model, []), event)

    @_fold.register
    def _(self, event: Timing) -> None:
        self.timing = event

    @_fold.register
    def _(self, event: State) -> None:
        self.state = event

    @_fold.register
    def _(self, event: Log) -> None:
        self.log = event

    @_fold.register
    def _(self, event: Failed) -> None:
        self.failed = event

    @_fold.register
    def _(self, event: Ended) -> None:
        self.ended = True

    @_fold.register
    def _(self, event: Output) -> None:
        self.output.append(event)
        del self.output[:-LINES]

    @_fold.register
    def _(self, event: Skipped) -> None:
        self.skipped += 1

    @property
    def _moments(self) -> int:
        """At how many moments facts and histograms of one layer are kept."""
        return min(KEPT, max(KEPT_IN_ALL // len(self.layers), 2))

    def _layer(
        self, index: int, steps: list[int] | None = None, columns: Iterable[Sequence[object]] = ()
    ) -> LayerHistory | None:
        """The layer of that index; None, and counted, if there is none or lengths differ."""
        fits = index < len(self.layers) and all(len(c) == len(steps or ()) for c in columns)
        self.skipped += not fits
        return self.layers[index] if fits else None


def as_of(run: WatchedRun, step: int) -> WatchedRun:
    """A watched run when `step` steps were done, for reading; numbers are shared, not copied."""
    then = WatchedRun()
    then.version, then.watching = run.version, run.watching
    then.layers = [layer.as_of(step) for layer in run.layers]
    for name, known in run.models_at.items():
        then.models_at[name] = [facts for facts in known if facts.step <= step]
        newest = then.models_at[name][-1:] or [ModelFacts(name, step)]
        then.models[name] = replace(newest[0], optimizer_steps=step)
    then.scalars = {name: series.as_of(step) for name, series in run.scalars.items()}
    for name, losses in run.probes.items():
        then.probes[name] = [each for each in losses if each.step <= step]
    then.output, then.ended, then.log = run.output, run.ended, run.log
    return then


def watched(events: Iterable[Event]) -> WatchedRun:
    """A watched run of all these events."""
    run = WatchedRun()
    for event in events:
        run.fold(event)
    return run
