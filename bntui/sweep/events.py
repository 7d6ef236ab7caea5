"""What a sweep emits as it goes: a JSON object a line, like a run."""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from bntui.history import ArmHistory, History
from bntui.history.columns import steps_to_reach
from bntui.protocol import Machine, SplitLosses
from bntui.protocol.base import Count, Event, Number
from bntui.sweep.plan import Job, Plan

Loss = Annotated[float, Meta(ge=-1e100, le=1e100)]
"""Far beyond single precision; squares of differences, and sums of these, are finite."""


class Outcome(Struct, frozen=True):
    """What one run came to.

    `losses` are final evaluation-mode losses by network: on the validation words where the data
    is split, else on the most training examples measured; null for a network that diverged, or
    whose final loss is not finite, which counts as divergence too. `reached` has the step at which
    each network reached the loss `reach`, null where it did not.
    """

    key: str
    losses: dict[str, Loss | None]
    reach: Loss | None
    reached: dict[str, Count | None]
    steps: Count
    seconds: Number
    machine: Machine


class Planned(Event, frozen=True):
    """The sweep begins, or goes on: its plan and its directory."""

    plan: Plan
    name: str
    directory: str


class DoneBefore(Event, frozen=True):
    """Runs that were done before; of many, a part in each event."""

    outcomes: list[Outcome]


class Workers(Event, frozen=True):
    """How many workers there are now."""

    count: int


class JobDone(Event, frozen=True):
    """A run is finished and its log is in the sweep's directory."""

    outcome: Outcome


class JobFailed(Event, frozen=True):
    """A run ended without a result, and why."""

    key: str
    reason: str


class Note(Event, frozen=True):
    """Something to know that concerns no single run."""

    text: str


class SweepEnded(Event, frozen=True):
    """No more runs will come; `reason` says why where some are missing."""

    reason: str = ""


AnySweepEvent = Planned | DoneBefore | Workers | JobDone | JobFailed | Note | SweepEnded


A_PART = 1_000
"""Outcomes of one `DoneBefore`."""


def beginning(
    plan: Plan, directory: Path, done: Iterable[Outcome]
) -> Iterator[Planned | DoneBefore]:
    """The first events of a sweep."""
    yield Planned(plan, directory.name, str(directory))
    left = iter(done)
    while part := list(islice(left, A_PART)):
        yield DoneBefore(part)


def outcome_of(job: Job, history: History, reach: float | None, machine: Machine) -> Outcome:
    """A finished run's outcome."""
    return Outcome(
        key=job.key,
        losses={name: final_loss(arm) for name, arm in history.arms.items()},
        reach=reach,
        reached=reached(history, reach),
        steps=history.steps,
        seconds=round(history.elapsed, 3),
        machine=machine,
    )


def reached(history: History, reach: float | None) -> dict[str, int | None]:
    """The step at which each network reached that loss; nothing if none is asked for."""
    if reach is None:
        return {}
    return {name: steps_to_reach(arm.loss.values, reach) for name, arm in history.arms.items()}


def final_loss(arm: ArmHistory) -> float | None:
    """The last evaluation-mode loss: on the validation words, or on the most examples measured."""
    split = arm.latest(SplitLosses)
    if arm.diverged:
        loss = None
    elif split is not None:
        loss = split.losses.get("validation")
    else:
        loss = arm.modes[-1].eval[-1] if arm.modes else None
    return loss if loss is not None and isfinite(loss) else None
