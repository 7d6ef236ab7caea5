"""A sweep's events folded: what is planned, done and failed, and how long it will take."""

from collections.abc import Callable
from time import monotonic

from bntui.protocol import Event
from bntui.sweep.events import (
    DoneBefore,
    JobDone,
    JobFailed,
    Note,
    Outcome,
    Planned,
    SweepEnded,
    Workers,
)
from bntui.sweep.plan import Plan
from bntui.sweep.results import CellResult, Results


class Progress:
    """What is known of a sweep; `version` grows with every event."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.version = 0
        self.plan: Plan | None = None
        self.name = self.directory = ""
        self.failed: dict[str, str] = {}
        self.notes: list[str] = []
        self.workers = 0
        self.ended: str | None = None
        self._clock = clock
        self._begun = clock()
        self._done_before = 0
        self._results: Results | None = None

    def fold(self, event: Event) -> None:
        """Take an event in."""
        self.version += 1
        match event:
            case Planned(plan, name, directory):
                self.plan, self.name, self.directory = plan, name, directory
                self._results, self._begun = Results(plan), self._clock()
            case DoneBefore(outcomes) if self._results:
                for outcome in outcomes:
                    self._results.add(outcome)
                self._done_before = len(self.outcomes)
            case Workers(count):
                self.workers = count
            case JobDone(outcome) if self._results:
                self._results.add(outcome)
                self.failed.pop(outcome.key, None)
            case JobFailed(key, reason):
                self.failed[key] = reason
            case Note(text):
                self.notes.append(text)
            case SweepEnded(reason):
                self.ended = reason

    @property
    def job_count(self) -> int:
        """Runs in all."""
        return self.plan.job_count if self.plan else 0

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the runs that were done here; None before the first."""
        new = len(self.outcomes) - self._done_before
        if not new or self.ended is not None:
            return None
        left = self.job_count - len(self.outcomes) - len(self.failed)
        return (self._clock() - self._begun) / new * left

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What is finished, by key."""
        return self._results.outcomes if self._results else {}

    @property
    def results(self) -> list[CellResult]:
        """Every compared cell's result."""
        return self._results.cells if self._results else []

    @property
    def line(self) -> str:
        """How far it is, in a line."""
        parts = [f"{len(self.outcomes):,} of {self.job_count:,} runs"]
        if self.failed:
            parts.append(f"{len(self.failed):,} failed")
        if self.ended is not None:
            parts.append("ended")
        elif self.workers:
            parts.append(f"{self.workers:,} worker{'s' * (self.workers != 1)}")
        else:
            parts.append("waiting for a worker")
        if (left := self.seconds_left) is not None:
            parts.append(f"{duration(left)} left")
        return " · ".join(parts)


def duration(seconds: float) -> str:
    """As in `2 h 05 min`, `3 min` or `40 s`."""
    if seconds >= 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"
