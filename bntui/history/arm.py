"""The history of one network of a run."""

from array import array
from bisect import bisect_left
from collections import Counter
from typing import TypeVar

from bntui.config.schema import Norm, RunConfig
from bntui.history.columns import Column
from bntui.history.kept import KEPT
from bntui.history.standing import Standing
from bntui.protocol import (
    Activations,
    Checks,
    Diverged,
    Ladder,
    Layers,
    ModeLosses,
    Recovered,
    SplitLosses,
    Statistics,
    Units,
    Updates,
    Weights,
)

Measured = TypeVar("Measured", Layers, Weights, Units, Ladder, Checks, SplitLosses)

LAST = 500
"""Steps whose mean loss stands for a network's loss now: the notebook's."""


class ArmHistory:
    """A network's settings, losses and measurements; `began` is the step it was forked at, or 0."""

    def __init__(
        self,
        norm: Norm = "none",
        origin: str | None = None,
        began: int = 0,
        standing: Standing | None = None,
    ) -> None:
        self.norm, self.origin, self.began = norm, origin, began
        self.standing = standing or Standing(RunConfig())
        self.loss = Column()
        self.activations: dict[int, list[Activations]] = {}
        self.modes: list[ModeLosses] = []
        self.trace: Trace | None = None
        self.updates: UpdateTrace | None = None
        self.turns: list[Diverged | Recovered] = []
        self._measured: dict[type, list[object]] = {}

    @property
    def diverged(self) -> Diverged | None:
        """When it diverged; None if it has not, or has recovered."""
        last = self.turns[-1] if self.turns else None
        return last if isinstance(last, Diverged) else None

    @property
    def last_mean(self) -> float:
        """Mean loss of the last `LAST` steps; NaN while there is none."""
        return self.loss.mean_of_last(LAST)

    def fork(self, origin: str, step: int) -> "ArmHistory":
        """The history of a copy: settings and losses until now are its origin's."""
        fork = ArmHistory(self.norm, origin, step, self.standing.as_of(step))
        fork.loss = self.loss.copy()
        return fork

    def measured(self, kind: type[Measured]) -> list[Measured]:
        """Every measurement of that kind that is kept, oldest first."""
        found = self._measured.get(kind, [])
        return [event for event in found if isinstance(event, kind)]

    def latest(self, kind: type[Measured], layer: int | None = None) -> Measured | None:
        """The newest measurement of that kind; of that hidden layer, where it is of one."""
        for event in reversed(self._measured.get(kind, [])):
            if isinstance(event, kind) and layer in {None, _layer(event)}:
                return event
        return None

    def split_curve(self, split: str) -> list[SplitLosses]:
        """The losses of a split, all on one sample: as many examples as were first measured.

        A paused or finished run measures more of them, which gives another loss for equal weights.
        """
        events = [e for e in self.measured(SplitLosses) if e.losses.get(split) is not None]
        return [e for e in events if e.examples.get(split) == events[0].examples.get(split)]

    def mode_curve(self) -> tuple[int, list[ModeLosses]]:
        """The most examples n on which both modes were measured often, and the measurements.

        A paused or finished run measures more of them. n is 0 where nothing was measured.
        """
        counts = Counter(n for event in self.modes for n, _, _ in measured_modes(event))
        often = max(counts.values(), default=0) / 2
        n = max((n for n, count in counts.items() if count >= often), default=0)
        return n, [event for event in self.modes if n in event.sizes]

    def measure(self, event: Layers | Weights | Units | Ladder | Checks | SplitLosses) -> None:
        """Add a measurement; one of the same step, layer and examples replaces the older one.

        Beyond `KEPT` of a kind, every other of the older half is dropped.
        """
        kept = self._measured.setdefault(type(event), [])
        again = (event.step, _of(event))
        kept[:] = [old for old in kept if (getattr(old, "step", -1), _of(old)) != again]
        kept.append(event)
        if len(kept) > KEPT:
            del kept[1 : KEPT // 2 : 2]

    def as_of(self, step: int) -> "ArmHistory":
        """What was known when `step` steps were done; numbers are shared, not copied."""
        then = ArmHistory(self.norm, self.origin, self.began, self.standing.as_of(step))
        then.loss = self.loss.prefix(step)
        then.activations = {
            layer: [event for event in events if event.step <= step]
            for layer, events in self.activations.items()
        }
        then.modes = [event for event in self.modes if event.step <= step]
        then.trace = self.trace.as_of(step) if self.trace else None
        then.updates = self.updates.as_of(step) if self.updates else None
        then.turns = [turn for turn in self.turns if turn.step < step]
        then._measured = {
            kind: [event for event in events if getattr(event, "step", 0) <= step]
            for kind, events in self._measured.items()
        }
        return then


def measured_modes(event: ModeLosses) -> list[tuple[int, float | None, float | None]]:
    """n and the losses in training and in evaluation mode, for each n that was measured.

    In passing a run measures no large n; a loss beside a known one is None if it was not finite.
    """
    rows = zip(event.sizes, event.train, event.eval, strict=False)
    return [row for row in rows if row[1:] != (None, None)]


def _of(event: object) -> object:
    """Of what a measurement is, beside its step: the layer, or how many examples of each split."""
    return event.examples if isinstance(event, SplitLosses) else _layer(event)


def _layer(event: object) -> int | None:
    layer: int | None = getattr(event, "layer", None)
    return layer


class _Sampled:
    """Columns of values at sampled steps."""

    def __init__(self) -> None:
        self.steps = array("q")

    def since(self, step: int) -> int:
        """The position of the first sample at or after `step`."""
        return bisect_left(self.steps, step)

    def follows(self, steps: list[int]) -> bool:
        """Whether these steps come after all sampled ones."""
        return not (self.steps and steps[:1] <= [self.steps[-1]])


class Trace(_Sampled):
    """The watched units of one BatchNorm layer: a column a unit and quantity, at sampled steps."""

    QUANTITIES = ("batch_mean", "running_mean", "batch_var", "running_var")

    def __init__(self, arm: str, layer: int, units: list[int]) -> None:
        super().__init__()
        self.arm, self.layer, self.units = arm, layer, units
        self.columns = {name: [Column() for _ in units] for name in self.QUANTITIES}

    def extend(self, event: Statistics) -> None:
        """Append a batch of sampled steps."""
        self.steps.extend(event.steps)
        for name, columns in self.columns.items():
            for column, values in zip(columns, getattr(event, name), strict=True):
                column.extend(values)

    def as_of(self, step: int) -> "Trace":
        """The samples of the steps before `step`."""
        then = Trace(self.arm, self.layer, self.units)
        count = self.since(step)
        then.steps = self.steps[:count]
        then.columns = {
            name: [column.prefix(count) for column in columns]
            for name, columns in self.columns.items()
        }
        return then


class UpdateTrace(_Sampled):
    """Update:data and gradient:data ratios (log10), a column a weight, at sampled steps."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names
        self.update_ratio = [Column() for _ in names]
        self.grad_ratio = [Column() for _ in names]

    def extend(self, event: Updates) -> None:
        """Append a batch of sampled steps."""
        self.steps.extend(event.steps)
        for columns, ratios in (
            (self.update_ratio, event.update_ratio),
            (self.grad_ratio, event.grad_ratio),
        ):
            for column, values in zip(columns, ratios, strict=True):
                column.extend(values)

    def as_of(self, step: int) -> "UpdateTrace":
        """The samples of the steps before `step`."""
        then = UpdateTrace(self.names)
        count = self.since(step)
        then.steps = self.steps[:count]
        then.update_ratio = [column.prefix(count) for column in self.update_ratio]
        then.grad_ratio = [column.prefix(count) for column in self.grad_ratio]
        return then
