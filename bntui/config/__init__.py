"""What a run is: its settings, their ranges, presets, and how they are written."""

from bntui.config.schema import (
    ARM_NAMES,
    BN,
    MOST_ARMS,
    NO_BN,
    NOTEBOOK_WORDS,
    Activation,
    Context,
    Device,
    Init,
    Norm,
    Placement,
    RunConfig,
)

__all__ = [
    "ARM_NAMES",
    "BN",
    "MOST_ARMS",
    "NOTEBOOK_WORDS",
    "NO_BN",
    "Activation",
    "Context",
    "Device",
    "Init",
    "Norm",
    "Placement",
    "RunConfig",
]
