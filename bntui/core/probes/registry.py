"""Every measurement, declared once: what it measures, of what, and what it costs.

The recorder logs the scheduled ones at sampled steps and all of them at rest; the on-demand probes
make those that a screen shows, by the names in `protocol.Probe`. What each step costs (losses,
statistics and update ratios) is sampled by the recorder itself.
"""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from bntui.core.probes.activations import activations
from bntui.core.probes.checks import checks
from bntui.core.probes.inference import ladder
from bntui.core.probes.layers import layers
from bntui.core.probes.modes import mode_losses
from bntui.core.probes.splits import split_losses
from bntui.core.probes.units import units
from bntui.core.probes.weights import weights
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Event

Cost = Literal["scheduled", "at rest"]
"""When a measurement is logged: at sampled steps, or only while no step waits for it."""


class Extent(NamedTuple):
    """How much is measured.

    `full` takes all examples where a sample stands for them in passing; `layers` are hidden layers,
    counted from 0.
    """

    full: bool
    layers: range


class Measurement(NamedTuple):
    """One kind of measurement of one network; `on_demand` ones may be asked for by name."""

    name: str
    cost: Cost
    on_demand: bool
    measure: Callable[[Trainer, Arm, Extent], Iterable[Event | None]]


GROUPS: tuple[tuple[Measurement, ...], ...] = (
    (
        Measurement(
            "activations", "scheduled", False, lambda run, arm, ext: activations(run, arm)
        ),
    ),
    (
        Measurement(
            "modes", "scheduled", False, lambda run, arm, ext: [mode_losses(run, arm, ext.full)]
        ),
    ),
    (
        Measurement(
            "splits", "scheduled", False, lambda run, arm, ext: split_losses(run, arm, ext.full)
        ),
    ),
    (Measurement("layers", "scheduled", True, lambda run, arm, ext: [layers(run, arm)]),),
    (Measurement("weights", "scheduled", True, lambda run, arm, ext: [weights(run, arm)]),),
    (
        Measurement(
            "units", "at rest", True,
            lambda run, arm, ext: [units(run, arm, layer) for layer in ext.layers],
        ),
    ),
    (
        Measurement("ladder", "at rest", True, lambda run, arm, ext: [ladder(run, arm)]),
        Measurement("checks", "at rest", True, lambda run, arm, ext: [checks(run, arm)]),
    ),
)  # fmt: skip
"""In the order of the log: group by group, and within a group network by network."""

ON_DEMAND = {one.name: one for group in GROUPS for one in group if one.on_demand}
"""Those that a screen may ask for."""


def measured(run: Trainer, arms: Iterable[Arm], full: bool) -> list[Event]:
    """What is logged of this step of these networks; in full at rest."""
    arms = list(arms)
    extent = Extent(full, range(run.config.depth))
    costs = {"scheduled", "at rest"} if full else {"scheduled"}
    events = (
        event
        for group in GROUPS
        for arm in arms
        for one in group
        if one.cost in costs
        for event in one.measure(run, arm, extent)
    )
    return [event for event in events if event]
