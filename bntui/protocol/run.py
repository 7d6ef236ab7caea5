"""Events of a run: its beginning, its steps and measurements, its end."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from bntui.config.schema import MOST_ARMS, RunConfig
from bntui.protocol.base import Column, Count, Event, Number, Pace


class Machine(Struct, frozen=True):
    """Where a run is computed, with which versions, and on how many torch threads."""

    host: str
    bntui: str
    torch: str
    threads: Count


class Hello(Event, frozen=True):
    """A run starts (or restarts): protocol and version, when, and the whole config.

    `arms` names the networks trained side by side, in the order in which they are drawn; how each
    normalizes stands at the same place of `config.arms`. `share` is the config as one short string.
    `machine` stands in the logs of sweeps, whose runs may come from several.
    """

    protocol: int
    version: str
    started: str
    config: RunConfig
    arms: Annotated[list[str], Meta(min_length=1, max_length=MOST_ARMS)]
    share: str = ""
    machine: Machine | UnsetType = UNSET


class Reading(Event, frozen=True):
    """Progress of reading a data file, in bytes."""

    source: str
    bytes_read: Count
    bytes_total: Count


class Dataset(Event, frozen=True):
    """The data as it will be used; `bytes_read < bytes_total` when only its head is.

    `examples` are those trained on, `held_out` those of the other splits by their names.
    """

    source: str
    words: Count
    examples: Count
    vocabulary: Count
    bytes_read: Count
    bytes_total: Count
    held_out: Annotated[dict[str, Count], Meta(max_length=16)] = field(default_factory=dict)


class State(Event, frozen=True):
    """The engine's state from here on, and its pace (steps/s; null is full speed).

    `step` counts the steps done, so it is also the index of the next one. `diverged` names the arms
    that have. `total` is how many steps the run has where it was trained on beyond its config's.
    """

    state: Literal["running", "paused", "finished"]
    step: Count
    pace: Pace | None
    diverged: list[str] = field(default_factory=list)
    total: Count | UnsetType = UNSET


class Steps(Event, frozen=True):
    """The losses of consecutive steps, a column an arm; `elapsed` is seconds spent training."""

    first: Count
    elapsed: Number
    loss: dict[str, Column]


class Statistics(Event, frozen=True):
    """Statistics of one BatchNorm layer at sampled steps, a column per traced unit.

    The running values are those after the step's own update.
    """

    arm: str
    layer: Count
    units: list[Count]
    steps: list[Count]
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
    layer: Count
    step: Count
    n: Count
    counts: Annotated[list[Count], Meta(min_length=50, max_length=50)]
    saturation: Number | None
    low: Number = -1.0
    high: Number = 1.0


class ModeLosses(Event, frozen=True):
    """The loss of the same weights on the first n examples, in training and in evaluation mode."""

    arm: str
    step: Count
    sizes: Annotated[list[Count], Meta(min_length=1)]
    train: Column
    eval: Column


class Diverged(Event, frozen=True):
    """A network diverged at `step`; `loss` is null if it is not finite.

    In the median of 20 steps its loss was more than ten times that of a uniform guess and more than
    twice its own before training; or its loss is not finite. (Versions before `Recovered` existed
    took a single loss of more than ten times the first.)
    """

    arm: str
    step: Count
    loss: Number | None


class Recovered(Event, frozen=True):
    """A network that had diverged is below that bound again, in the 20 steps from `step` on."""

    arm: str
    step: Count
    loss: Number | None


class Failed(Event, frozen=True):
    """The run stops: bad input (exit code 2), or an error of the engine or of the watched training
    (exit code 1). `watching`: a fault of watching stops the log; the training goes on.
    """

    kind: Literal["input", "crash", "watching"]
    message: str
    log: str | None = None


class Log(Event, frozen=True):
    """Where this run is logged, and why the log is not complete, if so; never logged itself.

    `locked` is false where the file system has no locks: another program may then take a run that
    is stopped for one that was cut off.
    """

    path: str | None
    problem: str | None = None
    locked: bool = True


class Ended(Event, frozen=True):
    """Added by a reader: no more events will come, whatever the last state was."""


class Skipped(Event, frozen=True):
    """Added by a reader: line `line` was not an event, and why."""

    line: int
    reason: str
