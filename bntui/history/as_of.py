"""Views of a run as of an earlier step, which panes draw like the present."""

from bisect import bisect_right

from bntui.history.history import History


def as_of(history: History, step: int) -> History:
    """The history when `step` steps were done; columns are shared, not copied."""
    then = History()
    then.hello, then.dataset, then.state = history.hello, history.dataset, history.state
    then.arms = {name: arm.as_of(step) for name, arm in history.arms.items() if arm.began <= step}
    then.marks = [mark for mark in history.marks if mark.step <= step]
    return then


def step_at(history: History, seconds: float) -> int:
    """Steps that were done after so many seconds of training."""
    place = bisect_right(history.times, seconds)
    return history.steps_at[place - 1] if place else 0


def seconds_at(history: History, step: int) -> float:
    """Seconds of training after which `step` steps were done."""
    place = bisect_right(history.steps_at, step)
    return history.times[place - 1] if place else 0.0
