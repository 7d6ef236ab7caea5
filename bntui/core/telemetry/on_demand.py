"""Measurements for whoever looks at them, as the run goes."""

from collections.abc import Callable
from time import monotonic

from bntui.core.probes.checks import checks
from bntui.core.probes.inference import ladder
from bntui.core.probes.layers import layers
from bntui.core.probes.units import units
from bntui.core.probes.weights import weights
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Event, Look, Probe

PER_SECOND, SHARE = 4, 0.2
"""How often they are made, and which share of the time they may take at most."""


class Looking:
    """What is looked at, and when it was last measured; at first nothing is."""

    def __init__(self, trainer: Trainer, clock: Callable[[], float] = monotonic) -> None:
        self._trainer, self._clock = trainer, clock
        self.at(Look([]))

    def at(self, look: Look) -> None:
        """Look at this from now on, at the last hidden layer where there are not so many."""
        self._probes = look.probes
        self._layer = min(max(look.layer, 0), self._trainer.config.depth - 1)
        self._measured, self._due = -1, 0.0

    def all_told(self) -> None:
        """Nothing is new until the next step: every probe was told of this one."""
        self._measured = self._trainer.steps_done

    def wait(self) -> float | None:
        """Seconds until it is time to measure; None while there is nothing new to look at."""
        if not self._probes or self._measured == self._trainer.steps_done:
            return None
        return max(self._due - self._clock(), 0.0)

    def measure(self) -> list[Event]:
        """What is looked at, of every arm that has it."""
        began = self._clock()
        arms = self._trainer.arms
        found = [self._measure(probe, arm) for probe in self._probes for arm in arms]
        self._measured, now = self._trainer.steps_done, self._clock()
        self._due = now + max(1 / PER_SECOND, (now - began) / SHARE)
        return [event for event in found if event]

    def _measure(self, probe: Probe, arm: Arm) -> Event | None:
        match probe:
            case "layers":
                return layers(self._trainer, arm)
            case "weights":
                return weights(self._trainer, arm)
            case "units":
                return units(self._trainer, arm, self._layer)
            case "ladder":
                return ladder(self._trainer, arm)
            case "checks":
                return checks(self._trainer, arm)
