"""Pacing: when the next step is due, and how long the run has been training."""

from collections.abc import Callable
from math import log10
from time import monotonic

from bntui.config.schema import LogPace

SLACK = 0.1
"""Seconds of delay that are caught up; a longer one (a slow step, a busy machine) is not."""


DECADE = 8.0
"""Seconds from step 1 to 10, and from 10 to 100, at the pace "log": 30 s for 5,000 steps."""

LONGEST = 9 * DECADE
"""Seconds of delay beyond which no more steps are counted: a run has a billion at most."""


class Pacer:
    """Spreads steps over time: evenly, or evenly along a log axis; a pace of None is full speed."""

    def __init__(
        self, pace: float | LogPace | None, clock: Callable[[], float] = monotonic
    ) -> None:
        self.pace = pace
        self._done = 0
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

    def set_pace(self, pace: float | LogPace | None) -> None:
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
        if late < 0:
            return 0
        if self.pace == "log":
            passed = (self._done + 1) * 10 ** (min(late, LONGEST) / DECADE)
            return min(max_n, max(int(passed) - self._done, 1))
        return min(max_n, int(late * self.pace) + 1)

    def advance(self, steps: int) -> None:
        """Count steps that were made."""
        self._done += steps
        if self.pace == "log":
            taken = DECADE * log10((self._done + 1) / (self._done + 1 - steps))
        elif self.pace is not None:
            taken = steps / self.pace
        else:
            return
        self._due = max(self._due + taken, self._clock() - SLACK)
