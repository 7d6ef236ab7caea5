"""What watching may cost, what it has cost, and which steps are measured so that the two agree.

One `Budget` serves all models of a watch. Everything that is measured, written or compared is
charged to it, the first samples too. What the hooks take in every step is estimated by timing one
step in `TIMED`, and leaves that much less for measurements.
"""

from collections.abc import Callable
from math import inf
from random import Random
from time import perf_counter, thread_time

SPENT = 0.85
"""Of the budget; the rest is for what is spent beyond it at the start, and for what no clock here
sees, such as caches that measuring leaves cold."""

FIRST = 32
FIRST_SECONDS = 0.005
"""Steps at the start that are measured up to so much time in all, before it is earned: a run that
is soon over has no other. The steps after them pay it back."""

SOON = 8
"""A measured step that is earned within so many steps is waited for from the third step on, so that
a short run of long steps is in its budget from the start."""

OVERDRAWN = 0.008
"""Seconds beyond the budget that steps, those of the allowance included, may have taken when one is
measured since the run has doubled."""

LEAST = 0.25
"""Share of the budget that measurements keep where the hooks alone exceed it, and that steps, and
evaluations, keep where all else does: what is measured there cannot be had later."""

LONGEST = 2.0
"""Times a step's own duration. What takes no longer is measured whenever the run has doubled since
the last time, unless the budget is overdrawn."""

TIMED = 64
"""Of so many steps, one has its hooks timed."""

KEPT = 400
"""A step is measured at the earliest when 1/400 of the run has passed since the last, so that a
run of any length keeps a bounded number: about KEPT ln(steps / KEPT)."""

INPUTS = 16
INPUTS_PART = 0.25
"""The model's inputs are looked at again when 1/16 of the run has passed, more or less by chance,
and at most so often as a quarter of the budget allows; and in every step that is measured."""

AHEAD = 0.1
"""Share of the run so far by which a later evaluation may be charged ahead: it cannot be put off
until there is time."""


class Budget:
    """Shared by everything that one watch does.

    Args:
        share: Of the time that watching may take.
        clock: Seconds; only differences count.
        work: Seconds that this thread has worked. What is measured in steps and evaluations is
            timed by it: on a busy machine one interruption would cost a short run all others.
    """

    def __init__(
        self,
        share: float,
        clock: Callable[[], float] = perf_counter,
        work: Callable[[], float] = thread_time,
    ) -> None:
        self.share = SPENT * share
        self.clock, self.work = clock, work
        self.began = self._paid = clock()
        self.measured = 0.0
        """Seconds that everything but the hooks has taken so far."""
        self._hooks = self.of_steps = self._of_evaluations = 0.0
        self.step_due = self.began
        """From when on a step can be measured: all that was spent is earned, or steps took little.
        """
        self._random = Random(0)  # our own: the user's draws stay as they are

    @property
    def total(self) -> float:
        """Seconds that watching has taken so far, the hooks included."""
        return self.measured + self._hooks

    @property
    def rate(self) -> float:
        """Share of the time that is left for measurements, once the hooks are paid."""
        elapsed = max(self.clock() - self.began, 1e-9)
        return max(self.share - self._hooks / elapsed, self.share * LEAST)

    def charge(self, began: float) -> float:
        """Charge what was done from `began` to now by the clock; its seconds."""
        return self._charge(self.clock() - began)

    def charge_step(self, began: float) -> float:
        """Charge what was measured in a training step, by the work since `began`; its seconds."""
        cost = self.work() - began
        self.of_steps += cost
        return self._charge(cost)

    def charge_evaluation(self, began: float) -> None:
        """Charge what was measured in an evaluation, by the work since `began`."""
        cost = self.work() - began
        self._of_evaluations += self._charge(cost)

    def _charge(self, cost: float) -> float:
        """How long it has to be earned varies by chance, so that samples meet every phase of a
        training that has a rhythm.
        """
        self.measured += cost
        earned = cost / self.rate * self._random.uniform(0.7, 1.3)
        self._paid = max(self._paid, self.clock() - cost) + earned
        self.step_due = min(self._paid, self.began + self.of_steps / (LEAST * self.share))
        return cost

    def charge_hooks(self, seconds: float) -> None:
        """Add what hooks took over a number of steps."""
        self._hooks += seconds

    def spacing(self, cost: float, part: float) -> float:
        """Seconds between two activities of this cost that share `part` of the rate."""
        return cost / (self.rate * part)

    def affords_first(self) -> bool:
        """Whether the allowance of the first steps is not yet used up."""
        return self.of_steps < FIRST_SECONDS

    def affords_more(self, now: float) -> bool:
        """Whether steps have not overdrawn it."""
        return self.of_steps <= OVERDRAWN + self.share * (now - self.began)

    def affords_evaluation(self) -> bool:
        """Whether one may be charged, ahead if need be; the first in any case."""
        elapsed = self.clock() - self.began
        return (
            self._of_evaluations <= LEAST * self.share * elapsed
            or self._paid <= self.began + (1 + AHEAD) * elapsed
        )


class Sampling:
    """Which steps of one model are measured.

    Args:
        budget: The watch's.
        every: Measure every so many steps instead, if given.
    """

    def __init__(self, budget: Budget, every: int | None = None) -> None:
        self.budget = budget
        self.every = every
        self.now = True
        self.timed = False
        self.hook_seconds = 0.0
        """Of the step whose hooks are timed; only while `timed`."""
        self._random = Random(0)  # our own, too
        self._last_timed = (0, inf)
        self._next_timed = 2
        self._next_step = self._measured = self._last = 0
        self._cost = 0.0
        self._decided, self._shortest = -inf, inf
        """When it was decided last, and the shortest step so far."""

    def decide(self, step: int, now: float) -> bool:
        """Whether the next step, counted from 0, is measured; also whether its hooks are timed.

        `now` is the budget's clock.
        """
        if self.timed:
            self._charge_hooks(step)
        if self.now:
            self._last, self._measured = step, self._measured + 1
            self._next_step = step + max(1, step // KEPT)
            self._cost = self.budget.of_steps / self._measured
        self._shortest = min(self._shortest, now - self._decided)
        self._decided = now
        if self.every is not None:
            self.now = step % self.every == 0
        elif self._cost <= SOON * self.budget.share * self._shortest < inf:
            self.now = step >= self._next_step and now >= self.budget.step_due
        elif step < FIRST and self.budget.affords_first():
            self.now = True
        else:
            self.now = step >= self._next_step and (
                now >= self.budget.step_due
                or (step >= 2 * self._last and self._is_cheap(step, now))
            )
        self.timed = step >= self._next_timed and not self.now
        return self.now

    def next_input(self, step: int, cost: float, now: float) -> int:
        """The step at which the model's inputs are looked at again, which took `cost` seconds."""
        if step == 0:
            return 1  # what a step takes is not known yet
        step_seconds = max(now - self.budget.began, 1e-9) / step
        earned = cost / (INPUTS_PART * self.budget.share * step_seconds)
        return step + 1 + int(max(step / INPUTS * self._random.uniform(0.5, 1.5), earned))

    def _is_cheap(self, step: int, now: float) -> bool:
        """Whether measuring a step takes so little that it is done each time the run doubles."""
        return self._cost <= LONGEST * (
            now - self.budget.began
        ) / step and self.budget.affords_more(now)

    def _charge_hooks(self, step: int) -> None:
        """The timed step's, or the last one's if that was less, for every step in between: the
        system may have interrupted either.
        """
        before, seconds = self._last_timed
        self.budget.charge_hooks(min(self.hook_seconds, seconds) * (step - before))
        self._last_timed = step, self.hook_seconds
        self._next_timed = step + TIMED
        self.hook_seconds = 0.0

    def affords_evaluation(self) -> bool:
        """Whether an evaluation is looked at now."""
        return self.every is not None or self.budget.affords_evaluation()
