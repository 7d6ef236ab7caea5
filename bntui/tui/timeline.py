"""Where in a run the panes stand: at its newest step, at an earlier one, or on the way."""

from math import inf

from bntui.history.as_of import as_of, seconds_at, step_at
from bntui.history.history import History

SPEEDS = (1.0, 2.0, 10.0, inf)
"""Of a replay, in seconds of training a second; the last shows the whole run in 100 frames."""

PARTS = 100
"""Into how many parts a run is divided for looking back: one is a key press."""


class Timeline:
    """`at` is the step looked at (None: the newest); `speed` that of a replay, if one is on."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.speed: float | None = None
        self._seconds = 0.0

    def view(self, history: History) -> History:
        """The history to draw."""
        return history if self.at is None else as_of(history, self.at)

    def live(self) -> None:
        """Go with the newest step."""
        self.at = self.speed = None

    def seek(self, step: int, history: History) -> None:
        """Look at `step`, or at the newest if that is beyond it."""
        self.speed = None
        self.at = max(step, 0) if step < history.steps else None

    def move(self, parts: int, history: History) -> None:
        """Look so many parts of the run earlier (negative) or later."""
        here = history.steps if self.at is None else self.at
        self.seek(here + parts * max(history.steps // PARTS, 1), history)

    def replay(self, history: History) -> None:
        """Replay from here, from the start if here is the end; again: faster; at last: stop."""
        faster = [speed for speed in SPEEDS if self.speed is None or speed > self.speed]
        if not faster:
            self.speed = None
            return
        self.speed = faster[0]
        self.at = 0 if self.at is None else self.at
        self._seconds = seconds_at(history, self.at)

    def tick(self, seconds: float, history: History) -> bool:
        """Let time pass; whether that moved a replay."""
        if self.speed is None or self.at is None:
            return False
        if self.speed == inf:
            self.at += max(history.steps // PARTS, 1)
        else:
            self._seconds += seconds * self.speed
            self.at = max(self.at, step_at(history, self._seconds))
        if self.at >= history.steps:
            self.live()
        return True
