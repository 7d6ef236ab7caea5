"""What a run is: every value that decides it, with its range, default and help.

A config from a log or another machine is checked against these ranges where it is decoded;
`settings` adds what the command line and the screen need.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Context = Literal["inside", "padded"]
Norm = Literal["none", "bn", "bn-torch", "bn-lecture", "bn-std", "ln", "gn"]
Activation = Literal["tanh", "sigmoid", "relu"]
Init = Literal["unit", "fan-in", "lecture", "zero"]
Placement = Literal["hidden", "all"]
Device = Literal["cpu", "cuda", "mps"]

LogPace = Literal["log"]
"""A pace that moves at constant speed along a log axis of steps: a decade as long as the next."""

Knob = Literal["lr", "weight_decay", "batch_size", "momentum", "eps", "norm"]
"""Settings that the engine changes in mid-run; all but `norm` are fields of RunConfig."""

NOTEBOOK_WORDS = (
    *("emma", "olivia", "ava", "isabella", "sophia", "mia", "charlotte", "amelia", "harper"),
    *("evelyn", "abigail", "emily", "ella", "elizabeth", "camila", "luna", "sofia", "avery"),
    *("mila", "aria"),
)
"""The twenty names of the notebook: the data set where no file is given."""

NO_BN, BN = "no BN", "BN"
ARM_NAMES: dict[Norm, str] = {
    "none": NO_BN,
    "bn": BN,
    "bn-torch": "BN torch",
    "bn-lecture": "BN lecture",
    "bn-std": "BN std",
    "ln": "LN",
    "gn": "GN",
}
"""The names of a run's networks, by normalization."""

MOST_ARMS = 4


def has_running_statistics(norm: Norm) -> bool:
    """Whether a network normalized so keeps running statistics: BatchNorm alone does."""
    return norm.startswith("bn")


class RunConfig(Struct, frozen=True, forbid_unknown_fields=False):
    """Everything that decides a run; the defaults are the notebook's.

    On one machine the same config gives the same losses, step by step.
    """

    preset: str = "notebook"
    data: Annotated[str | None, Meta(description="Words to train on.")] = None
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Seed of the initial weights and the batches.")
    ] = 42
    steps: Annotated[int, Meta(ge=1, le=1_000_000_000, description="Training steps in all.")] = 5000
    batch_size: Annotated[
        int, Meta(ge=1, le=65_536, description="Examples in a training batch.")
    ] = 32
    lr: Annotated[float, Meta(ge=0, le=1e6, description="Learning rate of plain SGD.")] = 0.1
    weight_decay: Annotated[
        float,
        Meta(ge=0, le=100, description="Weight decay of SGD; gamma, beta and biases decay too."),
    ] = 0.0
    momentum: Annotated[
        float,
        Meta(ge=0, le=1, description="BN: running = (1 - momentum) * running + momentum * batch."),
    ] = 0.1
    eps: Annotated[
        float, Meta(ge=0, le=1, description="Added to the variance by a normalization.")
    ] = 1e-5
    hidden: Annotated[int, Meta(ge=1, le=10_000, description="Units in a hidden layer.")] = 200
    depth: Annotated[int, Meta(ge=1, le=50, description="Hidden layers.")] = 1
    block_size: Annotated[int, Meta(ge=1, le=64, description="Characters of context.")] = 3
    emb: Annotated[int, Meta(ge=1, le=1_000, description="Embedding dimension.")] = 10
    context: Annotated[
        Context,
        Meta(description="Windows inside .word. (the notebook), or padded (makemore)."),
    ] = "inside"
    arms: Annotated[
        tuple[Norm, ...],
        Meta(
            min_length=1,
            max_length=MOST_ARMS,
            description="Networks trained side by side, by normalization.",
        ),
    ] = ("none", "bn")
    activation: Annotated[Activation, Meta(description="Activation of the hidden layers.")] = "tanh"
    init: Annotated[
        Init,
        Meta(
            description="Weights: unit normal, normal * gain / sqrt(fan_in), the same with small "
            "biases and unit normal last weights, or zero."
        ),
    ] = "unit"
    gain: Annotated[
        float,
        Meta(ge=0, le=100, description="Gain of the hidden weights with --init fan-in or lecture."),
    ] = 1.0
    output_gain: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="Gain of the last weights with --init fan-in or lecture, and of the gamma "
            "of normalized logits.",
        ),
    ] = 0.1
    placement: Annotated[
        Placement,
        Meta(description="Normalize the hidden layers, or all, including the logits."),
    ] = "hidden"
    bias: Annotated[
        bool, Meta(description="Bias in a Linear before a normalization, where BN cancels it.")
    ] = True
    ghost: Annotated[
        Annotated[int, Meta(ge=1, le=65_536)] | None,
        Meta(description="Ghost batches: BN statistics over parts of this many examples."),
    ] = None
    groups: Annotated[
        int, Meta(ge=1, le=10_000, description="Groups of GroupNorm; they divide the hidden units.")
    ] = 10
    lr_drop: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000_000)] | None,
        Meta(description="Divide the learning rate by 10 from this step on."),
    ] = None
    split: Annotated[
        bool, Meta(description="Split the words 80/10/10 into train, validation and test.")
    ] = False
    split_seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Seed of the shuffle before the split.")
    ] = 42
    device: Annotated[
        Device, Meta(description="Where to compute; random numbers always come from the CPU.")
    ] = "cpu"
    pace: Annotated[
        Annotated[float, Meta(ge=0.1, le=1_000_000)] | LogPace | None,
        Meta(
            description="Steps per second; log takes as long from step 1 to 10 as from 10 to 100; "
            "max is full speed."
        ),
    ] = "log"

    @property
    def arm_names(self) -> list[str]:
        """The networks' names, in the order in which they are trained and shown."""
        return [ARM_NAMES[norm] for norm in self.arms]
