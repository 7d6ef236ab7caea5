"""Where each knob of a run sits, so that it can be read and turned between steps."""

from collections.abc import Sequence
from typing import NamedTuple

from bntui.config.schema import Knob
from bntui.core.training.trainer import Arm, Trainer
from bntui.errors import InputError

NEEDS: dict[Knob, str] = {
    "momentum": "running statistics",
    "eps": "a normalization",
    "norm": "a normalization",
}
"""What an arm must have for a knob to do anything in it."""

KINDS: dict[str, type[float]] = {"batch_size": int, "on": bool}
"""Types of the attributes that are not float."""


class Dial(NamedTuple):
    """One knob: an attribute that all `owners` have, with the same value.

    `arm` and `layer` say whose it is; None where it is that of all.
    """

    arm: str | None
    layer: int | None
    attribute: str
    owners: Sequence[object]

    def read(self) -> float:
        """The value that holds."""
        return float(getattr(self.owners[0], self.attribute))

    def turn(self, value: float) -> None:
        """Let `value` hold from the next step on."""
        for owner in self.owners:
            setattr(owner, self.attribute, KINDS.get(self.attribute, float)(value))


def dials(trainer: Trainer, knob: Knob, arms: list[Arm], layer: int | None = None) -> list[Dial]:
    """The dials of a knob in those of these arms that have it.

    Raises:
        InputError: None of them has it, or not in that layer.
    """
    if layer is not None and knob != "norm":
        raise InputError(f"Only norm is turned in one layer; {knob} is turned in all.")
    if knob == "batch_size":
        return [Dial(None, None, "batch_size", [trainer])]
    found = [dial for arm in arms for dial in _of_arm(knob, arm) if dial.owners]
    if not found:
        names = " and ".join(arm.name for arm in arms)
        raise InputError(f"{knob} does nothing without {NEEDS[knob]}, and {names} has none.")
    if layer is not None:
        found = [dial for dial in found if dial.layer == layer]
    if not found:
        raise InputError(f"There is no layer {layer} with a normalization.")
    return found


def _of_arm(knob: Knob, arm: Arm) -> list[Dial]:
    model = arm.model
    match knob:
        case "lr":
            return [Dial(arm.name, None, "lr", [arm])]
        case "momentum":
            return [Dial(arm.name, None, "momentum", [layer.bn for layer in model.batchnorms])]
        case "eps":
            modules = [layer.module for layer in model.normalizations]
            return [Dial(arm.name, None, "eps", modules)]
        case "norm":
            layers = enumerate(model.normalizations)
            return [Dial(arm.name, place, "on", [layer]) for place, layer in layers]
        case _:
            return []
