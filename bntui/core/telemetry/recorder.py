"""Records what each step costs little to know: losses, statistics, update ratios.

What is recorded depends on the step number alone, so that logs are reproducible.
"""

import torch
from torch import Tensor

from bntui.core.probes.numbers import finite, plain, shorten
from bntui.core.telemetry.archive import Archive
from bntui.core.telemetry.schedule import interval
from bntui.core.telemetry.update_ratios import UpdateRatios
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Event, Forked, Removed, Statistics, Steps

UNITS = [0, 1, 2, 3, 4]
"""Traced until others are asked for: the notebook's first five dimensions."""


class Recorder:
    """Collects the numbers of a trainer's steps until they are emitted."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._layer, self._units = -1, UNITS
        self.trace(0, UNITS)
        self._losses: dict[str, list[float]] = {arm.name: [] for arm in trainer.arms}
        self._first = 0
        self._traces = {
            arm.name: StatisticsTrace(arm) for arm in trainer.arms if arm.model.batchnorms
        }
        self._update_ratios = {arm.name: UpdateRatios(arm) for arm in trainer.arms}

    def trace(self, layer: int, units: list[int]) -> bool:
        """Trace these units of this BatchNorm layer, where they exist; whether that is a change."""
        config = self._trainer.config
        layer = min(max(layer, 0), config.depth - 1)
        units = sorted({unit for unit in units if 0 <= unit < config.hidden})
        before, now = (self._layer, self._units), (layer, units)
        self._layer, self._units = now
        return now != before

    def follow(self, event: Event) -> None:
        """Start recording a fork, which shares its origin's past, or stop recording a removed one.

        Earlier steps must have been drained.
        """
        if isinstance(event, Forked):
            arm = next(arm for arm in self._trainer.arms if arm.name == event.arm)
            self._losses[arm.name] = []
            self._update_ratios[arm.name] = UpdateRatios(arm)
            if trace := self._traces.get(event.origin):
                self._traces[arm.name] = trace.fork(arm)
        elif isinstance(event, Removed):
            del self._losses[event.arm], self._update_ratios[event.arm]
            self._traces.pop(event.arm, None)

    def sample(self, arm: Arm, step: int) -> None:
        """Sample a network just after a step; `record` keeps the samples."""
        if trace := self._traces.get(arm.name):
            trace.sample(step)
        self._update_ratios[arm.name].sample(step)

    def record(self, steps_done: int) -> None:
        """Keep the losses and samples of the last `steps_done` steps."""
        for arm in self._trainer.arms:
            missing = steps_done - len(arm.losses)
            self._losses[arm.name] += arm.losses + [arm.loss] * missing
        for trace in self._traces.values():
            trace.record(self._trainer.steps_done - steps_done, self._layer)

    def drain(self, elapsed: float) -> list[Event]:
        """The events of the steps since the last call; `elapsed` is in seconds."""
        events: list[Event] = []
        if self._trainer.steps_done > self._first:
            losses = {
                name: plain(torch.tensor(column, dtype=torch.float64))
                for name, column in self._losses.items()
            }
            events.append(Steps(self._first, round(elapsed, 4), losses))
            for column in self._losses.values():
                column.clear()
            self._first = self._trainer.steps_done
        events += [ratios.drain() for ratios in self._update_ratios.values() if ratios.steps]
        events += [t.drain(self._layer, self._units) for t in self._traces.values() if t.steps]
        return events

    def recall(self) -> list[Event]:
        """The traced units from the first step on, as far as they are archived."""
        return [trace.recall(self._layer, self._units) for trace in self._traces.values()]


class StatisticsTrace:
    """Statistics of one network's BatchNorm layers: those not emitted yet, and an archive."""

    def __init__(self, arm: Arm, archive: Archive | None = None) -> None:
        self._arm = arm
        self._layers = arm.model.batchnorms
        self._archive = archive or Archive(self._layers)
        self._samples: list[tuple[int, list[Tensor]]] = []
        self.steps: list[int] = []
        self._rows: list[Tensor] = []

    def fork(self, arm: Arm) -> "StatisticsTrace":
        """The trace of a copy of its network, with the same past."""
        return StatisticsTrace(arm, self._archive.fork())

    def sample(self, step: int) -> None:
        """Copy the statistics of every layer after a step that is recorded or archived."""
        if step % interval(step) == 0 or step % self._archive.every == 0:
            self._samples.append((step, [layer.statistics() for layer in self._layers]))

    def record(self, first: int, layer: int) -> None:
        """Keep the samples of the steps from `first` on, without the one that ended the network."""
        end = first + len(self._arm.losses) - (not self._arm.alive)
        for step, rows in self._samples:
            if step < end:
                self._archive.record(step, rows)
                if step % interval(step) == 0:
                    self.steps.append(step)
                    self._rows.append(rows[layer])
        self._samples.clear()

    def drain(self, layer: int, units: list[int]) -> Statistics:
        """The statistics recorded since the last call."""
        event = self._event(layer, units, self.steps, self._rows)
        self.steps, self._rows = [], []
        return event

    def recall(self, layer: int, units: list[int]) -> Statistics:
        """The archived statistics."""
        return self._event(layer, units, self._archive.steps, self._archive.rows(layer))

    def _event(
        self, layer: int, units: list[int], steps: list[int], rows: list[Tensor]
    ) -> Statistics:
        of_steps = torch.stack(rows)[..., units] if rows else torch.empty(0, 4, len(units))
        kinds = shorten(of_steps.permute(1, 2, 0)).tolist()
        columns = [[finite(column) for column in kind] for kind in kinds]
        return Statistics(self._arm.name, layer, units, list(steps), *columns)
