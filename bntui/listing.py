"""`bntui runs`: the logs of a directory as a table, or as lines of JSON."""

import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bntui.runs import RunSummary, summaries
from bntui.text import clean


def show_runs(directory: Path, as_json: bool) -> None:
    """Print every log's summary, newest first."""
    found = summaries(directory)
    if as_json:
        for summary in found:
            sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
    elif found:
        Console().print(_table(found), f"in {clean(str(directory))}")
    else:
        Console(stderr=True).print(f"No run is logged in {clean(str(directory))}.")


def _table(found: list[RunSummary]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title, side in COLUMNS:
        table.add_column(title, justify=side, no_wrap=title != "differs")  # type: ignore[arg-type]  # rich's Literal
    for summary in found:
        table.add_row(*(Text(clean(cell, limit=60)) for cell in cells(summary)))
    return table


COLUMNS = (
    ("log", "left"),
    ("differs", "left"),
    ("steps", "right"),
    ("no BN / BN", "left"),
    ("ended", "left"),
    ("size", "right"),
)


def cells(summary: RunSummary) -> tuple[str, ...]:
    """A log as a table's row."""
    return (
        Path(summary.path).stem,
        " ".join(f"{name}={value}" for name, value in summary.differs.items()) or "–",
        f"{summary.steps:,}",
        " / ".join(map(_number, summary.losses.values())),
        summary.state,
        f"{summary.bytes / 1e6:.1f} MB",
    )


def _number(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.4g}"
