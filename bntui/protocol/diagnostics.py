"""What the engine measures beside the losses: layers, weights, units, statistics, checks."""

from typing import Annotated

from msgspec import Meta, Struct, field

from bntui.protocol.base import Column, Count, Event, Number


class SplitLosses(Event, frozen=True):
    """Evaluation-mode losses by split (train, validation, test), on so many examples of each."""

    arm: str
    step: Count
    losses: Annotated[dict[str, Number | None], Meta(max_length=16)]
    examples: Annotated[dict[str, Count], Meta(max_length=16)]


class LayerHealth(Struct, frozen=True):
    """One hidden layer on the training batch of a step: its outputs, and the gradients at them.

    `flat` is the share of outputs where the activation is flat (see `Activations`), `dead` the
    number of units flat for every example. Histograms have 50 equal bins on the event's ranges,
    outputs on [low, high], gradients on +-grad_limit; what lies outside is in no bin.
    """

    mean: Number | None
    std: Number | None
    flat: Number | None
    dead: Count
    grad_mean: Number | None
    grad_std: Number | None
    counts: Annotated[list[Count], Meta(max_length=50)]
    grad_counts: Annotated[list[Count], Meta(max_length=50)]


class Layers(Event, frozen=True):
    """Every hidden layer's health after `step` steps, on ranges common to all of them."""

    arm: str
    step: Count
    low: Number
    high: Number
    grad_limit: Number
    layers: Annotated[list[LayerHealth], Meta(max_length=50)]


class Updates(Event, frozen=True):
    """How fast weights move, at sampled steps, a column a weight.

    Both are log10 of ratios of standard deviations: of the update lr * grad, or of the gradient, to
    the weight's own (makemore part 3; about -3 is healthy for the update).
    """

    arm: str
    names: Annotated[list[str], Meta(max_length=60)]
    steps: list[Count]
    update_ratio: list[Column]
    grad_ratio: list[Column]


class WeightHealth(Struct, frozen=True):
    """One weight matrix: its spread, and counts in 50 equal bins on [low, high]."""

    name: str
    mean: Number | None
    std: Number | None
    low: Number
    high: Number
    counts: Annotated[list[Count], Meta(max_length=50)]


class Weights(Event, frozen=True):
    """Every weight matrix after `step` steps."""

    arm: str
    step: Count
    weights: Annotated[list[WeightHealth], Meta(max_length=60)]


class Units(Event, frozen=True):
    """Which units of a hidden layer are flat for which of the batch's first `examples` examples.

    A string a unit: a number of `examples` bits in hexadecimal, the first example's bit highest.
    `dead` units are flat for every example of the batch; `flat` holds the first of all `units`.
    `texts` are the examples: the end of each one's context, then the character that follows it.
    """

    arm: str
    layer: Count
    step: Count
    examples: Count
    units: Count
    dead: Count
    flat: Annotated[list[str], Meta(max_length=1024)]
    texts: Annotated[list[str], Meta(max_length=64)] = field(default_factory=list)


class Ladder(Event, frozen=True):
    """The loss of one BatchNorm arm's weights on the same `examples`, by whose statistics.

    `running` and `precise` (one pass over `precise_examples` of the training set, evenly spaced in
    a large one) normalize every example alike; `batch` and `by_class` normalize batches of n =
    `sizes` by their own, drawn at random or sorted by target; the last n is all. Both are means
    over `orders` random orders, of which `batch` has the standard deviations `spread`.
    """

    arm: str
    step: Count
    examples: Count
    running: Number | None
    precise: Number | None
    sizes: list[Count]
    batch: Column
    by_class: Column
    precise_examples: Count = 0
    orders: Count = 1
    spread: Column = field(default_factory=list)


class Checks(Event, frozen=True):
    """What must agree: largest absolute differences, null where there is nothing to compare.

    `fold`: logits of evaluation mode with BN folded into the Linear before it; `fold_scale` the
    largest logit. `backward`: closed-form gradients against autograd's on the current batch;
    `backward_scale` the largest gradient.
    """

    arm: str
    step: Count
    fold: Number | None
    fold_scale: Number | None
    backward: Number | None
    backward_scale: Number | None
