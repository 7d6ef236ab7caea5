"""What a person does to a run between its steps: turn, fork, recalibrate, and take it back."""

import re
from collections.abc import Callable
from functools import partial

import torch

from bntui.config.limits import problem
from bntui.config.schema import MOST_ARMS, Knob
from bntui.core.nn.precise import Moments, precise_statistics
from bntui.core.training.knobs import Dial, dials
from bntui.core.training.trainer import LR_DROP, Arm, Trainer
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
"""What is told of a command that was obeyed."""

MOST_EXAMPLES = 2**20
"""Examples that recalibration passes over; of more, evenly spaced ones stand for all."""


class Control:
    """Obeys commands that change a trainer, and remembers how to take each back, newest first."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._undo: list[Callable[[], list[Done]]] = []

    def obey(self, command: Change | Fork | Recalibrate | Undo) -> list[Done]:
        """Do as told, and say what was done.

        Raises:
            InputError: It cannot be done, and nothing was; why, in one sentence.
        """
        match command:
            case Change():
                return self._change(command)
            case Fork(name, knob, value):
                return self._fork(self._arm(name), knob, value)
            case Recalibrate(name):
                return self._recalibrate(self._arm(name))
            case Undo():
                return self._take_back()

    def scheduled(self) -> list[Done]:
        """What the learning rates' schedule turns at the next step."""
        if self._step != self._trainer.config.lr_drop:
            return []
        found = dials(self._trainer, "lr", self._trainer.arms)
        before = [dial.read() for dial in found]
        return self._changed(Change("lr", 0), found, before, [lr / LR_DROP for lr in before])

    def _change(self, command: Change) -> list[Done]:
        if reason := problem(command.knob, command.value):
            raise InputError(reason)
        arms = [self._arm(command.arm)] if command.arm else self._trainer.arms
        found = dials(self._trainer, command.knob, arms, command.layer)
        before = [dial.read() for dial in found]
        after = [command.value] * len(found)
        if before == after:
            raise InputError(f"{command.knob} is {command.value:g} already.")
        self._undo.append(partial(self._turn_back, command, found, before, self._step))
        return self._turn(command, found, after)

    def _turn_back(
        self, command: Change, found: list[Dial], values: list[float], turned: int
    ) -> list[Done]:
        """To these values; those of lr divided if its schedule came in between."""
        drop = self._trainer.config.lr_drop
        if command.knob == "lr" and drop is not None and turned <= drop < self._step:
            values = [value / LR_DROP for value in values]
        return self._turn(command, found, values)

    def _turn(self, command: Change, found: list[Dial], values: list[float]) -> list[Done]:
        before = [dial.read() for dial in found]
        for dial, value in zip(found, values, strict=True):
            dial.turn(value)
        return self._changed(command, found, before, values)

    def _changed(
        self, command: Change, found: list[Dial], before: list[float], after: list[float]
    ) -> list[Done]:
        """One event where all dials show the same now, else one a dial."""
        step, knob = self._step, command.knob
        if len(set(after)) > 1:
            each = zip(after, before, found, strict=True)
            return [Changed(step, knob, now, was, at.arm, at.layer) for now, was, at in each]
        was = before[0] if len(set(before)) == 1 else None
        arm = None if knob == "batch_size" else command.arm
        return [Changed(step, knob, after[0], was, arm, command.layer)]

    def _fork(self, origin: Arm, knob: Knob | None, value: float) -> list[Done]:
        if len(self._trainer.arms) >= MOST_ARMS:
            raise InputError(f"There are {MOST_ARMS} networks already, and that is the most.")
        if knob == "batch_size":
            raise InputError("batch_size is no fork's own: all networks see the same batches.")
        if knob:
            if reason := problem(knob, value):
                raise InputError(reason)
            dials(self._trainer, knob, [origin])
        fork = origin.fork(self._unused(_fork_name(origin.name, knob, value)))
        self._trainer.arms.append(fork)
        self._undo.append(partial(self._remove, fork))
        told: list[Done] = [Forked(fork.name, origin.name, self._step)]
        if knob:
            found = dials(self._trainer, knob, [fork])
            told += self._turn(Change(knob, value, fork.name), found, [value] * len(found))
        return told

    def _remove(self, fork: Arm) -> list[Done]:
        self._trainer.arms.remove(fork)
        return [Removed(fork.name, self._step)]

    def _recalibrate(self, arm: Arm) -> list[Done]:
        if not arm.model.batchnorms:
            raise InputError(f"{arm.name} keeps no running statistics that could be replaced.")
        contexts, _ = self._trainer.dataset.spread(MOST_EXAMPLES)
        before = _put(arm, precise_statistics(arm.model, contexts))
        self._undo.append(partial(self._decalibrate, arm, before))
        return [Recalibrated(arm.name, self._step)]

    def _decalibrate(self, arm: Arm, before: list[Moments]) -> list[Done]:
        """Back to the running statistics of then, though the weights may have moved since."""
        _put(arm, before)
        return [Recalibrated(arm.name, self._step, undone=True)]

    def _take_back(self) -> list[Done]:
        if not self._undo:
            raise InputError("There is nothing left to take back.")
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
    """Make these an arm's running statistics; those it had."""
    layers = arm.model.batchnorms
    before = [(layer.running_mean.clone(), layer.running_var.clone()) for layer in layers]
    for layer, (mean, var) in zip(layers, statistics, strict=True):
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(var)
    return before


def _fork_name(origin: str, knob: Knob | None, value: float) -> str:
    """Says how it differs: "BN lr=0.5"; the same knob's older value is left out."""
    root = re.sub(rf" ({knob}=\S+|copy)( \d)?$", "", origin)
    return f"{root} {knob}={value:g}" if knob else f"{root} copy"
