"""Pacing: when the next step is due, and how long the run has been training."""

from collections.abc import Callable
from time import monotonic

SLACK = 0.1
"""Seconds of delay that are caught up; a longer one (a slow step, a busy machine) is not."""


class Pacer:
    """Spreads steps evenly over time; a pace of None is full speed."""

    def __init__(self, pace: float | None, clock: Callable[[], float] = monotonic) -> None:
        self.pace = pace
        self._clock = clock
        self._spent = 0.0
        self._since: float | None = None
        self._due = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds spent running, pauses left out."""
        return self._spent + (0.0 if self._since is None else self._clock() - self._since)

    def resume(self) -> None:
        """Start the clock; the next step is due at once."""
        self._since = self._due = self._clock()

    def pause(self) -> None:
        """Stop the clock."""
        self._spent, self._since = self.elapsed, None

    def set_pace(self, pace: float | None) -> None:
        """Change the pace from the next step on."""
        self.pace = pace
        self._due = self._clock()

    def wait(self) -> float:
        """Seconds until the next step is due, 0 when it is."""
        return 0.0 if self.pace is None else max(self._due - self._clock(), 0.0)

    def due(self, max_n: int) -> int:
        """Steps that are due, at most `max_n`."""
        if self.pace is None:
            return max_n
        late = self._clock() - self._due
        return min(max_n, int(late * self.pace) + 1) if late >= 0 else 0

    def advance(self, steps: int) -> None:
        """Count steps that were made."""
        if self.pace is not None:
            self._due = max(self._due + steps / self.pace, self._clock() - SLACK)
