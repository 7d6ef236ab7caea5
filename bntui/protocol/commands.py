"""Commands: what can be asked of the engine."""

from typing import Annotated

from msgspec import Meta

from bntui.config.schema import Knob, RunConfig
from bntui.protocol.base import Command, Count, Number, Pace, Probe

LOG_BY_DEFAULT = "auto"
"""In place of a log's path: a new file in the default place, where the engine is."""


class Start(Command, frozen=True):
    """Start this run; sent again, restart from step 0, in a log of its own.

    `log` is the path of a file that is not there yet, or `LOG_BY_DEFAULT`, or null for no log.
    """

    config: RunConfig
    log: str | None = None


class Pause(Command, frozen=True):
    """Pause after the current step."""


TRAIN_ON = 5000
"""Steps that a finished run is trained on for."""


class Resume(Command, frozen=True):
    """Resume a paused run; train a finished one on for `TRAIN_ON` more steps."""


class Step(Command, frozen=True):
    """Make one step and pause; a finished run has `TRAIN_ON` more from then on."""


class SetPace(Command, frozen=True):
    """Train at `pace` steps per second, along a log axis, or at full speed if null."""

    pace: Pace | None


class TraceUnits(Command, frozen=True):
    """Trace these units of this BatchNorm layer from the next step on."""

    layer: Count
    units: Annotated[list[Count], Meta(max_length=64)]


class Change(Command, frozen=True):
    """Change a setting from the next step on, in one network or in all; see `Changed`.

    All networks see the same batches, so `batch_size` changes for all.
    """

    knob: Knob
    value: Number
    arm: str | None = None
    layer: Count | None = None


class Fork(Command, frozen=True):
    """Train a copy of a network beside it, with one setting changed or none."""

    arm: str
    knob: Knob | None = None
    value: Number = 0.0


class Recalibrate(Command, frozen=True):
    """Recompute a network's running statistics over the training set (PreciseBN)."""

    arm: str


class Undo(Command, frozen=True):
    """Undo the newest change, fork or recalibration that is not undone yet."""


class Subscribe(Command, frozen=True):
    """Measure these probes while the run goes on, of this hidden layer: a screen shows them.

    These measurements are emitted, but not logged.
    """

    probes: list[Probe]
    layer: int = 0


class Stop(Command, frozen=True):
    """Stop the engine."""
