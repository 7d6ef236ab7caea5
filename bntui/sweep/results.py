"""From outcomes to a table: each cell's paired difference, its uncertainty, and a verdict."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from statistics import fmean, median
from typing import Literal, NamedTuple

from bntui.config import ARM_NAMES
from bntui.sweep.events import Outcome
from bntui.sweep.plan import Cell, Plan, assignment, job_key, label_of
from bntui.sweep.statistics import LEVEL, Interval, bca_interval, holm, sign_flip_p

Verdict = Literal[
    "lower", "higher", "diverges less", "diverges more", "both diverge", "undecided", "no runs"
]

GLYPHS: dict[Verdict, str] = {
    "lower": "▼",
    "higher": "▲",
    "diverges less": "▽",
    "diverges more": "△",
    "both diverge": "✗",
    "undecided": "·",
    "no runs": " ",
}
"""Verdicts told apart without colour."""

LEGEND = "▼ lower loss  ▲ higher  ▽ diverges less  △ more  ✗ both diverge  · undecided"

NAMED = 6
"""Cells that a sentence names; of more it gives the number."""


class Side(NamedTuple):
    """One side of a comparison: a network of a cell."""

    cell: Cell
    arm: str


class Reached(NamedTuple):
    """Steps to the loss asked for, (control, treated): how many seeds reached it, median steps.

    `first` counts the seeds in which one side reached it before the other, which may never have;
    `p` is that of the exact sign test over these, Holm-adjusted over the cells.
    """

    seeds: tuple[int, int]
    steps: tuple[float | None, float | None]
    first: tuple[int, int]
    p: float


class CellResult(NamedTuple):
    """What the seeds say of one cell.

    Differences are of final evaluation-mode losses, `treated` minus `control`, over the seeds in
    which neither diverged. `diverged` counts (control, treated) over the `seeds` in which both
    are done.

    Each cell has one test, so that Holm's correction is over the cells: of divergence, if the
    seeds in which exactly one side diverged are at least as many as those in which neither did,
    else of the loss. Swapping the sides within a seed changes neither number, so choosing by them
    leaves the permutation test exact.
    """

    cell: Cell
    control: str
    treated: str
    seeds: int
    diverged: tuple[int, int]
    differences: list[float]
    mean: float | None
    test: Literal["loss", "divergence"] | None
    raw_p: float | None
    p: float | None
    verdict: Verdict
    reached: Reached | None

    @property
    def interval(self) -> Interval | None:
        """95 % BCa interval of the mean; computed when it is looked at, a few ms."""
        return _interval(tuple(self.differences))


@lru_cache(maxsize=4096)
def _interval(differences: tuple[float, ...]) -> Interval | None:
    return bca_interval(differences)


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


class Results:
    """Every compared cell's result; an outcome costs the cells it belongs to, not all."""

    def __init__(self, plan: Plan, outcomes: Iterable[Outcome] = ()) -> None:
        self._plan, self._cells = plan, plan.compared
        self.outcomes: dict[str, Outcome] = {}
        self._concerned: dict[str, list[int]] = {}
        for place, cell in enumerate(self._cells):
            for label in {side.cell.label for side in sides(plan, cell)}:
                self._concerned.setdefault(label, []).append(place)
        self._raw = [_raw(plan, cell, {}) for cell in self._cells]
        self._stale: set[int] = set()
        self._decided: list[CellResult] | None = None
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Take a run's outcome in; a later one of the same run replaces it."""
        self.outcomes[outcome.key] = outcome
        self._stale.update(self._concerned.get(label_of(outcome.key), ()))
        self._decided = None

    @property
    def cells(self) -> list[CellResult]:
        """In the order of `Plan.compared`; p-values are adjusted over all compared cells."""
        if self._decided is None:
            for place in self._stale:
                self._raw[place] = _raw(self._plan, self._cells[place], self.outcomes)
            self._stale.clear()
            self._decided = _decided(self._raw)
        return self._decided


def results(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[CellResult]:
    """Every compared cell's result."""
    return Results(plan, outcomes.values()).cells


def _raw(plan: Plan, cell: Cell, outcomes: Mapping[str, Outcome]) -> CellResult:
    """A cell's result before p-values are adjusted and a verdict is given."""
    control, treated = sides(plan, cell)
    before, after = control.cell.label, treated.cell.label
    pairs = [
        (one, other)
        for seed in plan.seed_numbers
        if (one := outcomes.get(job_key(before, seed)))
        and (other := outcomes.get(job_key(after, seed)))
    ]
    differences: list[float] = []
    apart: list[float] = []
    counts = [0, 0]
    for one, other in pairs:
        low, high = one.losses.get(control.arm), other.losses.get(treated.arm)
        counts[0] += low is None
        counts[1] += high is None
        if low is None or high is None:
            apart.append(float(high is None) - float(low is None))
        else:
            differences.append(high - low)
    discordant = sum(map(bool, apart))
    test: Literal["loss", "divergence"] | None = None
    if discordant and discordant >= len(differences):
        test = "divergence"
    elif differences:
        test = "loss"
    return CellResult(
        cell,
        *labels(plan, cell),
        seeds=len(pairs),
        diverged=(counts[0], counts[1]),
        differences=differences,
        mean=fmean(differences) if differences else None,
        test=test,
        raw_p=sign_flip_p(differences if test == "loss" else apart) if test else None,
        p=None,
        verdict="no runs",
        reached=None if plan.reach is None else _reached(control.arm, treated.arm, pairs),
    )


def _reached(control: str, treated: str, pairs: list[tuple[Outcome, Outcome]]) -> Reached:
    steps = [(one.reached.get(control), other.reached.get(treated)) for one, other in pairs]
    known = [[step for step in column if step is not None] for column in zip(*steps, strict=True)]
    before, after = known or ([], [])
    # Never is later than any step.
    order = [((a is None, a or 0), (b is None, b or 0)) for a, b in steps]
    signs = [float(a < b) - float(b < a) for a, b in order]
    return Reached(
        (len(before), len(after)),
        (median(before) if before else None, median(after) if after else None),
        (signs.count(1.0), signs.count(-1.0)),
        sign_flip_p(signs),
    )


def _decided(raw: Sequence[CellResult]) -> list[CellResult]:
    """With adjusted p-values and verdicts; a cell without a test counts as one that failed."""
    adjusted = holm([1.0 if one.raw_p is None else one.raw_p for one in raw])
    first = holm([one.reached.p if one.reached else 1.0 for one in raw])
    return [
        one._replace(
            p=None if one.raw_p is None else p,
            verdict=_verdict(one, p),
            reached=one.reached and one.reached._replace(p=p_first),
        )
        for one, p, p_first in zip(raw, adjusted, first, strict=True)
    ]


def _verdict(one: CellResult, p: float) -> Verdict:
    """No more than the adjusted p-value and the interval allow; `both diverge` is a count."""
    if not one.seeds:
        return "no runs"
    if one.diverged == (one.seeds, one.seeds):
        return "both diverge"
    if p > LEVEL:
        return "undecided"
    if one.test == "divergence":
        return "diverges more" if one.diverged[1] > one.diverged[0] else "diverges less"
    if one.interval and one.interval.high < 0:
        return "lower"
    return "higher" if one.interval and one.interval.low > 0 else "undecided"


WORDS: dict[Verdict, str] = {
    "lower": "ends with a lower loss",
    "higher": "ends with a higher loss",
    "diverges less": "diverges less often",
    "diverges more": "diverges more often",
}


def sentence(plan: Plan, found: Sequence[CellResult]) -> str:
    """The verdict over all cells, in words that say no more than the table does."""
    done = [one for one in found if one.seeds]
    if not done:
        return "No run is finished yet."
    control, treated = sides(plan, done[0].cell)
    against = labels(plan, done[0].cell)[0] if plan.against else control.arm
    clauses = [
        f"{phrase} in {_named(those)}"
        for verdict, phrase in WORDS.items()
        if (those := [one for one in done if one.verdict == verdict])
    ]
    parts = [f"Compared with {against}, {treated.arm} {'; '.join(clauses)}."] if clauses else []
    if both := [one for one in done if one.verdict == "both diverge"]:
        parts.append(f"{against} and {treated.arm} both diverge in every seed of {_named(both)}.")
    if unclear := [one for one in done if one.verdict == "undecided"]:
        parts.append(f"Undecided: {_named(unclear)}.")
    least, most = min(one.seeds for one in done), max(one.seeds for one in done)
    seeds = f"{least}" if least == most else f"{least} to {most}"
    parts.append(f"{seeds} seeds a cell, {100 * LEVEL:g} % risk of any false verdict (Holm).")
    if len(done) < len(found) or least < plan.seeds:
        parts = ["So far:", *parts, "Verdicts count when all runs are done."]
    return " ".join(parts)


def _named(those: Sequence[CellResult]) -> str:
    if len(those) > NAMED:
        return f"{len(those):,} cells"
    return ", ".join(one.cell.label for one in those)
