"""Which steps are measured: all of the first ones, then as many as the budget pays for."""

from random import Random
from time import perf_counter

FIRST = 32
FIRST_SECONDS = 0.02
"""Steps at the start that are measured whatever the budget, up to so much time in all: a run that
is soon over has no other."""

KEPT = 400
"""A step is measured at the earliest when 1/400 of the run has passed since the last, so that a
run of any length keeps a bounded number: about KEPT ln(steps / KEPT)."""

FIRST_EVALUATIONS = 4
"""Evaluations that are looked at whatever they cost."""


class Sampling:
    """Decides from its own costs; shared by the models of one watch.

    Args:
        budget: Share of the time that measuring may take.
        every: Measure every so many steps instead, if given.
    """

    def __init__(self, budget: float, every: int | None = None) -> None:
        self.now = True
        self.budget = budget
        self.every = every
        self.total = 0.0
        self.began = perf_counter()
        self._cost = 0.0
        self._evaluations = 0
        self._next_time = 0.0
        self._next_step = 0
        self._random = Random(0)  # our own: the user's draws stay as they are

    def spent(self, seconds: float) -> None:
        """Seconds that went into measuring."""
        self.total += seconds
        self._cost += seconds

    def decide(self, step: int) -> None:
        """Whether the next step, counted from 0, is measured."""
        if self.every is not None:
            self.now = step % self.every == 0
            return
        now = perf_counter()
        if self.now:
            pause = self._cost / self.budget * self._random.uniform(0.7, 1.3)
            self._next_time = now + pause
            self._next_step = step + max(1, step // KEPT)
            self._cost = 0.0
        early = step < FIRST and self.total < FIRST_SECONDS
        self.now = early or (step >= self._next_step and now >= self._next_time)

    def affords_evaluation(self) -> bool:
        """Whether an evaluation is looked at now."""
        self._evaluations += 1
        elapsed = perf_counter() - self.began
        return self._evaluations <= FIRST_EVALUATIONS or self.total < 2 * self.budget * elapsed
