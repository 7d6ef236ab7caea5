"""What the engine hears."""

from bntui.config.schema import Knob, RunConfig
from bntui.protocol.base import Command, Probe

LOG_BY_DEFAULT = "auto"
"""In place of a log's path: a new file in the default place, where the engine is."""


class Start(Command, frozen=True):
    """Begin this run; sent again, begin again from step 0, in a log of its own.

    `log` is the path of a file that is not there yet, or `LOG_BY_DEFAULT`, or null for no log.
    """

    config: RunConfig
    log: str | None = None


class Pause(Command, frozen=True):
    """Stop after the step in hand."""


class Resume(Command, frozen=True):
    """Go on."""


class Step(Command, frozen=True):
    """Make one step and pause."""


class SetPace(Command, frozen=True):
    """Aim at `pace` steps a second, or at full speed when null."""

    pace: float | None


class TraceUnits(Command, frozen=True):
    """Trace these units of this BatchNorm layer from the next step on."""

    layer: int
    units: list[int]


class Change(Command, frozen=True):
    """Turn a knob from the next step on, of one arm or of all; see `Changed`.

    All arms see the same batches, so `batch_size` is turned for all.
    """

    knob: Knob
    value: float
    arm: str | None = None
    layer: int | None = None


class Fork(Command, frozen=True):
    """Train a copy of an arm beside it, with one knob turned or none."""

    arm: str
    knob: Knob | None = None
    value: float = 0.0


class Recalibrate(Command, frozen=True):
    """Replace an arm's running statistics by those of one pass over the training set."""

    arm: str


class Undo(Command, frozen=True):
    """Take back the newest change, fork or recalibration that is not taken back yet."""


class Subscribe(Command, frozen=True):
    """These probes are on the screen now, of this hidden layer: measure them as the run goes.

    What is measured only because someone looks is told, but not logged.
    """

    probes: list[Probe]
    layer: int = 0


class Stop(Command, frozen=True):
    """End the engine."""
