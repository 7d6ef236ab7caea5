"""The networks of a run as panes show them: where each stands, and which one is chosen."""

from typing import NamedTuple

from bntui.config.schema import has_running_statistics
from bntui.history.arm import ArmHistory
from bntui.history.history import History

FLAT_WORDS = {"tanh": "sat.", "sigmoid": "sat.", "relu": "zero"}
FLAT_RULES = {"tanh": "|h| > 0.97", "sigmoid": "h < 0.015 or > 0.985", "relu": "h = 0"}


class Arm(NamedTuple):
    """A network: its place decides its colour and shape.

    `seeds` are the same network of several runs, itself included, where it stands for them all.
    """

    place: int
    name: str
    history: ArmHistory
    dotted: bool = False
    seeds: tuple[ArmHistory, ...] = ()

    @property
    def has_bn(self) -> bool:
        """Whether it keeps running statistics."""
        return has_running_statistics(self.history.norm)


def arms_of(history: History) -> list[Arm]:
    """All of a run's networks, in the order in which they are drawn."""
    return [Arm(i, name, arm) for i, (name, arm) in enumerate(history.arms.items())]


def choose(arms: list[Arm], name: str) -> Arm | None:
    """The arm of that name; else the first with BN; else the first."""
    ranked = sorted(arms, key=lambda arm: (arm.name != name, not arm.has_bn))
    return ranked[0] if ranked else None


def flat_word(history: History) -> str:
    """What an output is called where the activation is flat."""
    return FLAT_WORDS[history.config.activation]


def flat_rule(history: History) -> str:
    """When an output counts as flat; see `protocol.Activations`."""
    return FLAT_RULES[history.config.activation]
