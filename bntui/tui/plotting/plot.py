"""The widget that shows a figure, and sends only the cells that changed."""

import os
from typing import ClassVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bntui.text import clean
from bntui.tui.plotting.dots import BRAILLE, HALVES, Shape
from bntui.tui.plotting.drawing import Cells, Row, draw, step_at, step_beside
from bntui.tui.plotting.figure import Figure
from bntui.tui.themes import inked

ARM_SHAPES = ("■", "○", "◆", "□")
"""Each network's sign: before its name, and at every point of it that was measured."""

JUMP = 6
"""Equal cells that are sent again between two that changed: a jump of the cursor costs as much."""


class Plot(Widget):
    """Shows a figure, or a sentence while there is none."""

    DEFAULT_CSS = "Plot { width: 1fr; height: 1fr; }"

    shape: ClassVar[Shape] = HALVES if os.environ.get("TERM") == "linux" else BRAILLE
    """The Linux console's font has no braille."""

    class Pointed(Message):
        """The mouse chose a step for the value cursor."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, empty: str = "no data yet", *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._empty = empty
        self._figure: Figure | None = None
        self._cells: Cells = []
        self._is_dragged = False

    def show(self, figure: Figure | None) -> None:
        """Draw `figure` (None: the sentence instead) if it differs from what is shown."""
        if figure != self._figure:
            self._figure = figure
            self._redraw()

    def on_resize(self) -> None:
        """Draw again at the new size."""
        self._redraw()

    def _redraw(self) -> None:
        before, self._cells = self._cells, self._draw()
        if list(map(_width, before)) != list(map(_width, self._cells)):
            self.refresh()
            return
        rows = enumerate(zip(before, self._cells, strict=True))
        changed = [span for y, (old, new) in rows if old != new for span in _changes(y, old, new)]
        if changed:
            self.refresh(*changed)

    def _draw(self) -> Cells:
        width, height = self.size
        words = self._empty
        if self._figure is not None:
            try:
                return draw(self._figure, width, height, self.shape)
            except Exception as error:
                words = clean(f"this cannot be drawn ({type(error).__name__}: {error})", limit=200)
        blank: Cells = [[(" " * width, "axis")] for _ in range(height)]
        if height:
            blank[height // 2] = [(words.center(width)[:width], "axis")]
        return blank

    def step_beside(self, step: int, by: int) -> int | None:
        """The step `by` columns from `step`; None where the figure is not over steps."""
        if self._figure is None:
            return None
        return step_beside(self._figure, self.size, step, by, self.shape)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Point at a step, and follow the mouse while its button is down."""
        self._is_dragged = True
        self.capture_mouse()
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point while dragging."""
        if self._is_dragged:
            self._point(event)

    def on_mouse_up(self) -> None:
        """Stop dragging."""
        self._is_dragged = False
        self.release_mouse()

    def _point(self, event: events.MouseEvent) -> None:
        if self._figure is not None:
            step = step_at(self._figure, self.size, (event.x, event.y), self.shape)
            if step is not None:
                self.post_message(self.Pointed(step))

    def render_line(self, y: int) -> Strip:
        """One row of the figure."""
        return inked(self, self._cells[y] if y < len(self._cells) else [])


def _width(row: Row) -> int:
    return sum(len(text) for text, _ in row)


def _changes(y: int, old: Row, new: Row) -> list[Region]:
    """The spans of a row that differ; over a few equal cells going on costs less than a jump."""
    spans: list[Region] = []
    for x, (before, now) in enumerate(zip(_cells(old), _cells(new), strict=True)):
        if before == now:
            continue
        if spans and x - spans[-1].right <= JUMP:
            spans[-1] = Region(spans[-1].x, y, x + 1 - spans[-1].x, 1)
        else:
            spans.append(Region(x, y, 1, 1))
    return spans


def _cells(row: Row) -> list[tuple[str, str]]:
    """Every character with its ink; a blank has none, unless it has a ground."""
    return [
        (char, "" if char == " " and " on " not in ink else ink)
        for text, ink in row
        for char in text
    ]
