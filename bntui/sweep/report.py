"""A sweep's results in words, as a table, as CSV and as JSON."""

import csv
from collections.abc import Sequence
from typing import IO, NamedTuple

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bntui.sweep.claims import CLAIMS
from bntui.sweep.plan import Plan, Value, assignment
from bntui.sweep.results import GLYPHS, LEGEND, CellResult, sentence
from bntui.sweep.statistics import can_decide, seeds_needed, smallest_p


def claim_sentence(plan: Plan) -> str:
    """What the claim says and where; empty for a grid of one's own."""
    claim = CLAIMS.get(plan.claim or "")
    return f"Claim: {claim.says} Source: {claim.source}." if claim else ""


def power_sentence(plan: Plan) -> str:
    """What so many seeds can decide at best, before anything is run."""
    cells, seeds = len(plan.compared), plan.seeds
    over = f"over {cells:,} cells" if cells > 1 else "over one cell"
    best = (
        f"{seeds} seed{'s' * (seeds != 1)}: the smallest p is {smallest_p(seeds):.2g},"
        f" {min(smallest_p(seeds) * cells, 1):.2g} after Holm {over}"
    )
    if can_decide(seeds, cells):
        return f"{best}: a cell can be decided."
    return f"{best}: no cell can be decided; that takes {seeds_needed(cells)} seeds."


class Head(NamedTuple):
    """A column of the table: its text, and the width that its values need."""

    text: str
    width: int


def table(plan: Plan, found: Sequence[CellResult]) -> Table:
    """A row a cell; losses are final evaluation-mode losses."""
    words = f"{sentence(plan, found)}\n{sides_sentence(plan, found)}"
    shown = Table(title=words, title_justify="left", title_style="", box=SIMPLE_HEAD)
    shown.padding = 0, 1, 0, 0
    shown.caption, shown.caption_justify = LEGEND, "left"
    for head in heads(plan):
        shown.add_column(Text(head.text), justify="right", no_wrap=bool(head.text))
    for one in found:
        shown.add_row(*map(Text, row(plan, one)))
    return shown


def sides_sentence(plan: Plan, found: Sequence[CellResult]) -> str:
    """Which side is which in a column with two numbers, and in a difference."""
    if not found:
        return ""
    control, treated = found[0].control, found[0].treated
    if plan.against:
        treated = treated.partition(" ")[0]
    return f"Loss: {treated} − {control}, mean over seeds. Two numbers: {treated} / {control}."


def heads(plan: Plan) -> list[Head]:
    """The heads of `row`."""
    varied = [
        Head(one.name.replace("_", "-"), max(len(_value(one.name, v)) for v in one.values))
        for one in plan.vary
    ]
    reach = [Head(f"steps to {plan.reach:g}", 15), Head("reached", 7)] if plan.reach else []
    return [
        *varied,
        *(Head("", 1), Head("n", 2), Head("loss", 8), Head("95 % interval", 21)),
        *(Head("p (Holm)", 8), Head("diverged", 8), *reach),
    ]


def row(plan: Plan, one: CellResult) -> list[str]:
    """A cell in words."""
    interval = f"{one.interval.low:+.3g} … {one.interval.high:+.3g}" if one.interval else "–"
    return [
        *(_value(name, value) for name, value in one.cell.settings.items()),
        GLYPHS[one.verdict],
        str(one.seeds),
        "–" if one.mean is None else f"{one.mean:+.3g}",
        interval,
        "–" if one.p is None else f"{one.p:.2g}",
        _both(one.diverged),
        *(_reached(one) if plan.reach else ()),
    ]


def _value(name: str, value: Value) -> str:
    return assignment(name, value).partition("=")[2]


def _reached(one: CellResult) -> tuple[str, str]:
    """Median steps of the seeds that reached the loss, and how many did."""
    if one.reached is None:
        return "–", "–"
    before, after = ("–" if s is None else f"{s:,.0f}" for s in one.reached.steps)
    return f"{after} / {before}", _both(one.reached.seeds)


def _both(counts: tuple[int, int]) -> str:
    """The treated side's count comes first."""
    return f"{counts[1]} / {counts[0]}"


COLUMNS = (
    *("cell", "control", "treated", "seeds", "mean_difference", "low", "high"),
    *("test", "p", "p_holm", "diverged_control", "diverged_treated", "verdict"),
    *("reached_control", "reached_treated", "steps_control", "steps_treated"),
    *("first_control", "first_treated", "p_first_holm"),
)


def rows(found: Sequence[CellResult]) -> list[tuple[object, ...]]:
    """A tuple a cell, in the order of `COLUMNS`; None where there is no number."""
    return [
        (
            *(one.cell.label, one.control, one.treated, one.seeds, one.mean),
            *(one.interval or (None, None)),
            *(one.test, one.raw_p, one.p, *one.diverged, one.verdict),
            *((*one.reached.seeds, *one.reached.steps) if one.reached else (None,) * 4),
            *((*one.reached.first, one.reached.p) if one.reached else (None,) * 3),
        )
        for one in found
    ]


def write_csv(found: Sequence[CellResult], file: IO[str]) -> None:
    """`rows` with a head."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(found))


def as_json(plan: Plan, found: Sequence[CellResult]) -> str:
    """Plan, claim, verdict and cells as one line of JSON."""
    cells = [dict(zip(COLUMNS, row, strict=True)) for row in rows(found)]
    report = {
        "plan": plan,
        "claim": claim_sentence(plan) or None,
        "verdict": sentence(plan, found),
        "cells": cells,
    }
    return msgspec.json.encode(report).decode()
