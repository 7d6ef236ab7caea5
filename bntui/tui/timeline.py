"""Which step of a run the panes show: the newest, an earlier one, or a replay's."""

from bisect import bisect_left, bisect_right
from math import inf
from typing import Protocol

from bntui.history.as_of import as_of, seconds_at, step_at
from bntui.history.history import History

SPEEDS = (1.0, 2.0, 10.0, inf)
"""Of a replay, in seconds of training a second; the last shows the whole run in 100 frames."""

PARTS = 100
"""Frames of the fastest replay."""


class Stepped(Protocol):
    """A run with `steps` done."""

    @property
    def steps(self) -> int:
        """Steps done so far."""
        ...


class Timeline:
    """`at` is the step shown (None: the newest); `speed` is that of a replay."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.speed: float | None = None
        self._seconds = 0.0

    def view(self, history: History) -> History:
        """The history to draw."""
        return history if self.at is None else as_of(history, self.at)

    def live(self) -> None:
        """Follow the newest step."""
        self.at = self.speed = None

    def seek(self, step: int, history: Stepped) -> None:
        """Show `step`, or follow the newest one from there on."""
        self.speed = None
        self.at = max(step, 0) if step < history.steps else None

    def move_along(self, schedule: list[int], by: int, history: Stepped) -> None:
        """Move by so many steps of an ascending schedule, back if negative."""
        here = history.steps if self.at is None else self.at
        place = bisect_left(schedule, here) if by < 0 else bisect_right(schedule, here) - 1
        place = max(place + by, 0)
        self.seek(schedule[place] if place < len(schedule) else history.steps, history)

    def replay(self, history: History) -> None:
        """Start a replay (from step 0 when live), speed it up, or stop it after the fastest."""
        faster = [speed for speed in SPEEDS if self.speed is None or speed > self.speed]
        if not faster:
            self.speed = None
            return
        self.speed = faster[0]
        self.at = 0 if self.at is None else self.at
        self._seconds = seconds_at(history, self.at)

    def tick(self, seconds: float, history: History) -> bool:
        """Advance a replay by `seconds`; returns whether there was one."""
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
