"""A sweep's results in words, as a table, as CSV and as JSON."""

import csv
from collections.abc import Sequence
from typing import IO

import msgspec
from rich.table import Table
from rich.text import Text

from bntui.sweep.claims import CLAIMS
from bntui.sweep.plan import Plan, assignment
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


def table(plan: Plan, found: Sequence[CellResult]) -> Table:
    """A row a cell; losses are final evaluation-mode losses."""
    shown = Table(title=sentence(plan, found), title_justify="left", title_style="")
    shown.caption, shown.caption_justify = LEGEND, "left"
    for head, is_number in heads(plan, found):
        shown.add_column(Text(head), justify="right" if is_number else "left")
    for one in found:
        shown.add_row(*map(Text, row(plan, one)))
    return shown


def heads(plan: Plan, found: Sequence[CellResult]) -> list[tuple[str, bool]]:
    """The heads of `row`, and whether numbers stand below."""
    names = [(one.name.replace("_", "-"), True) for one in plan.vary]
    control, treated = (found[0].control, found[0].treated) if found else ("", "")
    if plan.against:
        treated = treated.partition(" ")[0]
    both = f"{treated} / {control}"
    reach = [] if plan.reach is None else [(f"steps to {plan.reach:g}, {both}", True)]
    return [
        *names,
        ("", False),
        ("n", True),
        (f"loss {treated} − {control}", True),
        ("95 % interval", True),
        ("p (Holm)", True),
        (f"diverged {both}", True),
        *reach,
    ]


def row(plan: Plan, one: CellResult) -> list[str]:
    """A cell in words."""
    values = [assignment(n, v).partition("=")[2] for n, v in one.cell.settings.items()]
    interval = f"{one.interval.low:+.3g} … {one.interval.high:+.3g}" if one.interval else "–"
    return [
        *values,
        GLYPHS[one.verdict],
        str(one.seeds),
        "–" if one.mean is None else f"{one.mean:+.3g}",
        interval,
        "–" if one.p is None else f"{one.p:.2g}",
        f"{one.diverged[1]} / {one.diverged[0]}",
        *([] if plan.reach is None else [reach_text(one)]),
    ]


def reach_text(one: CellResult) -> str:
    """Median steps to the loss, and how many of the seeds reached it: treated / control."""
    if one.reached is None or not one.seeds:
        return "–"
    sides = zip(one.reached.steps, one.reached.seeds, strict=True)
    before, after = (
        f"{'never' if steps is None else f'{steps:,.0f}'} ({count} of {one.seeds})"
        for steps, count in sides
    )
    return f"{after} / {before}, p {one.reached.p:.2g}"


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
