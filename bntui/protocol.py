"""The seam: what the engine says (events) and what it hears (commands), a JSON object a line.

Everything a person sees is drawn from events, wherever they come from. Events carry plain numbers;
JSON has no NaN or infinity, so a number that is not finite travels as null.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from bntui.config import RunConfig
from bntui.text import clean

PROTOCOL = 1

Column = list[float | None]
"""A number a step (or a batch size, or a unit); null where it is not finite."""


def _tag(name: str) -> str:
    return name.lower()


class Event(Struct, frozen=True, tag_field="event", tag=_tag):
    """Something the engine says. Text fields are cleaned of control characters when made."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str):
                msgspec.structs.force_setattr(self, name, clean(value))


class Hello(Event, frozen=True):
    """A run begins (or begins again): who speaks, since when, and the whole config.

    `arms` names the networks trained side by side, in the order in which they are drawn.
    """

    protocol: int
    version: str
    started: str
    config: RunConfig
    arms: Annotated[list[str], Meta(min_length=1, max_length=4)]


class Reading(Event, frozen=True):
    """How far a data file is read, in bytes."""

    source: str
    bytes_read: int
    bytes_total: int


class Dataset(Event, frozen=True):
    """The data as it will be used; `bytes_read < bytes_total` when only its head is."""

    source: str
    words: int
    examples: int
    vocabulary: int
    bytes_read: int
    bytes_total: int


class State(Event, frozen=True):
    """What the engine does from here on, and at which pace (steps/s; null is full speed).

    `step` counts the steps done, so it is also the index of the next one. `diverged` names the arms
    that have.
    """

    state: Literal["running", "paused", "finished"]
    step: int
    pace: float | None
    diverged: list[str] = []


class Steps(Event, frozen=True):
    """The losses of consecutive steps, a column an arm; `elapsed` is seconds spent training."""

    first: int
    elapsed: float
    loss: dict[str, Column]


class Statistics(Event, frozen=True):
    """What one BatchNorm layer saw and kept, at sampled steps: a column a watched unit.

    The running values are those after the step's own update.
    """

    arm: str
    layer: int
    units: list[int]
    steps: list[int]
    batch_mean: list[Column]
    running_mean: list[Column]
    batch_var: list[Column]
    running_var: list[Column]


class Activations(Event, frozen=True):
    """A hidden layer's outputs, pooled over `n` values: counts in 50 equal bins on [-1, 1].

    `saturation` is the share with |h| > 0.97; null when the values are not finite.
    """

    arm: str
    layer: int
    step: int
    n: int
    counts: Annotated[list[int], Meta(min_length=50, max_length=50)]
    saturation: float | None


class ModeLosses(Event, frozen=True):
    """The loss of the same weights on the first n examples, in training and in evaluation mode."""

    arm: str
    step: int
    sizes: Annotated[list[int], Meta(min_length=1)]
    train: Column
    eval: Column


class Diverged(Event, frozen=True):
    """An arm's loss left every useful range at `step`; `loss` is null when it is not finite."""

    arm: str
    step: int
    loss: float | None


class Failed(Event, frozen=True):
    """The engine cannot go on: bad input (exit 2) or a fault of its own (exit 1)."""

    kind: Literal["input", "crash"]
    message: str
    log: str | None = None


class Log(Event, frozen=True):
    """Where this run is logged, and what keeps it from being so; it is about the log, not in it."""

    path: str | None
    problem: str | None = None


class Ended(Event, frozen=True):
    """Put into a stream by its reader: no more will come, whatever the last state said."""


class Skipped(Event, frozen=True):
    """Put into a stream by its reader: line `line` was not an event, and why."""

    line: int
    reason: str


AnyEvent = (
    Hello | Reading | Dataset | State | Steps | Statistics | Activations | ModeLosses
    | Diverged | Failed | Log | Ended | Skipped
)  # fmt: skip


class Command(Struct, frozen=True, tag_field="command", tag=_tag):
    """Something the engine hears."""


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


class Watch(Command, frozen=True):
    """Trace these units of this BatchNorm layer from the next step on."""

    layer: int
    units: list[int]


class Stop(Command, frozen=True):
    """End the engine."""


AnyCommand = Start | Pause | Resume | Step | SetPace | Watch | Stop
