"""Interventions between steps: change a setting, fork, recalibrate, undo."""

import re
from collections import deque
from functools import partial

import torch

from bntui.config.schema import MOST_ARMS
from bntui.config.settings import SETTINGS, Setting
from bntui.core.nn.precise import Moments, precise_statistics
from bntui.core.training.knobs import LiveValue, live_values
from bntui.core.training.trainer import Arm, Trainer
from bntui.errors import InputError
from bntui.protocol import (
    Change,
    Changed,
    Fork,
    Forked,
    Recalibrate,
    Recalibrated,
    Removed,
    Undo,
)
from bntui.text import clean

Done = Changed | Forked | Removed | Recalibrated
"""Events of interventions that were made."""

MOST_EXAMPLES = 2**20
"""Most examples that recalibration averages over; of more, evenly spaced ones are taken."""

MOST_UNDONE = 1000
"""Newest interventions that can be undone."""


class Interventions:
    """Applies commands to a trainer, and keeps how to undo each, newest first."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._undo: deque[partial[list[Done]]] = deque(maxlen=MOST_UNDONE)

    def handle(self, command: Change | Fork | Recalibrate | Undo) -> list[Done]:
        """Apply a command; the events that say what it did.

        Raises:
            InputError: It cannot be applied, and nothing was changed.
        """
        match command:
            case Change():
                return self._change(command)
            case Fork():
                return self._fork(command)
            case Recalibrate(name):
                return self._recalibrate(self._arm(name))
            case Undo():
                return self._undo_newest()

    def undone_batch_size(self) -> int | None:
        """The size of batches that an `Undo` would put back; None if it changes no such size."""
        newest = self._undo[-1] if self._undo else None
        if newest is None or newest.func != self._change_back:
            return None
        command, _, before, _ = newest.args
        return int(before[0]) if command.knob == "batch_size" else None

    def scheduled(self) -> list[Done]:
        """Apply the learning rates' schedule for the next step; the events that say so."""
        dropped = self._trainer.drop_lr()
        arms, before = [arm for arm, _ in dropped], [lr for _, lr in dropped]
        found = live_values(self._trainer, SETTINGS["lr"], arms) if dropped else []
        return self._changed(Change("lr", 0), found, before) if found else []

    def _change(self, command: Change) -> list[Done]:
        setting = SETTINGS[command.knob]
        if reason := setting.problem(command.value):
            raise InputError(reason)
        arms = [self._arm(command.arm)] if command.arm else self._trainer.arms
        found = live_values(self._trainer, setting, arms, command.layer)
        before = [value.read() for value in found]
        after = [command.value] * len(found)
        if before == after:
            raise InputError(f"{setting.name} is {command.value:g} already.")
        self._undo.append(partial(self._change_back, command, found, before, self._step))
        return self._set(command, found, after)

    def _change_back(
        self, command: Change, found: list[LiveValue], values: list[float], since: int
    ) -> list[Done]:
        """Set the values of step `since`, learning rates as their schedule has them now."""
        if command.knob == "lr":
            values = [self._trainer.scheduled_lr(value, since) for value in values]
        return self._set(command, found, values)

    def _set(self, command: Change, found: list[LiveValue], values: list[float]) -> list[Done]:
        before = [value.read() for value in found]
        for live, value in zip(found, values, strict=True):
            live.set(value)
        return self._changed(command, found, before)

    def _changed(self, command: Change, found: list[LiveValue], before: list[float]) -> list[Done]:
        """One event if all values are the same now, else one for each."""
        step, knob = self._step, command.knob
        after = [value.read() for value in found]
        if len(set(after)) > 1:
            each = zip(after, before, found, strict=True)
            return [Changed(step, knob, now, was, at.arm, at.layer) for now, was, at in each]
        was = before[0] if len(set(before)) == 1 else None
        arm = command.arm if SETTINGS[knob].per_network else None
        return [Changed(step, knob, after[0], was, arm, command.layer)]

    def _fork(self, command: Fork) -> list[Done]:
        origin = self._arm(command.arm)
        if len(self._trainer.arms) >= MOST_ARMS:
            raise InputError(f"There are {MOST_ARMS} networks already, the most there can be.")
        setting = SETTINGS[command.knob] if command.knob else None
        if setting:
            self._check_fork(setting, command.value, origin)
        fork = origin.fork(self._unused(_fork_name(origin.name, setting, command.value)))
        self._trainer.arms.append(fork)
        self._undo.append(partial(self._remove, fork))
        events: list[Done] = [Forked(fork.name, origin.name, self._step)]
        if setting:
            found = live_values(self._trainer, setting, [fork])
            change = Change(setting.knob, command.value, fork.name)
            events += self._set(change, found, [command.value] * len(found))
        return events

    def _check_fork(self, setting: Setting, value: float, origin: Arm) -> None:
        if not setting.per_network:
            raise InputError(f"{setting.name} cannot differ in a fork: all networks share it.")
        if reason := setting.problem(value):
            raise InputError(reason)
        live_values(self._trainer, setting, [origin])

    def _remove(self, fork: Arm) -> list[Done]:
        self._trainer.arms.remove(fork)
        return [Removed(fork.name, self._step)]

    def _recalibrate(self, arm: Arm) -> list[Done]:
        if not arm.model.batchnorms:
            raise InputError(f"{arm.name} has no running statistics to recalibrate.")
        for done in reversed(self._undo):
            if done.func != self._decalibrate or done.args[-1] != self._step:
                break
            if done.args[0] is arm:
                raise InputError(f"{arm.name} was recalibrated at this step already.")
        contexts, _ = self._trainer.dataset.spread(MOST_EXAMPLES)
        before = _put(arm, precise_statistics(arm.model, contexts))
        self._undo.append(partial(self._decalibrate, arm, before, self._step))
        return [Recalibrated(arm.name, self._step)]

    def _decalibrate(self, arm: Arm, before: list[Moments], since: int) -> list[Done]:
        """Put the running statistics of step `since` back; the weights may have changed since."""
        _put(arm, before)
        return [Recalibrated(arm.name, self._step, undone=True, since=since)]

    def _undo_newest(self) -> list[Done]:
        if not self._undo:
            raise InputError("There is nothing left to undo.")
        return self._undo.pop()()

    def _arm(self, name: str) -> Arm:
        found = [arm for arm in self._trainer.arms if arm.name == name]
        if not found:
            raise InputError(f"There is no network named {clean(name, 60)}.")
        return found[0]

    def _unused(self, name: str) -> str:
        """That name, numbered if an arm has it."""
        taken = {arm.name for arm in self._trainer.arms}
        numbered = (f"{name} {number}" for number in range(2, MOST_ARMS + 2))
        return next(each for each in (name, *numbered) if each not in taken)

    @property
    def _step(self) -> int:
        return self._trainer.steps_done


@torch.inference_mode()
def _put(arm: Arm, statistics: list[Moments]) -> list[Moments]:
    """Replace a network's running statistics; returns those it had."""
    layers = arm.model.batchnorms
    before = [(layer.running_mean.clone(), layer.running_var.clone()) for layer in layers]
    for layer, (mean, var) in zip(layers, statistics, strict=True):
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(var)
    return before


def _fork_name(origin: str, setting: Setting | None, value: float) -> str:
    """How the fork differs, as in "BN lr=0.5"; it replaces the same setting's older value."""
    if setting is None:
        return re.sub(r" copy( \d)?$", "", origin) + " copy"
    root = re.sub(rf" ({setting.name}=\S+|copy)( \d)?$", "", origin)
    return f"{root} {setting.name}={value:g}"
