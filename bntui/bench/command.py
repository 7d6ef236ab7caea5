"""`bntui bench`: measure, and print a table or JSON."""

import sys

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bntui.bench.figure import QUICK, USUAL, Figure, Measurement
from bntui.bench.figures import FIGURES

Measured = tuple[Figure, Measurement]


def bench(only: str | None, quick: bool, as_json: bool) -> int:
    """Measure every figure whose name has `only` in it; print the table, or JSON."""
    figures = [figure for figure in FIGURES if only is None or only in figure.name]
    repeats = QUICK if quick else USUAL
    errors = Console(stderr=True)
    shown = track(figures, "measuring", console=errors, disable=not errors.is_terminal)
    measured = [(figure, figure.measure(repeats)) for figure in shown]
    if as_json:
        sys.stdout.write(msgspec.json.encode([_record(*each) for each in measured]).decode() + "\n")
    else:
        Console().print(_table(measured))
    return 0


def _table(measured: list[Measured]) -> Table:
    table = Table("figure", "goal", "median", "min", "max", "")
    for figure, measurement in measured:
        numbers = (measurement.median, measurement.low, measurement.high)
        sign = "≥" if figure.bound == "at least" else "≤"
        goal = f"{sign} {figure.goal:g} {figure.unit}"
        table.add_row(figure.text, goal, *(f"{number:.2f}" for number in numbers), figure.name)
    return table


def _record(figure: Figure, measurement: Measurement) -> dict[str, object]:
    return {
        "name": figure.name,
        "text": figure.text,
        "bound": figure.bound,
        "goal": figure.goal,
        "unit": figure.unit,
        "median": measurement.median,
        "min": measurement.low,
        "max": measurement.high,
        "values": measurement.values,
    }
