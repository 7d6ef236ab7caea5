"""What a run tells of itself: sampled by step, so that a config and seed always tell the same."""

import torch
from torch import Tensor

from bntui.core.archive import Archive
from bntui.core.probes.activations import activations
from bntui.core.probes.modes import mode_losses
from bntui.core.probes.numbers import finite, plain, shorten
from bntui.core.trainer import Arm, Trainer
from bntui.protocol import Event, Statistics, Steps

UNITS = [0, 1, 2, 3, 4]
"""Watched until someone watches others: the notebook's first five dimensions."""

EARLY = {0, 1, 2, 5, 10, 20, 50, 100, 200}
PROBE_EVERY = 500


def stride(step: int) -> int:
    """Statistics are told of every step below 10,000, every 10th below 100,000, and so on."""
    places = len(str(step)) - 4
    return int("1" + "0" * places)


def is_probed(steps_done: int) -> bool:
    """Probes measure early and often, then every 500 steps, every 5,000 from 10,000 on, ..."""
    return steps_done in EARLY or steps_done % (PROBE_EVERY * stride(steps_done)) == 0


class Telemetry:
    """Gathers the numbers of one trainer's steps until they are sent."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._layer, self._units = -1, UNITS
        self.watch(0, UNITS)
        self._losses: dict[str, list[float]] = {arm.name: [] for arm in trainer.arms}
        self._first = 0
        self._traced = [ArmTrace(arm) for arm in trainer.arms if arm.model.batchnorms]

    def watch(self, layer: int, units: list[int]) -> bool:
        """Trace these units of this BatchNorm layer, as far as there are such; is that a change?"""
        config = self._trainer.config
        layer = min(max(layer, 0), config.depth - 1)
        units = sorted({unit for unit in units if 0 <= unit < config.hidden})
        before, now = (self._layer, self._units), (layer, units)
        self._layer, self._units = now
        return now != before

    def record(self) -> None:
        """Take in the step just made."""
        step = self._trainer.steps_done - 1
        for arm in self._trainer.arms:
            self._losses[arm.name].append(arm.loss)
        for trace in self._traced:
            trace.record(step, self._layer)

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
        fresh = [t.drain(self._layer, self._units) for t in self._traced if t.steps]
        return [*events, *fresh]

    def recall(self) -> list[Event]:
        """The watched units from the first step on, as far as they are archived."""
        return [trace.recall(self._layer, self._units) for trace in self._traced]

    def probe(self, thorough: bool) -> list[Event]:
        """Histograms of every hidden layer and both modes' losses, of every arm."""
        arms, depth = self._trainer.arms, self._trainer.config.depth
        return [
            *(activations(self._trainer, arm, i) for arm in arms for i in range(depth)),
            *(mode_losses(self._trainer, arm, thorough) for arm in arms),
        ]


class ArmTrace:
    """The statistics of one arm's BatchNorm layers: the steps not yet sent, and an archive."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._archive = Archive(arm.model.batchnorms)
        self.steps: list[int] = []
        self._rows: list[Tensor] = []

    def record(self, step: int, layer: int) -> None:
        """Take in the step just made."""
        if self._arm.alive:
            self._archive.record(step)
            if step % stride(step) == 0:
                self.steps.append(step)
                self._rows.append(self._arm.model.batchnorms[layer].statistics())

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
        watched = [row[:, units] for row in rows] or [torch.empty(4, len(units))]
        kinds = shorten(torch.stack(watched, dim=-1)[..., : len(steps)]).tolist()
        columns = [[finite(column) for column in kind] for kind in kinds]
        return Statistics(self._arm.name, layer, units, list(steps), *columns)
