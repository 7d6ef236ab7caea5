"""The widget that shows a figure, and draws only the rows that changed."""

import os
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bntui.text import clean
from bntui.tui.plotting.dots import BRAILLE, HALVES, Shape
from bntui.tui.plotting.drawing import Cells, draw, step_at, step_beside
from bntui.tui.plotting.figure import Figure
from bntui.tui.themes import inked

ARM_SHAPES = ("■", "○", "◆", "□")
"""Each network's sign: before its name, and at every point of it that was measured."""


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
        self._ground = Style()
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
        if len(before) != len(self._cells):
            self.refresh()
            return
        rows = enumerate(zip(before, self._cells, strict=True))
        changed = [Region(0, y, self.size.width, 1) for y, (old, new) in rows if old != new]
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

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of `crop`, on one ground: the widget's, which takes long to find."""
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row of the figure."""
        row = self._cells[y] if y < len(self._cells) else []
        return inked(self, row, self._ground)
