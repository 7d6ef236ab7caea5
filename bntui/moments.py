"""A run as it stood at an earlier step, for panes to draw like the present."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from bntui.history import ArmHistory, History, Trace
from bntui.protocol import Activations, ModeLosses

Measured = TypeVar("Measured", Activations, ModeLosses)


def as_of(history: History, step: int) -> History:
    """What `history` knew when `step` steps were done; numbers are shared, not copied."""
    then = History()
    then.hello, then.dataset, then.state = history.hello, history.dataset, history.state
    then.arms = {name: _arm(arm, step) for name, arm in history.arms.items()}
    then.trace = _trace(history.trace, step) if history.trace else None
    return then


def step_at(history: History, seconds: float) -> int:
    """Steps that were done after so many seconds of training."""
    place = bisect_right(history.times, seconds)
    return history.marks[place - 1] if place else 0


def seconds_at(history: History, step: int) -> float:
    """Seconds of training after which `step` steps were done."""
    place = bisect_right(history.marks, step)
    return history.times[place - 1] if place else 0.0


def _arm(arm: ArmHistory, step: int) -> ArmHistory:
    then = ArmHistory()
    then.loss = arm.loss.prefix(step)
    then.activations = {layer: _until(events, step) for layer, events in arm.activations.items()}
    then.modes = _until(arm.modes, step)
    then.diverged = arm.diverged if arm.diverged and arm.diverged.step < step else None
    return then


def _until(events: Sequence[Measured], step: int) -> list[Measured]:
    return list(events[: bisect_right(events, step, key=lambda event: event.step)])


def _trace(trace: Trace, step: int) -> Trace:
    then = Trace(trace.arm, trace.layer, trace.units)
    count = trace.since(step)
    then.steps = trace.steps[:count]
    then.columns = {
        name: [column.prefix(count) for column in columns]
        for name, columns in trace.columns.items()
    }
    return then
