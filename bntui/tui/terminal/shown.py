"""What the terminal shows: of an update only the cells that differ from it are sent.

Textual sends a widget's row from its left edge on to the end of each span that was drawn again.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from time import monotonic

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.strip import Strip

Cell = tuple[str, Style | None]
"""A character and its style. Text with wide characters stands whole in its first cell, and none in
its others.
"""


TRUSTED = 5.0
"""Seconds for which a row is known: other programs write on the same terminal, too."""


class Shown:
    """The cells on the terminal, row by row, as far as they are known."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[float, list[Cell | None]]] = {}

    def row(self, y: int, width: int) -> list[Cell | None]:
        """The cells of a row; None where the terminal may show anything."""
        now = monotonic()
        known = self._rows.get(y)
        if known is None or now - known[0] > TRUSTED:
            known = self._rows[y] = now, [None] * width
        return known[1]

    def forget(self) -> None:
        """The terminal may show anything."""
        self._rows.clear()


class Difference(CompositorUpdate):
    """An update as the cells that differ from what is shown; once written, it is what is shown."""

    def __init__(self, update: CompositorUpdate, shown: Shown) -> None:
        self._update, self._shown = update, shown

    def render_segments(self, console: Console) -> str:
        """The text to write."""
        update = self._update
        if not isinstance(update, ChopsUpdate):
            self._shown.forget()
            return update.render_segments(console)
        return "".join(self._row(update, *span, console) for span in update.spans)

    def _row(self, update: ChopsUpdate, y: int, first: int, stop: int, console: Console) -> str:
        """The changed cells of a row's columns from `first` to before `stop`."""
        row = self._shown.row(y, update.chop_ends[y][-1])
        written: list[str] = []
        for x, cells in _pieces(update, y, first, stop):
            seen = [_blank(cell) if cell[0] == " " else cell for cell in cells]
            within = slice(x, x + len(cells))
            for begin, end in _changes(row[within], seen):
                column = x + begin + 1
                place = f"\x1b[{column}G" if written else f"\x1b[{y + 1};{column}H"
                written.append(place + _strip(cells[begin:end]).render(console))
            row[within] = seen
        return "".join(written)


def _pieces(update: ChopsUpdate, y: int, first: int, stop: int) -> Iterator[tuple[int, list[Cell]]]:
    """Of each widget in these columns of a row the first column, and its cells from there on."""
    for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
        if strip is not None and x < stop and first < end:
            begin, width = max(x, first), min(end, stop) - max(x, first)
            part = strip.crop(begin - x, begin - x + width).adjust_cell_length(width)
            yield begin, [cell for text, style, _ in part for cell in _cells(text, style)]


def _cells(text: str, style: Style | None) -> list[Cell]:
    if _is_narrow(text):
        return [(char, style) for char in text]
    return [(text, style), *[("", style)] * (cell_len(text) - 1)]


def _changes(before: list[Cell | None], now: list[Cell]) -> list[tuple[int, int]]:
    """Where cells differ, [begin, end); text with wide characters is never cut."""
    runs: list[tuple[int, int]] = []
    if before == now:
        return runs
    for x, (was, cell) in enumerate(zip(before, now, strict=True)):
        goes_on = bool(runs) and runs[-1][1] == x
        if was != cell or (goes_on and not cell[0]):
            runs[-1:] = [(runs[-1][0], x + 1)] if goes_on else [*runs[-1:], (x, x + 1)]
    return runs


def _blank(cell: Cell) -> Cell:
    """What a person sees of a blank: its ground."""
    return " ", _ground(cell[1]) if cell[1] else None


@lru_cache(1024)
def _ground(style: Style) -> Style:
    lined = style.reverse or style.underline or style.underline2 or style.strike or style.overline
    return style if lined else Style(bgcolor=style.bgcolor)


@lru_cache(4096)
def _is_narrow(text: str) -> bool:
    """Whether every character takes one column."""
    return text.isascii() or all(cell_len(char) == 1 for char in text)


def _strip(cells: list[Cell]) -> Strip:
    runs = groupby(cells, itemgetter(1))
    return Strip(Segment("".join(char for char, _ in run), style) for style, run in runs)
