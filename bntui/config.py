"""What a run is: every number that decides it, with the range it may have.

The ranges stand here once: the command line prints them, and a config that arrives from a log or
another machine is held to them where it is decoded.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Context = Literal["inside", "padded"]

NOTEBOOK_WORDS = (
    *("emma", "olivia", "ava", "isabella", "sophia", "mia", "charlotte", "amelia", "harper"),
    *("evelyn", "abigail", "emily", "ella", "elizabeth", "camila", "luna", "sofia", "avery"),
    *("mila", "aria"),
)
"""The twenty names of the notebook: the data when no file is given."""

NO_BN, BN = "no BN", "BN"
ARMS = (NO_BN, BN)
"""The networks of a run, trained side by side, in the order in which they are shown."""


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
    pace: Annotated[
        Annotated[float, Meta(ge=0.1, le=1_000_000)] | None,
        Meta(description="Steps per second, or max."),
    ] = 500.0


PRESETS: dict[str, RunConfig] = {"notebook": RunConfig()}
"""Named starting points; options given beside a preset change only what they name."""
