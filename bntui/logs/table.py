"""A directory of logs as a table: its columns, and a log as a row."""

from pathlib import Path

from bntui.logs.index import RunSummary
from bntui.text import number

COLUMNS = (
    ("log", "left"),
    ("differs", "left"),
    ("steps", "right"),
    ("last losses", "left"),
    ("ended", "left"),
    ("size", "right"),
)


def cells(summary: RunSummary) -> tuple[str, ...]:
    """A log as a table's row."""
    return (
        Path(summary.path).stem,
        " ".join(f"{name}={value}" for name, value in summary.differs.items()) or "–",
        f"{summary.steps:,}",
        " / ".join(map(number, summary.losses.values())),
        summary.state,
        f"{summary.bytes / 1e6:.1f} MB",
    )
