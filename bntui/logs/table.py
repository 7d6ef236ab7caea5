"""A directory of logs as a table: its columns, and a log as a row."""

from pathlib import Path

from bntui.logs.index import WATCHED, RunSummary
from bntui.text import number

COLUMNS = (
    ("log", "left"),
    ("differs", "left"),
    ("steps", "right"),
    ("last losses", "left"),
    ("ended", "left"),
    ("size", "right"),
)


MOST_LOSSES = 2
"""Logged losses of a watched run that are listed."""


def cells(summary: RunSummary) -> tuple[str, ...]:
    """A log as a table's row."""
    return (
        Path(summary.path).stem,
        " ".join(f"{name}={_plain(value)}" for name, value in summary.differs.items()) or "–",
        f"{summary.steps:,}",
        _losses(summary),
        summary.state,
        f"{summary.bytes / 1e6:.1f} MB"
        if summary.bytes >= 1e5
        else f"{summary.bytes / 1e3:.0f} kB",
    )


def _plain(value: object) -> str:
    """A setting's value as an option takes it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _losses(summary: RunSummary) -> str:
    """The last loss of each network; of a watched run, those that were logged and their names."""
    if summary.preset != WATCHED:
        return " / ".join(map(number, summary.losses.values()))
    named = [f"{name} {number(value)}" for name, value in summary.losses.items()]
    return " · ".join(named[:MOST_LOSSES])
