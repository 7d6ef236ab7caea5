"""When a network counts as diverged: lastingly worse than untrained, or without a finite loss."""

from functools import cached_property
from math import isfinite
from statistics import median
from typing import NamedTuple, SupportsFloat

BLOCK = 20
"""Steps that are judged together; a run's last steps that fill no block are not judged."""

BEYOND_GUESS, BEYOND_START = 10.0, 2.0
"""A diverged network's loss is more than so many times a uniform guess's, and than its first."""

START = 64
"""Examples on which the first loss is measured: a training batch may be of one example."""


class Turn(NamedTuple):
    """A network diverged, or recovered, at `step` with that loss."""

    step: int
    loss: float
    diverged: bool


class Divergence:
    """Judges a network's losses; `since` is the step at which it diverged, None if it has not.

    A network has diverged when the median loss of a block of `BLOCK` steps is more than ten times
    that of a uniform guess and more than twice its own before training. It recovers with the first
    later block for which that is not so. A median, since with small batches single losses are near
    0 or very large in a healthy network too. A loss that is not finite is a divergence at once, and
    lasts.

    Args:
        guess: The loss of a uniform guess, log(vocabulary).
        start: The network's loss before the first step, on `START` examples. It is read only after
            a step, so that a device is not waited for before.
    """

    def __init__(self, guess: float, start: SupportsFloat) -> None:
        self.since: int | None = None
        self._guess, self._start = guess, start
        self._block: list[float] = []

    @cached_property
    def _bound(self) -> float:
        start = float(self._start)
        return max(BEYOND_GUESS * self._guess, BEYOND_START * start if isfinite(start) else 0.0)

    def note(self, losses: list[float], first: int) -> list[Turn]:
        """Judge the losses of the steps from `first` on; how the judgement changed."""
        turns = []
        for step, loss in enumerate(losses, first):
            self._block.append(loss)
            if not isfinite(loss) and self.since is None:
                self.since = step
                turns.append(Turn(step, loss, diverged=True))
            if len(self._block) == BLOCK:
                turns += self._judge(self._block, step + 1 - BLOCK)
                self._block = []
        return turns

    def _judge(self, block: list[float], first: int) -> list[Turn]:
        beyond = not median(block) <= self._bound or not isfinite(block[-1])
        if beyond == (self.since is not None):
            return []
        if not beyond:
            self.since = None
            return [Turn(first, block[0], diverged=False)]
        place = next(place for place, loss in enumerate(block) if loss > self._bound)
        self.since = first + place
        return [Turn(self.since, block[place], diverged=True)]
