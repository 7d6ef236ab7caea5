"""Events of a watched run: the normalization layers of a user's own model, and what they do.

Counts are cumulative from the first step watched, unless they say otherwise. A fact that was never
measured keeps its default and stays out of the line.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from bntui.protocol.base import Column, Count, Event, Number


class WatchedLayer(Struct, frozen=True, omit_defaults=True):
    """A BatchNorm layer; `momentum` is null for a plain average, `channels` 0 while unknown.

    `frozen` is for a class that never updates (torchvision's FrozenBatchNorm2d), `tracked` false
    without running statistics, `dtype` that of the buffers.
    """

    name: str
    model: str
    kind: str
    channels: Count = 0
    eps: Number = 1e-5
    momentum: Number | None = 0.1
    tracked: bool = True
    affine: bool = True
    dtype: str = "float32"
    frozen: bool = False


class Watching(Event, frozen=True):
    """A watched run starts, or more of its layers became known: `layers` only grows at its end.

    `others` counts the normalization layers of other kinds, which are left alone. `script` is a
    file's name without its arguments. `unavailable` says what cannot be measured here, and why.
    """

    protocol: int
    version: str
    started: str
    name: str
    models: list[str]
    layers: Annotated[list[WatchedLayer], Meta(max_length=20_000)]
    others: dict[str, Count] = field(default_factory=dict)
    torch: str = ""
    script: str = ""
    unavailable: list[str] = field(default_factory=list)


class Scalars(Event, frozen=True):
    """Named numbers that the user logged (losses, accuracies), a column a name."""

    steps: list[Count]
    values: dict[str, Column]


class Timing(Event, frozen=True):
    """How fast the user's training runs, and which share of its time watching takes.

    `seconds` since watching began, `step_seconds` the median of the last steps, `memory` bytes
    allocated on the accelerator, null where there is none.
    """

    step: Count
    seconds: Number
    step_seconds: Number | None
    overhead: Number | None
    memory: Count | None = None


class LayerSamples(Event, frozen=True):
    """One layer at sampled steps: how far running statistics are from the batch's, over channels.

    `mean_distance` is |running_mean - batch mean| in the batch's standard deviations, `var_ratio`
    ln(running_var / batch variance), both medians over channels; `..._worst` the value of the
    channel that is farthest off. `n` counts the values a channel of the batch.
    """

    layer: Count
    steps: list[Count]
    n: list[Count]
    mean_distance: Column
    mean_distance_worst: Column
    var_ratio: Column
    var_ratio_worst: Column


class Histogram(Event, frozen=True):
    """What goes into a layer, or comes out, pooled over channels: 50 equal bins on [low, high]."""

    layer: Count
    step: Count
    side: Literal["input", "output"]
    low: Number
    high: Number
    counts: Annotated[list[Count], Meta(min_length=50, max_length=50)]


class ThreeLosses(Event, frozen=True):
    """The loss of the same batch by the batch's, the running and recalibrated statistics."""

    model: str
    step: Count
    batch: Number | None
    running: Number | None
    recalibrated: Number | None


class LayerFacts(Event, frozen=True, omit_defaults=True):
    """What a layer did until `step`; the rules of the doctor decide on these numbers."""

    layer: Count
    step: Count

    # Settings, as they are now.
    momentum: Number | None = 0.1
    momentum_before: Number | None = None
    """An earlier momentum of the same run, where it was changed."""
    training: bool = True
    trainable: bool = True
    """Whether one of gamma, beta requires a gradient, or the layer has neither."""
    dtype: str = "float32"

    # Passes.
    trained: Count = 0
    """Passes in train mode that a backward pass followed, or may still follow."""
    unfollowed: Count = 0
    """Passes in train mode that no backward pass followed, recalibration left out."""
    unfollowed_steps: Count = 0
    """Steps with such a pass."""
    recomputed: Count = 0
    """Passes in train mode inside a backward pass."""
    evaluated: Count = 0
    """Passes in eval mode."""
    untracked: Count = 0
    """Passes in eval mode without running statistics."""
    moved_in_eval: Count = 0
    """Passes in train mode while the root module was in eval mode."""
    eval_initial: Count = 0
    """Passes in eval mode on buffers of exactly 0 and 1, beside weights that had changed."""
    stuck: Count = 0
    """Steps in a row with gradients while the root was in eval, after it had trained."""
    drifted: Count = 0
    """Passes in train mode whose layer, and everything before it, takes no gradient."""
    drift: Number | None = None
    """How far those passes moved running_mean, in sd of the start, in the worst channel."""
    recalibrated_frozen: Count = 0
    """Passes of a recalibration that moved a layer whose parameters are frozen."""

    # Batches in train mode.
    usual_n: Count = 0
    """Median number of values a channel."""
    usual_examples: Count = 0
    smallest_n: Count = 0
    ragged: Count = 0
    """Batches of at most a quarter of the usual number of values."""

    # Buffers.
    updates: Count = 0
    initial_weight: Number | None = None
    """The weight that the value at the start of watching still has in the running statistics."""
    lag: Number | None = None
    """|mean over recent batches of (running_mean - batch mean)| in sd, median over channels."""
    lag_noise: Number | None = None
    """What chance alone makes of it."""
    var_lag: Number | None = None
    """Mean over recent batches of ln(running_var / batch variance), median over channels."""
    nonfinite: Count = 0
    """Channels whose running_mean or running_var is not finite."""
    no_variance: Count = 0
    """Channels whose running_var is below 1e-7."""
    min_var: Number | None = None

    # Parameters.
    weight_decay: Number = 0.0
    """Of gamma's parameter group."""
    small_gammas: Count = 0
    """Gammas below 0.01."""
    small_gammas_at_start: Count = 0
    dead_bias: str = ""
    """The bias that is added right before this layer and subtracted with the mean."""

    # Inputs.
    scatter: Number | None = None
    """Spread of batch means over what equal draws would give, median over channels."""
    scatter_share: Number | None = None
    """Spread of batch means beyond chance, as a share of the total standard deviation."""
    scatter_batches: Count = 0
    domains: Count = 0
    """Passes a step, where there are several."""
    domains_within: bool = False
    """Whether they happen in one pass of the root module."""
    domain_mean: Number | None = None
    """The largest distance between those passes' means, in sd, median over channels."""
    domain_var: Number | None = None
    """|ln| of the ratio of their variances, the same way."""
    domain_samples: Count = 0
    unfollowed_mean: Number | None = None
    """Distance of the unfollowed passes' means from the trained ones', as above."""
    unfollowed_var: Number | None = None
    dropout: Number = 0.0
    """The largest p of a dropout that ran before this layer in the same pass."""
    eval_var: Number | None = None
    """Input variance in eval mode over running_var, median over channels and recent passes."""
    eval_mean: Number | None = None
    """|input mean in eval mode - running_mean| in sd, the same way."""
    eval_samples: Count = 0
    changed_outside: Number | None = None
    """Relative change of the model's weights by something other than its optimizer since the
    last training pass, at the last pass in eval mode."""
    padding: Number | None = None
    """Share of positions to the end of the last axis that equal the last one, mean."""
    padding_range: Number | None = None
    """Highest less lowest share of a batch."""
    padding_samples: Count = 0
    axis_scales: Number | None = None
    """(N, L, C) with L = C: largest over smallest sd along the last axis after normalization."""
    axis_samples: Count = 0


class ModelFacts(Event, frozen=True, omit_defaults=True):
    """What a watched model did until `step`."""

    model: str
    step: Count
    training: bool = True
    optimizer_steps: Count = 0
    hidden: list[str] = field(default_factory=list)
    """BatchNorm layers that ran inside the model in train mode and are none of its modules."""
    input_scatter: Number | None = None
    """As `LayerFacts.scatter`, of what goes into the model."""
    input_scatter_share: Number | None = None
    input_scatter_batches: Count = 0
    class_scatter: Number | None = None
    """The same of how often each class is a target, which the gradient at the logits tells; at most
    sqrt(N), where each batch of N is of one class."""
    class_scatter_share: Number | None = None
    class_scatter_batches: Count = 0
    replica: str = ""
    """Another watched model with equal weights, both trained."""
    replica_apart: Number | None = None
    """Distance of their running means in sd, root mean square over channels, worst layer."""
    averaged: Count = 0
    """Networks in torch's AveragedModel, where it copies buffers instead of averaging them."""
    export_difference: Number | None = None
    """Largest difference of an export's outputs from the model's, over the largest output."""
    processes: Count = 1
    unsynchronized: Count = 0
    """BatchNorm layers that are not SyncBatchNorm, under more than one process."""


class Output(Event, frozen=True):
    """A piece of what a watched script printed; made by its source, never logged."""

    stream: Literal["stdout", "stderr"]
    text: str
