"""What a run is: every number that decides it, with the range it may have.

The ranges stand here once: the command line prints them, and a config that arrives from a log or
another machine is held to them where it is decoded.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Context = Literal["inside", "padded"]
Norm = Literal["none", "bn", "bn-torch", "bn-lecture", "ln", "gn"]
Activation = Literal["tanh", "sigmoid", "relu"]
Init = Literal["unit", "fan-in", "zero"]
Placement = Literal["hidden", "all"]
Device = Literal["cpu", "cuda", "mps"]

Knob = Literal["lr", "batch_size", "momentum", "eps", "norm"]
"""What can be turned while a run goes on."""

NOTEBOOK_WORDS = (
    *("emma", "olivia", "ava", "isabella", "sophia", "mia", "charlotte", "amelia", "harper"),
    *("evelyn", "abigail", "emily", "ella", "elizabeth", "camila", "luna", "sofia", "avery"),
    *("mila", "aria"),
)
"""The twenty names of the notebook: the data when no file is given."""

NO_BN, BN = "no BN", "BN"
ARM_NAMES: dict[Norm, str] = {
    "none": NO_BN,
    "bn": BN,
    "bn-torch": "BN torch",
    "bn-lecture": "BN lecture",
    "ln": "LN",
    "gn": "GN",
}
"""What the networks of a run are called, by how they normalize."""

MOST_ARMS = 4


class RunConfig(Struct, frozen=True, forbid_unknown_fields=False):
    """Everything that decides a run; the defaults are the notebook's.

    The same config gives the same losses, step for step, on the same machine.
    """

    preset: str = "notebook"
    data: Annotated[
        str | None, Meta(description="Words to learn: a UTF-8 text file, one word a line.")
    ] = None
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Seed of the initial weights and the batches.")
    ] = 42
    steps: Annotated[
        int, Meta(ge=1, le=1_000_000_000, description="Training steps until the run is finished.")
    ] = 5000
    batch_size: Annotated[
        int, Meta(ge=1, le=65_536, description="Examples in a training batch.")
    ] = 32
    lr: Annotated[float, Meta(ge=0, le=1e6, description="Learning rate of plain SGD.")] = 0.1
    momentum: Annotated[
        float,
        Meta(ge=0, le=1, description="BN: new running value = (1-m) old + m batch."),
    ] = 0.1
    eps: Annotated[float, Meta(ge=0, le=1, description="BN: added to the variance.")] = 1e-5
    hidden: Annotated[int, Meta(ge=1, le=10_000, description="Units in a hidden layer.")] = 200
    depth: Annotated[int, Meta(ge=1, le=50, description="Hidden layers.")] = 1
    block_size: Annotated[
        int, Meta(ge=1, le=64, description="Characters of context for a prediction.")
    ] = 3
    emb: Annotated[int, Meta(ge=1, le=1_000, description="Numbers in a character's embedding.")] = (
        10
    )
    context: Annotated[
        Context,
        Meta(description="Contexts inside .word. (the notebook) or padded (makemore)."),
    ] = "inside"
    arms: Annotated[
        tuple[Norm, ...],
        Meta(
            min_length=1,
            max_length=MOST_ARMS,
            description="Networks trained side by side, by how they normalize.",
        ),
    ] = ("none", "bn")
    activation: Annotated[Activation, Meta(description="Of the hidden layers.")] = "tanh"
    init: Annotated[
        Init,
        Meta(description="Weights: unit normal, gain / sqrt(fan_in) normal, or zero."),
    ] = "unit"
    gain: Annotated[
        float, Meta(ge=0, le=100, description="Of the hidden weights where init is fan-in.")
    ] = 1.0
    placement: Annotated[
        Placement,
        Meta(description="Normalize hidden layers, or all, the logits too."),
    ] = "hidden"
    bias: Annotated[
        bool, Meta(description="A bias in the Linear before a normalization, where it is dead.")
    ] = True
    ghost: Annotated[
        Annotated[int, Meta(ge=1, le=65_536)] | None,
        Meta(description="BN statistics over parts of the batch of this many examples."),
    ] = None
    groups: Annotated[
        int, Meta(ge=1, le=10_000, description="GroupNorm: groups that the units are split into.")
    ] = 10
    lr_drop: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000_000)] | None,
        Meta(description="From this step on the learning rate is a tenth."),
    ] = None
    split: Annotated[
        bool, Meta(description="Words split 80/10/10 into training, validation and test.")
    ] = False
    split_seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Seed of the shuffle before the split.")
    ] = 42
    device: Annotated[
        Device, Meta(description="Where to compute; random numbers are the cpu's on each.")
    ] = "cpu"
    pace: Annotated[
        Annotated[float, Meta(ge=0.1, le=1_000_000)] | None,
        Meta(description="Steps per second, or max."),
    ] = 500.0

    @property
    def arm_names(self) -> list[str]:
        """The networks' names, in the order in which they are trained and shown."""
        return [ARM_NAMES[norm] for norm in self.arms]
