"""Events of interventions: changed settings, forks, recalibrations."""

from bntui.config.schema import Knob
from bntui.protocol.base import Count, Event, Number


class Changed(Event, frozen=True):
    """A setting was changed before `step`, in one network or in all.

    `norm` is 1 where the normalization is on and 0 where it is bypassed, in one hidden layer
    (counted from 0) or in all.
    """

    step: Count
    knob: Knob
    value: Number
    before: Number | None
    arm: str | None = None
    layer: Count | None = None


class Forked(Event, frozen=True):
    """From `step` on a copy of `origin` is trained beside it; its name says how it differs."""

    arm: str
    origin: str
    step: Count


class Removed(Event, frozen=True):
    """A forked network was removed."""

    arm: str
    step: Count


class Recalibrated(Event, frozen=True):
    """A network's running statistics were replaced by precise ones, or restored if `undone`.

    Restored ones are those of step `since`, of the weights of that time.
    """

    arm: str
    step: Count
    undone: bool = False
    since: Count | None = None


class Refused(Event, frozen=True):
    """A command was refused, and why."""

    reason: str
