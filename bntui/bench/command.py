"""`bntui bench`: measure, and print tables or JSON."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bntui.bench.conditions import Conditions, conditions
from bntui.bench.figure import QUICK, USUAL, Figure, Measurement, Repeats, UnavailableError
from bntui.bench.figures import FIGURES
from bntui.errors import InputError
from bntui.export.printer import Printer
from bntui.logs.reader import open_regular
from bntui.text import clean

T = TypeVar("T")

LONGEST = 2**20
"""Bytes read of an earlier result; one has some 20 KB."""


class Record(msgspec.Struct, frozen=True):
    """A figure in JSON; without values, `missing` says why."""

    name: str
    text: str
    bound: str
    goal: float | None
    unit: str
    median: float | None
    min: float | None
    max: float | None
    values: list[float]
    cpu_median: float | None = None
    """Of a ratio by processor time."""
    missing: str = ""


class Results(msgspec.Struct, frozen=True):
    """What `--json` prints and `--compare` reads."""

    machine: Conditions
    figures: list[Record]


def bench(only: str | None, grow: bool, quick: bool, as_json: bool, compare: str | None) -> int:
    """Measure the figures, or how cost grows; print tables, or a line of JSON.

    Raises:
        InputError: No figure has `only` in its name, or `compare` cannot be read or used.
    """
    repeats = QUICK if quick else USUAL
    if grow:
        if compare is not None:
            raise InputError("--compare reads figures, and --grow measures none; give one of them.")
        _grow(repeats, as_json)
        return 0
    figures = chosen(only)
    earlier = None if compare is None else read(Path(compare))
    machine = conditions()
    names = [figure.name for figure in figures]
    records = [_record(figure, repeats) for figure in _tracked(figures, names)]
    results = Results(machine, records)
    if as_json:
        sys.stdout.write(msgspec.json.encode(results).decode() + "\n")
    else:
        report(Printer(), results, earlier)
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


def read(path: Path) -> Results:
    """What `bntui bench --json` printed before.

    Raises:
        InputError: It cannot be read, or is something else.
    """
    name = clean(str(path), limit=200)
    try:
        with open_regular(path) as file:
            return msgspec.json.decode(file.read(LONGEST), type=Results)
    except OSError as error:
        raise InputError(f"--compare {name} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"--compare {name} is not what bntui bench --json prints ({clean(str(error))})."
        ) from None


def report(console: Console, results: Results, earlier: Results | None) -> None:
    """Print the machine, the results, and what is wanted of them."""
    console.print(results.machine.text, soft_wrap=True, highlight=False)
    if earlier is not None:
        console.print(f"Compared with {earlier.machine.text}", soft_wrap=True, highlight=False)
    console.print(_results(results, earlier))
    console.print(_goals(results))
    for warning in (results.machine.warning, earlier.machine.warning if earlier else ""):
        if warning:
            console.print(warning, soft_wrap=True, highlight=False)


def _results(results: Results, earlier: Results | None) -> Table:
    table = Table("name", "figure", "median", "min", "max", "by CPU time", title="Results")
    before = {record.name: record for record in earlier.figures} if earlier else {}
    if earlier is not None:
        table.add_column("earlier")
        table.add_column("now over earlier")
    loud = bool(results.machine.warning)
    quiet = {figure.name: figure.quiet for figure in FIGURES}
    for record in results.figures:
        mark = "~ " if loud and quiet.get(record.name, True) else ""
        if record.missing:
            row = [record.name, record.text, record.missing, "", "", ""]
        else:
            row = [
                record.name,
                record.text,
                f"{mark}{_number(record.median)} {record.unit}",
                _number(record.min),
                _number(record.max),
                _number(record.cpu_median),
            ]
        if earlier is not None:
            row += _beside(record, before.get(record.name))
        table.add_row(*row)
    return table


def _beside(now: Record, then: Record | None) -> list[str]:
    if then is None or then.median is None:
        return ["not measured", ""]
    ratio = "" if now.median is None or not then.median else f"{now.median / then.median:.2f}"
    return [_number(then.median), ratio]


def _goals(results: Results) -> Table:
    table = Table("name", "goal", "median", "", title="Goals")
    for record in results.figures:
        if record.goal is None or record.median is None:
            continue
        least = record.bound == "at least"
        met = record.median >= record.goal if least else record.median <= record.goal
        goal = f"{'≥' if least else '≤'} {record.goal:g} {record.unit}"
        table.add_row(record.name, goal, _number(record.median), "met" if met else "not met")
    return table


def _record(figure: Figure, repeats: Repeats) -> Record:
    described = (figure.name, figure.text, figure.bound, figure.goal, figure.unit)
    try:
        found = figure.measure(repeats)
    except (UnavailableError, TimeoutError) as error:  # the other figures stand
        return Record(*described, None, None, None, [], missing=str(error))
    cpu = Measurement(list(found.cpu)).median if found.cpu else None
    return Record(*described, found.median, found.low, found.high, found.values, cpu)


def _grow(repeats: Repeats, as_json: bool) -> None:
    """Steps a second by size, beside torch's modules."""
    from bntui.bench import grow  # noqa: PLC0415 (loads torch)

    names = [f"{name} {size}" for name, sizes in grow.SIZES.items() for size in sizes]
    rows = list(_tracked(grow.rows(repeats), names))
    if as_json:
        records = [
            {
                "option": row.name,
                "size": row.size,
                "bntui": row.trainer.median,
                "modules": row.modules.median,
                "ratios": row.ratio.values,
            }
            for row in rows
        ]
        sys.stdout.write(msgspec.json.encode(records).decode() + "\n")
        return
    table = Table("size", "bntui steps/s", "torch's modules", "ratio", "min", "max")
    for row in rows:
        name = row.name.replace("_", "-")
        rates = (f"{rate.median:,.0f}" for rate in (row.trainer, row.modules))
        spread = (row.ratio.median, row.ratio.low, row.ratio.high)
        table.add_row(f"--{name} {row.size}", *rates, *map(_number, spread))
    console = Printer()
    console.print(conditions().text, soft_wrap=True, highlight=False)
    console.print(table)


def _tracked(work: Iterable[T], names: list[str]) -> Iterator[T]:
    """What is measured, of how much: a line on stderr, drawn over on a terminal."""
    console = Printer(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(names))
        iterator = iter(work)
        for place, name in enumerate(names, 1):
            text = f"measuring {name}, {place} of {len(names)}"
            if console.is_terminal:
                progress.update(task, description=text, completed=place - 1)
            else:
                console.print(text, highlight=False)
            yield next(iterator)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
