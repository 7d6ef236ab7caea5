"""A sweep's results as a table, as CSV and as JSON."""

import csv
from collections.abc import Sequence
from typing import IO

import msgspec
from rich.table import Table

from bntui.sweep.plan import Plan, assignment
from bntui.sweep.results import GLYPHS, CellResult, sentence
from bntui.sweep.statistics import can_decide, seeds_needed, smallest_p


def power_sentence(plan: Plan) -> str:
    """What so many seeds can decide at best, before anything is run."""
    cells, seeds = len(plan.compared), plan.seeds
    best = f"{seeds} seeds: the smallest p is {smallest_p(seeds):.2g}"
    over = f"over {cells} cells" if cells > 1 else "over one cell"
    if can_decide(seeds, cells):
        return f"{best}, {smallest_p(seeds) * cells:.2g} after Holm {over}: a cell can be decided."
    return (
        f"{best}, {min(smallest_p(seeds) * cells, 1):.2g} after Holm {over}: no cell can be"
        f" decided; that takes {seeds_needed(cells)} seeds."
    )


def table(plan: Plan, found: Sequence[CellResult]) -> Table:
    """A row a cell; losses are final evaluation-mode losses."""
    shown = Table(title=sentence(plan, found), title_justify="left", title_style="")
    for name in plan.vary:
        shown.add_column(name.name.replace("_", "-"))
    control, treated = (found[0].control, found[0].treated) if found else ("", "")
    heads = ("", "n", f"{treated} − {control}", "95 % interval", "p (Holm)", "diverged")
    for head in heads:
        shown.add_column(head, justify="right")
    for one in found:
        values = [assignment(n, v).partition("=")[2] for n, v in one.cell.settings.items()]
        interval = f"{one.interval.low:+.4g} … {one.interval.high:+.4g}" if one.interval else "–"
        shown.add_row(
            *values,
            GLYPHS[one.verdict],
            str(one.seeds),
            "–" if one.mean is None else f"{one.mean:+.4g}",
            interval,
            "–" if one.p is None else f"{one.p:.2g}",
            f"{one.diverged[1]} / {one.diverged[0]} of {one.seeds}",
        )
    shown.caption = "▼ lower · ▲ higher · · undecided · ▽ diverges less · ✗ diverges more"
    return shown


COLUMNS = (
    *("cell", "control", "treated", "seeds", "mean_difference", "low", "high"),
    *("p_loss_holm", "p_divergence_holm", "diverged_control", "diverged_treated", "verdict"),
)


def rows(found: Sequence[CellResult]) -> list[tuple[object, ...]]:
    """A tuple a cell, in the order of `COLUMNS`; None where there is no number."""
    return [
        (
            *(one.cell.label, one.control, one.treated, one.seeds, one.mean),
            *(one.interval or (None, None)),
            *(one.loss_p, one.divergence_p, *one.diverged, one.verdict),
        )
        for one in found
    ]


def write_csv(found: Sequence[CellResult], file: IO[str]) -> None:
    """`rows` with a head."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(found))


def as_json(plan: Plan, found: Sequence[CellResult]) -> str:
    """Plan, verdict and cells as one line of JSON."""
    cells = [dict(zip(COLUMNS, row, strict=True)) for row in rows(found)]
    report = {"plan": plan, "verdict": sentence(plan, found), "cells": cells}
    return msgspec.json.encode(report).decode()
