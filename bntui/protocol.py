"""The seam: what the engine says (events) and what it hears (commands), a JSON object a line.

Everything a person sees is drawn from events, wherever they come from. Events carry plain numbers;
JSON has no NaN or infinity, so a number that is not finite travels as null.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from bntui.config import MOST_ARMS, RunConfig
from bntui.text import clean

PROTOCOL = 2

Knob = Literal["lr", "batch_size", "momentum", "eps", "norm"]
"""What can be turned while a run goes on."""

Probe = Literal["layers", "weights", "units", "ladder", "checks"]
"""Measurements that are made while someone looks at them."""

Column = list[float | None]
"""A number a step (or a batch size, or a unit); null where it is not finite."""


def _tag(name: str) -> str:
    return name.lower()


def _cleaned(value: object) -> object:
    """A text, a list of texts, or a dict by texts, made safe to show; all else as it is."""
    match value:
        case str():
            return clean(value)
        case [str(), *_]:
            return [clean(str(text)) for text in value]
        case dict():
            return {clean(name): inner for name, inner in value.items()}
        case _:
            return value


class _Safe(Struct, frozen=True):
    """Its text fields are cleaned of control characters when it is made."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if (cleaned := _cleaned(value)) is not value:
                msgspec.structs.force_setattr(self, name, cleaned)


class Event(_Safe, frozen=True, tag_field="event", tag=_tag):
    """Something the engine says."""


class Hello(Event, frozen=True):
    """A run begins (or begins again): who speaks, since when, and the whole config.

    `arms` names the networks trained side by side, in the order in which they are drawn; how each
    normalizes stands at the same place of `config.arms`. `share` is the config as one short string.
    """

    protocol: int
    version: str
    started: str
    config: RunConfig
    arms: Annotated[list[str], Meta(min_length=1, max_length=MOST_ARMS)]
    share: str = ""


class Reading(Event, frozen=True):
    """How far a data file is read, in bytes."""

    source: str
    bytes_read: int
    bytes_total: int


class Dataset(Event, frozen=True):
    """The data as it will be used; `bytes_read < bytes_total` when only its head is.

    `examples` are those trained on, `held_out` those of the other splits by their names.
    """

    source: str
    words: int
    examples: int
    vocabulary: int
    bytes_read: int
    bytes_total: int
    held_out: dict[str, int] = {}


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
    """A hidden layer's outputs, pooled over `n` values: counts in 50 equal bins on [low, high].

    `saturation` is the share where the activation is flat: tanh |h| > 0.97, sigmoid the same bounds
    scaled to (0.015, 0.985), relu h = 0; null when the values are not finite.
    """

    arm: str
    layer: int
    step: int
    n: int
    counts: Annotated[list[int], Meta(min_length=50, max_length=50)]
    saturation: float | None
    low: float = -1.0
    high: float = 1.0


class ModeLosses(Event, frozen=True):
    """The loss of the same weights on the first n examples, in training and in evaluation mode."""

    arm: str
    step: int
    sizes: Annotated[list[int], Meta(min_length=1)]
    train: Column
    eval: Column


class SplitLosses(Event, frozen=True):
    """Evaluation-mode losses by split (train, validation, test), on so many examples of each."""

    arm: str
    step: int
    losses: dict[str, float | None]
    examples: dict[str, int]


class LayerHealth(Struct, frozen=True):
    """One hidden layer on the training batch of a step: its outputs, and the gradients at them.

    `flat` is the share of outputs where the activation is flat (see `Activations`), `dead` the
    number of units flat for every example. Histograms have 50 equal bins on the event's ranges,
    outputs on [low, high], gradients on +-grad_limit; what lies outside is in no bin.
    """

    mean: float | None
    std: float | None
    flat: float | None
    dead: int
    grad_mean: float | None
    grad_std: float | None
    counts: Annotated[list[int], Meta(max_length=50)]
    grad_counts: Annotated[list[int], Meta(max_length=50)]


class Layers(Event, frozen=True):
    """Every hidden layer's health after `step` steps, on ranges common to all of them."""

    arm: str
    step: int
    low: float
    high: float
    grad_limit: float
    layers: Annotated[list[LayerHealth], Meta(max_length=50)]


class Updates(Event, frozen=True):
    """How fast weights move, at sampled steps, a column a weight.

    Both are log10 of ratios of standard deviations: of the update lr * grad, or of the gradient, to
    the weight's own (makemore part 3; about -3 is healthy for the update).
    """

    arm: str
    names: list[str]
    steps: list[int]
    update_ratio: list[Column]
    grad_ratio: list[Column]


class WeightHealth(_Safe, frozen=True):
    """One weight matrix: its spread, and counts in 50 equal bins on [low, high]."""

    name: str
    mean: float | None
    std: float | None
    low: float
    high: float
    counts: Annotated[list[int], Meta(max_length=50)]


class Weights(Event, frozen=True):
    """Every weight matrix after `step` steps."""

    arm: str
    step: int
    weights: Annotated[list[WeightHealth], Meta(max_length=60)]


class Units(Event, frozen=True):
    """Which units of a hidden layer are flat for which of the batch's first `examples` examples.

    A string a unit: a number of `examples` bits in hexadecimal, the first example's bit highest.
    `dead` units are flat for every example of the batch; of `units` in all, the first are told.
    """

    arm: str
    layer: int
    step: int
    examples: int
    units: int
    dead: int
    flat: Annotated[list[str], Meta(max_length=1024)]


class Ladder(Event, frozen=True):
    """The loss of one BatchNorm arm's weights on the same `examples`, by whose statistics.

    `running` and `precise` (one pass over the training set, or over evenly spaced examples of a
    large one) normalize every example alike; `batch` and `by_class` normalize batches of n =
    `sizes` by their own, drawn at random or sorted by target; the last n is all.
    """

    arm: str
    step: int
    examples: int
    running: float | None
    precise: float | None
    sizes: list[int]
    batch: Column
    by_class: Column


class Checks(Event, frozen=True):
    """What must agree: largest absolute differences, null where there is nothing to compare.

    `fold`: logits of evaluation mode with BN folded into the Linear before it; `fold_scale` the
    largest logit. `backward`: closed-form gradients against autograd's on the current batch;
    `backward_scale` the largest gradient.
    """

    arm: str
    step: int
    fold: float | None
    fold_scale: float | None
    backward: float | None
    backward_scale: float | None


class Changed(Event, frozen=True):
    """A knob was turned between steps: the first step it holds for, of one arm or of all.

    `norm` is 1 where the normalization is on and 0 where it is bypassed, in one hidden layer
    (counted from 0) or in all.
    """

    step: int
    knob: Knob
    value: float
    before: float | None
    arm: str | None = None
    layer: int | None = None


class Forked(Event, frozen=True):
    """From `step` on a copy of `origin` is trained beside it; its name says how it differs."""

    arm: str
    origin: str
    step: int


class Removed(Event, frozen=True):
    """A forked arm is trained no more."""

    arm: str
    step: int


class Recalibrated(Event, frozen=True):
    """An arm's running statistics were replaced by precise ones, or put back where `undone`."""

    arm: str
    step: int
    undone: bool = False


class Refused(Event, frozen=True):
    """A command that was not obeyed, and why."""

    reason: str


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
    Hello | Reading | Dataset | State | Steps | Statistics | Activations | ModeLosses | SplitLosses
    | Layers | Updates | Weights | Units | Ladder | Checks
    | Changed | Forked | Removed | Recalibrated | Refused
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


class Look(Command, frozen=True):
    """These probes are on the screen now, of this hidden layer: measure them as the run goes.

    What is measured only because someone looks is told, but not logged.
    """

    probes: list[Probe]
    layer: int = 0


class Stop(Command, frozen=True):
    """End the engine."""


AnyCommand = (
    Start
    | Pause
    | Resume
    | Step
    | SetPace
    | Watch
    | Change
    | Fork
    | Recalibrate
    | Undo
    | Look
    | Stop
)
