"""On-demand probes: measured only while a screen shows them."""

from collections.abc import Callable
from time import monotonic

from bntui.core.probes.registry import ON_DEMAND, Extent
from bntui.core.training.trainer import Trainer
from bntui.protocol import Event, Subscribe

PER_SECOND, SHARE = 4, 0.2
"""How often probes are measured, and the largest share of the time that they may take."""


class OnDemand:
    """The probes that a screen subscribes to, and when they are due; at first none."""

    def __init__(self, trainer: Trainer, clock: Callable[[], float] = monotonic) -> None:
        self._trainer, self._clock = trainer, clock
        self.subscribe(Subscribe([]))

    def subscribe(self, command: Subscribe) -> None:
        """Measure these probes from now on; a layer beyond the last stands for the last."""
        self._probes = [ON_DEMAND[name] for name in dict.fromkeys(command.probes)]
        layer = min(max(command.layer, 0), self._trainer.config.depth - 1)
        self._extent = Extent(full=True, layers=range(layer, layer + 1))
        self._measured_at, self._due = -1, 0.0

    def mark_measured(self) -> None:
        """Every probe was emitted for this step: nothing is new until the next."""
        self._measured_at = self._trainer.steps_done

    def wait(self) -> float | None:
        """Seconds until it is time to measure; None while there is nothing new to measure."""
        if not self._probes or self._measured_at == self._trainer.steps_done:
            return None
        return max(self._due - self._clock(), 0.0)

    def measure(self) -> list[Event]:
        """The subscribed measurements of every network that has them."""
        began = self._clock()
        events = [
            event
            for probe in self._probes
            for arm in self._trainer.arms
            for event in probe.measure(self._trainer, arm, self._extent)
        ]
        self.mark_measured()
        now = self._clock()
        self._due = now + max(1 / PER_SECOND, (now - began) / SHARE)
        return [event for event in events if event]
