"""`bntui bench`: measure, and print a table or JSON."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bntui.bench.figure import QUICK, USUAL, Figure, Measurement, Repeats
from bntui.bench.figures import FIGURES
from bntui.errors import InputError

Record = dict[str, object]
T = TypeVar("T")


def bench(only: str | None, grow: bool, quick: bool, as_json: bool) -> int:
    """Measure the figures, or how cost grows; print a table, or a line of JSON.

    Raises:
        InputError: No figure has `only` in its name.
    """
    repeats = QUICK if quick else USUAL
    table, records = growth(repeats) if grow else _figures(chosen(only), repeats)
    if as_json:
        sys.stdout.write(msgspec.json.encode(records).decode() + "\n")
    else:
        Console().print(table)
    return 0


def chosen(only: str | None) -> list[Figure]:
    """The figures with `only` in their names.

    Raises:
        InputError: There is none.
    """
    figures = [figure for figure in FIGURES if (only or "") in figure.name]
    if not figures:
        names = ", ".join(figure.name for figure in FIGURES)
        raise InputError(f"--only is {only}, but it takes a part of one of {names}.")
    return figures


def _figures(figures: list[Figure], repeats: Repeats) -> tuple[Table, list[Record]]:
    measured = [(figure, figure.measure(repeats)) for figure in _tracked(figures)]
    return _table(measured), [_record(*each) for each in measured]


def growth(repeats: Repeats) -> tuple[Table, list[Record]]:
    """Steps a second by size, beside torch's modules."""
    from bntui.bench import grow  # noqa: PLC0415 (loads torch)

    rows = list(_tracked(grow.rows(repeats)))
    table = Table("size", "bntui steps/s", "torch's modules", "ratio", "min", "max")
    for row in rows:
        name = row.name.replace("_", "-")
        rates = (f"{rate.median:,.0f}" for rate in (row.trainer, row.modules))
        table.add_row(f"--{name} {row.size}", *rates, *_three(row.ratio))
    records: list[Record] = [
        {
            "option": row.name,
            "size": row.size,
            "bntui": row.trainer.median,
            "modules": row.modules.median,
            "ratios": row.ratio.values,
        }
        for row in rows
    ]
    return table, records


def _tracked(work: Iterable[T]) -> Iterable[T]:
    """A bar on stderr while it lasts, shown only on a terminal."""
    console = Console(stderr=True)
    return track(work, "measuring", console=console, disable=not console.is_terminal)


def _three(measurement: Measurement) -> Iterator[str]:
    """Median, least, greatest."""
    numbers = (measurement.median, measurement.low, measurement.high)
    return (f"{number:.2f}" for number in numbers)


def _table(measured: list[tuple[Figure, Measurement]]) -> Table:
    table = Table("name", "figure", "goal", "median", "min", "max")
    for figure, measurement in measured:
        sign = "≥" if figure.bound == "at least" else "≤"
        goal = f"{sign} {figure.goal:g} {figure.unit}"
        table.add_row(figure.name, figure.text, goal, *_three(measurement))
    return table


def _record(figure: Figure, measurement: Measurement) -> Record:
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
