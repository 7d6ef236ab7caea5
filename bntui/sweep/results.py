"""From outcomes to a table: each cell's paired difference, its uncertainty, and a verdict."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from bntui.config import ARM_NAMES
from bntui.sweep.events import Outcome
from bntui.sweep.plan import Cell, Job, Plan, assignment
from bntui.sweep.statistics import LEVEL, Interval, bca_interval, holm, sign_flip_p

Verdict = Literal["lower", "higher", "undecided", "diverges less", "diverges more", "no runs"]

GLYPHS: dict[Verdict, str] = {
    "lower": "▼",
    "higher": "▲",
    "undecided": "·",
    "diverges less": "▽",
    "diverges more": "✗",
    "no runs": " ",
}
"""Verdicts told apart without colour."""


class Side(NamedTuple):
    """One side of a comparison: a network of a cell."""

    cell: Cell
    arm: str


class CellResult(NamedTuple):
    """What the seeds say of one cell.

    Differences are of final evaluation-mode losses, `treated` minus `control`, over the seeds in
    which neither diverged. `diverged` counts (control, treated) over the `seeds` in which both
    are done. `p` is the smaller of the adjusted p-values of the loss and of divergence.
    """

    cell: Cell
    control: str
    treated: str
    seeds: int
    diverged: tuple[int, int]
    differences: list[float]
    mean: float | None
    interval: Interval | None
    loss_p: float | None
    divergence_p: float | None
    verdict: Verdict

    @property
    def p(self) -> float | None:
        """The adjusted p-value of the verdict."""
        known = [p for p in (self.loss_p, self.divergence_p) if p is not None]
        return min(known, default=None)


def sides(plan: Plan, cell: Cell) -> tuple[Side, Side]:
    """The control and what is compared with it."""
    names = [ARM_NAMES[norm] for norm in plan.base.arms]
    if plan.against is None:
        return Side(cell, names[0]), Side(cell, names[1])
    return Side(plan.reference(cell), names[-1]), Side(cell, names[-1])


def labels(plan: Plan, cell: Cell) -> tuple[str, str]:
    """What both sides are called: by network, or by the setting that differs."""
    control, treated = sides(plan, cell)
    if plan.against is None:
        return control.arm, treated.arm
    name = plan.against
    return (
        f"{control.arm} {assignment(name, control.cell.settings[name])}",
        f"{treated.arm} {assignment(name, treated.cell.settings[name])}",
    )


def results(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[CellResult]:
    """Every compared cell's result; p-values are adjusted over all tests that have data."""
    raw = [_raw(plan, cell, outcomes) for cell in plan.compared]
    tests = [p for one in raw for p in (one.loss_p, one.divergence_p) if p is not None]
    adjusted = iter(holm(tests))
    return [
        _decided(
            one._replace(
                loss_p=None if one.loss_p is None else next(adjusted),
                divergence_p=None if one.divergence_p is None else next(adjusted),
            )
        )
        for one in raw
    ]


def _raw(plan: Plan, cell: Cell, outcomes: Mapping[str, Outcome]) -> CellResult:
    """A cell's result with p-values that are not adjusted yet."""
    control, treated = sides(plan, cell)
    differences: list[float] = []
    diverged: list[tuple[bool, bool]] = []
    for number in range(plan.seeds):
        seed = plan.base.seed + number
        one = outcomes.get(Job(control.cell, seed).key)
        other = outcomes.get(Job(treated.cell, seed).key)
        if one is None or other is None:
            continue
        diverged.append((control.arm in one.diverged, treated.arm in other.diverged))
        before, after = one.losses.get(control.arm), other.losses.get(treated.arm)
        if before is not None and after is not None:
            differences.append(after - before)
    apart = [float(after) - float(before) for before, after in diverged]
    return CellResult(
        cell,
        *labels(plan, cell),
        seeds=len(diverged),
        diverged=(sum(one for one, _ in diverged), sum(other for _, other in diverged)),
        differences=differences,
        mean=fmean(differences) if differences else None,
        interval=bca_interval(differences),
        loss_p=sign_flip_p(differences) if differences else None,
        divergence_p=sign_flip_p(apart) if any(map(any, diverged)) else None,
        verdict="undecided",
    )


def _decided(one: CellResult) -> CellResult:
    """With its verdict: nothing beyond what an adjusted p-value of at most LEVEL allows."""
    verdict: Verdict = "undecided"
    if not one.seeds:
        verdict = "no runs"
    elif one.divergence_p is not None and one.divergence_p <= LEVEL:
        verdict = "diverges more" if one.diverged[1] > one.diverged[0] else "diverges less"
    elif one.loss_p is not None and one.loss_p <= LEVEL and one.mean:
        verdict = "higher" if one.mean > 0 else "lower"
    return one._replace(verdict=verdict)


def sentence(plan: Plan, found: Sequence[CellResult]) -> str:
    """The verdict over all cells, in words that say no more than the table does."""
    done = [one for one in found if one.seeds]
    if not done:
        return "No run is finished yet."
    words = {
        "lower": "ends lower",
        "higher": "ends higher",
        "diverges less": "diverges less often",
        "diverges more": "diverges more often",
    }
    subject = "the second side" if plan.against else done[0].treated
    versus = "the reference" if plan.against else done[0].control
    clauses = [
        f"{phrase} in {', '.join(one.cell.label for one in those)}"
        for verdict, phrase in words.items()
        if (those := [one for one in done if one.verdict == verdict])
    ]
    open_cells = sum(one.verdict == "undecided" for one in done)
    seeds = min(one.seeds for one in done)
    text = (
        f"{subject[:1].upper()}{subject[1:]} {'; '.join(clauses)} (than {versus})"
        if clauses
        else ""
    )
    undecided = f"{open_cells} of {len(done)} cells undecided" if open_cells else ""
    joined = "; ".join(filter(None, (text, undecided)))
    return f"{joined}. {seeds} seeds or more a cell, Holm-adjusted over the cells at {LEVEL:g}."
