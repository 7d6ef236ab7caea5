"""What a run tells of itself: sampled by step, so that a config and seed always tell the same."""

from collections.abc import Container

import torch
from torch import Tensor

from bntui.core.probes.activations import activations
from bntui.core.probes.checks import checks
from bntui.core.probes.inference import ladder
from bntui.core.probes.layers import layers
from bntui.core.probes.modes import mode_losses
from bntui.core.probes.numbers import finite, plain, shorten
from bntui.core.probes.splits import split_losses
from bntui.core.probes.units import units
from bntui.core.probes.weights import weights
from bntui.core.telemetry.archive import Archive
from bntui.core.telemetry.schedule import stride
from bntui.core.telemetry.update_ratios import Weighing
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Event, Forked, Removed, Statistics, Steps

UNITS = [0, 1, 2, 3, 4]
"""Watched until someone watches others: the notebook's first five dimensions."""


class Telemetry:
    """Gathers the numbers of one trainer's steps until they are sent."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._layer, self._units = -1, UNITS
        self.watch(0, UNITS)
        self._losses: dict[str, list[float]] = {arm.name: [] for arm in trainer.arms}
        self._first = 0
        self._traced = {arm.name: ArmTrace(arm) for arm in trainer.arms if arm.model.batchnorms}
        self._weighed = {arm.name: Weighing(arm) for arm in trainer.arms}

    def watch(self, layer: int, units: list[int]) -> bool:
        """Trace these units of this BatchNorm layer, as far as there are such; is that a change?"""
        config = self._trainer.config
        layer = min(max(layer, 0), config.depth - 1)
        units = sorted({unit for unit in units if 0 <= unit < config.hidden})
        before, now = (self._layer, self._units), (layer, units)
        self._layer, self._units = now
        return now != before

    def note(self, event: Event) -> None:
        """Follow a fork that was made, with its origin's past, and no more one that was removed.

        Every step before must have been drained.
        """
        if isinstance(event, Forked):
            arm = next(arm for arm in self._trainer.arms if arm.name == event.arm)
            self._losses[arm.name] = []
            self._weighed[arm.name] = Weighing(arm)
            if trace := self._traced.get(event.origin):
                self._traced[arm.name] = trace.fork(arm)
        elif isinstance(event, Removed):
            del self._losses[event.arm], self._weighed[event.arm]
            self._traced.pop(event.arm, None)

    def sample(self, arm: Arm, step: int) -> None:
        """Look at an arm just after a step; `record` takes in what is seen."""
        if trace := self._traced.get(arm.name):
            trace.sample(step)
        self._weighed[arm.name].sample(step)

    def record(self, made: int) -> None:
        """Take in the steps just made."""
        for arm in self._trainer.arms:
            missing = made - len(arm.losses)
            self._losses[arm.name] += arm.losses + [arm.loss] * missing
        for trace in self._traced.values():
            trace.record(self._trainer.steps_done - made, self._layer)

    def drain(self, elapsed: float) -> list[Event]:
        """The events of all steps since the last time; `elapsed` is in seconds."""
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
        fresh = [t.drain(self._layer, self._units) for t in self._traced.values() if t.steps]
        moved = [weighing.drain() for weighing in self._weighed.values() if weighing.steps]
        return [*events, *moved, *fresh]

    def recall(self) -> list[Event]:
        """The watched units from the first step on, as far as they are archived."""
        return [trace.recall(self._layer, self._units) for trace in self._traced.values()]

    def probe(self, thorough: bool, names: Container[str | None] = (None,)) -> list[Event]:
        """What the log has of this step, of the arms named (of all, for None)."""
        run, depth = self._trainer, self._trainer.config.depth
        arms = [arm for arm in run.arms if None in names or arm.name in names]
        split = arms if run.dataset.held_out else []
        events: list[Event | None] = [
            *(event for arm in arms for event in activations(run, arm)),
            *(mode_losses(run, arm, thorough) for arm in arms),
            *(split_losses(run, arm, thorough) for arm in split),
            *(layers(run, arm) for arm in arms),
            *(weights(run, arm) for arm in arms),
        ]
        if thorough:
            events += [units(run, arm, i) for arm in arms for i in range(depth)]
            events += [probe(run, arm) for arm in arms for probe in (ladder, checks)]
        return [event for event in events if event]


class ArmTrace:
    """The statistics of one arm's BatchNorm layers: the steps not yet sent, and an archive."""

    def __init__(self, arm: Arm, archive: Archive | None = None) -> None:
        self._arm = arm
        self._layers = arm.model.batchnorms
        self._archive = archive or Archive(self._layers)
        self._seen: list[tuple[int, list[Tensor]]] = []
        self.steps: list[int] = []
        self._rows: list[Tensor] = []

    def fork(self, arm: Arm) -> "ArmTrace":
        """The trace of a copy of its arm: they have the past in common."""
        return ArmTrace(arm, self._archive.fork())

    def sample(self, step: int) -> None:
        """Copy the statistics of every layer after a step, if anyone keeps them."""
        if step % stride(step) == 0 or step % self._archive.every == 0:
            rows = [layer.statistics() for layer in self._layers]
            self._seen.append((step, rows))

    def record(self, first: int, layer: int) -> None:
        """Keep what was seen of the steps from `first` on that did not end the arm."""
        end = first + len(self._arm.losses) - (not self._arm.alive)
        for step, rows in self._seen:
            if step < end:
                self._archive.record(step, rows)
                if step % stride(step) == 0:
                    self.steps.append(step)
                    self._rows.append(rows[layer])
        self._seen.clear()

    def drain(self, layer: int, units: list[int]) -> Statistics:
        """What was recorded since the last time."""
        event = self._event(layer, units, self.steps, self._rows)
        self.steps, self._rows = [], []
        return event

    def recall(self, layer: int, units: list[int]) -> Statistics:
        """What the archive has."""
        return self._event(layer, units, self._archive.steps, self._archive.rows(layer))

    def _event(
        self, layer: int, units: list[int], steps: list[int], rows: list[Tensor]
    ) -> Statistics:
        seen = torch.stack(rows, dim=-1)[:, units] if rows else torch.empty(4, len(units), 0)
        kinds = shorten(seen).tolist()
        columns = [[finite(column) for column in kind] for kind in kinds]
        return Statistics(self._arm.name, layer, units, list(steps), *columns)
