"""Where the live settings of a run are kept, to read and set them between steps."""

from collections.abc import Sequence
from typing import NamedTuple

from bntui.config.settings import Setting
from bntui.core.training.trainer import Arm, Trainer
from bntui.errors import InputError


class LiveValue(NamedTuple):
    """One value of a setting: an attribute that has the same value in all `owners`.

    `arm` and `layer` say whose it is; None where it is that of all.
    """

    setting: Setting
    arm: str | None
    layer: int | None
    owners: Sequence[object]

    @property
    def _attribute(self) -> str:
        """The setting's own name, save that each normalizing layer is `on` or not."""
        return "on" if self.setting.per_layer else self.setting.name

    def read(self) -> float:
        """The value that holds."""
        return float(getattr(self.owners[0], self._attribute))

    def set(self, value: float) -> None:
        """Set the value that holds from the next step on."""
        for owner in self.owners:
            setattr(owner, self._attribute, self.setting.cast(value))


def live_values(
    trainer: Trainer, setting: Setting, arms: list[Arm], layer: int | None = None
) -> list[LiveValue]:
    """The values of a setting in those of these networks that have it.

    Raises:
        InputError: None of them has it, or not in that layer.
    """
    if layer is not None and not setting.per_layer:
        raise InputError(f"{setting.name} cannot be set for one layer: it holds for all of them.")
    if not setting.per_network:
        return [LiveValue(setting, None, None, [trainer])]
    found = [value for arm in arms for value in _of_arm(setting, arm)]
    if not found:
        names = " and ".join(arm.name for arm in arms)
        raise InputError(f"{setting.name} needs {setting.needs}, and {names} has none.")
    if layer is not None:
        found = [value for value in found if value.layer == layer]
    if not found:
        raise InputError(f"There is no layer {layer} with a normalization.")
    return found


def _of_arm(setting: Setting, arm: Arm) -> list[LiveValue]:
    """The network itself has it, or its normalizations have."""
    layers = arm.model.normalizations
    if setting.per_layer:
        return [LiveValue(setting, arm.name, i, [layer]) for i, layer in enumerate(layers)]
    places: list[object] = [arm, *(layer.module for layer in layers)]
    owners = [place for place in places if hasattr(place, setting.name)]
    return [LiveValue(setting, arm.name, None, owners)] if owners else []
