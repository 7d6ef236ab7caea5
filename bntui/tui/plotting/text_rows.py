"""Rows of coloured text that may change many times a second: only what changed is sent."""

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from bntui.text import clean
from bntui.tui.themes import ink_style

Run = tuple[str, str]
"""Text, and how it looks: an ink of `plot.INKS`, or plain, bold, dim, chosen."""

Row = list[Run]

STYLES = {
    "plain": "",
    "bold": "text-style: bold;",
    "dim": "color: $text-muted;",
    "chosen": "text-style: bold reverse;",
}


class Rows(Widget):
    """Shows rows from the top down; those that have no room are not seen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{name}" for name in STYLES}
    DEFAULT_CSS = "\n".join(
        ["Rows { height: 1fr; padding: 0 1; }"]
        + [f"Rows > .rows--{name} {{ {style} }}" for name, style in STYLES.items()]
    )

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._rows: list[Row] = []

    def show(self, rows: list[Row]) -> None:
        """Draw `rows` in place of those before."""
        rows = [[(clean(text), ink) for text, ink in row] for row in rows]
        before, self._rows = self._rows, rows
        count = max(len(before), len(rows))
        one, other = (each + [[]] * (count - len(each)) for each in (before, rows))
        changed = [y for y in range(count) if one[y] != other[y]]
        if changed:
            self.refresh(*(Region(0, y, self.size.width + 2, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """One row, cut where it has no room."""
        runs = self._rows[y] if y < len(self._rows) else []
        segments = [Segment(text, self._style(ink)) for text, ink in runs]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _style(self, ink: str) -> Style:
        if ink in STYLES:
            return self.get_component_rich_style(f"rows--{ink}")
        return self.rich_style + ink_style(self, ink)


def padded(row: Row, width: int) -> Row:
    """A row with blanks up to `width` columns."""
    blank = width - sum(cell_len(text) for text, _ in row)
    return [*row, (" " * blank, "plain")] if blank > 0 else row


def wrapped(text: str, width: int, ink: str = "plain") -> list[Row]:
    """Sentences as rows of at most `width` columns."""
    rows: list[str] = [""]
    for word in text.split():
        if rows[-1] and len(rows[-1]) + 1 + len(word) > width:
            rows.append(word)
        else:
            rows[-1] = f"{rows[-1]} {word}".strip()
    return [[(row, ink)] for row in rows]
