"""Curves in a terminal: the only file that touches plotext.

A `Figure` says what to draw; plotext turns it into cells; the widget keeps the cells and redraws
only the rows that changed. Plotext 5.3's figure class is used without its global figure: one fresh
figure a drawing, so nothing is shared between panes.

Curves are given to plotext as cells, not as points, as it takes some 20 microseconds a dot.
Measured, a 60 x 17 loss figure: 5.3 by points 31 ms, by cells 4 ms; 6.1 (C++) by points 16 ms, and
it imports in 110 ms (5.3: 34), has one global figure, and gives its cells only as ANSI text.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from bntui.tui.plotting.axes import Axis
from bntui.tui.plotting.raster import BLOCKS, BRAILLE, POINTS, Layer, Shape, columns
from bntui.tui.themes import inked

INKS = (
    *("axis", "mark", "train", "eval", "train-faint", "eval-faint"),
    *("arm-0", "arm-1", "arm-2", "arm-3"),
    *("arm-0-faint", "arm-1-faint", "arm-2-faint", "arm-3-faint"),
    *("unit-0", "unit-1", "unit-2", "unit-3", "unit-4"),
    *("unit-0-faint", "unit-1-faint", "unit-2-faint", "unit-3-faint", "unit-4-faint"),
)
"""The colours a series may have; the theme says what they look like."""

THIN, THICK, DOTS = "braille", "blocks", "points"
"""Shapes that differ without colour: fine dots, solid blocks, single points."""

ARM_SHAPES = ("▞", "⠒", "×", "+")
"""How each arm's curve looks without colour, as a legend shows it."""

ARM_STROKES = (THICK, THIN, "×", "+")
"""The same, as a plot draws it."""

SHAPES: dict[str, Shape] = {THIN: BRAILLE, THICK: BLOCKS, DOTS: POINTS}
"""Any other shape is a character, drawn as it is."""

BETWEEN_MARKS = 3
"""Columns from a mark to the next; one that is closer to a later one is left out."""

LABEL_WIDTH = 7
"""Columns kept for the numbers on a y axis and its label: a plot's edge never moves."""

Cell = tuple[str, object]
"""A character and plotext's colour of it: a place in `INKS`, or the name of no colour."""

TURN = 4
"""Columns of a turn; a change of colour costs some 25 bytes on the wire, a column three."""

JUMP = 6
"""Equal cells that are sent again between two that changed: a jump of the cursor costs as much."""

Row = list[tuple[str, str]]
"""Runs of one ink: (text, ink)."""

Cells = list[Row]


@dataclass(frozen=True)
class Series:
    """Points in data coordinates, joined by a line unless `joined` is false."""

    x: list[float]
    y: list[float]
    ink: str
    shape: str = THIN
    joined: bool = True


@dataclass(frozen=True)
class Figure:
    """One plot: later series are drawn over earlier ones.

    `marks` are upright lines at x, in order; `labels` their words, for all of them or for none.
    """

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()


def cells(figure: Figure, width: int, height: int) -> Cells:
    """Draw `figure` into `height` rows of exactly `width` columns, top row first."""
    plot = _new_plotext_figure()
    plot.monitor.set_size([width, height])
    _set_axes(plot, figure)
    room = _room(figure, width, height)
    marks = _apart(figure, room[0])
    for x, _ in marks.values():
        plot.vline(x, color=INKS.index("mark"))
    _add_curves(plot, figure, *room)
    plot.monitor.build_plot()
    matrix = plot.monitor.matrix
    _label_axes(matrix, figure)
    _label_marks(matrix, marks, width - room[0], width)
    rows = zip(matrix.marker, matrix.fullground, strict=True)
    return [_runs(list(zip(*row, strict=True))) for row in rows][::-1]


def _room(figure: Figure, width: int, height: int) -> tuple[int, int]:
    """Columns and rows that the axes leave for the curves."""
    numbers = max((len(text) for text in _ticks(figure.y, LABEL_WIDTH)[1]), default=0)
    return width - numbers - 1, height - 1 - bool(figure.x.ticks)


def _add_curves(plot: Any, figure: Figure, width: int, height: int) -> None:
    """Give plotext every cell that a curve touches, once: a marker and a colour."""
    merged = _merged(figure, width, height)
    x, y = figure.x, figure.y
    plot.scatter(
        [x.low + (x.high - x.low) * column / max(width - 1, 1) for column, _ in merged],
        [y.low + (y.high - y.low) * row / max(height - 1, 1) for _, row in merged],
        marker=[glyph for glyph, _ in merged.values()],
        color=[INKS.index(ink) for _, ink in merged.values()],
    )


def _merged(figure: Figure, width: int, height: int) -> dict[tuple[int, int], tuple[str, str]]:
    """All curves in one picture; a cell has one character and one ink.

    Where curves share cells they take turns, so none hides another: in every other few columns
    their order is reversed. Faint curves are the ground below.
    """
    layers = [(_layer(one, figure, width, height), one.ink) for one in figure.series]
    ground = [(layer, ink) for layer, ink in layers if ink.endswith("-faint")]
    curves = [(layer, ink) for layer, ink in layers if not ink.endswith("-faint")]
    merged = {cell: (glyph, ink) for layer, ink in ground for cell, glyph in layer.items()}
    for turn, order in enumerate((curves, curves[::-1])):
        for layer, ink in order:
            for cell, glyph in layer.items():
                if cell[0] // TURN % 2 == turn:
                    merged[cell] = (glyph, ink)
    return merged


def _layer(series: Series, figure: Figure, width: int, height: int) -> Layer:
    """The cells of one curve; a gap in the data is a gap in the line."""
    shape = SHAPES.get(series.shape) or Shape(1, 1, f" {series.shape}")
    across, up = width * shape.across, height * shape.up
    xs, ys = figure.x.dots(series.x, across), figure.y.dots(series.y, up)
    runs = [
        [(x, y) for x, y in group if x is not None and y is not None]
        for known, group in groupby(zip(xs, ys, strict=True), key=lambda dot: None not in dot)
        if known
    ]
    return shape.layer(columns(runs, across, series.joined))


def _label_axes(matrix: Any, figure: Figure) -> None:
    """Write both labels into the column of the y axis's numbers, where they cost no row."""
    ink = INKS.index("axis")
    blank = [y for y in range(matrix.rows) if not "".join(matrix.marker[y][:LABEL_WIDTH]).strip()]
    if figure.x.label and blank:
        matrix.add_horizontal_string(0, 0, figure.x.label[:LABEL_WIDTH], ink)
    free = [y for y in reversed(blank) if y > 1]
    for y, word in zip(free, figure.y.label.split(), strict=False):
        matrix.add_horizontal_string(0, y, word[:LABEL_WIDTH], ink)


def _apart(figure: Figure, width: int) -> dict[int, tuple[float, str]]:
    """The marks that are not too close to a later one, the last first: column to x and label."""
    labels = figure.labels or ("",) * len(figure.marks)
    x, kept = figure.x, dict[int, tuple[float, str]]()
    for mark, label in reversed(list(zip(figure.marks, labels, strict=True))):
        column = round((mark - x.low) / (x.high - x.low) * (width - 1))
        if all(later - column >= BETWEEN_MARKS for later in kept):
            kept[column] = mark, label
    return kept


def _label_marks(matrix: Any, marks: dict[int, tuple[float, str]], left: int, right: int) -> None:
    """Write labels into the top row, beside their marks; one that has no room is left out."""
    for column, (_, label) in marks.items():
        after, before = left + column + 1, left + column - len(label)
        start = after if after + len(label) <= right else before
        if label and start >= left and start + len(label) <= right:
            matrix.add_horizontal_string(start, matrix.rows - 1, label, INKS.index("mark"))
            right = start - 1
        right = min(right, left + column)


def _new_plotext_figure() -> Any:
    """A figure of its own; imported here because the first frame needs no plot."""
    from plotext._figure import _figure_class  # noqa: PLC0415

    return _figure_class()


def _set_axes(plot: Any, figure: Figure) -> None:
    plot.canvas_color("default")
    plot.axes_color("default")
    plot.ticks_color(INKS.index("axis"))
    plot.xaxes(True, False)
    plot.yaxes(True, False)
    plot.xlim(figure.x.low, figure.x.high)
    plot.ylim(figure.y.low, figure.y.high)
    plot.xticks(*_ticks(figure.x))
    plot.yticks(*_ticks(figure.y, LABEL_WIDTH))


def _ticks(axis: Axis, width: int = 0) -> tuple[list[float], list[str]]:
    return [at for at, _ in axis.ticks], [text.rjust(width) for _, text in axis.ticks]


def _runs(row: list[Cell]) -> Row:
    """Neighbours of one ink joined, so that a row costs few colour codes; blanks need no ink."""
    runs: Row = []
    for marker, color in row:
        ink = INKS[color] if isinstance(color, int) else "axis"
        if runs and (marker == " " or runs[-1][1] == ink):
            runs[-1] = (runs[-1][0] + marker, runs[-1][1])
        else:
            runs.append((marker, ink))
    return runs


def _width(row: Row) -> int:
    return sum(len(text) for text, _ in row)


def _changes(y: int, old: Row, new: Row) -> list[Region]:
    """The spans of a row that differ; over a few equal cells going on costs less than a jump."""
    one, other = _inked(old), _inked(new)
    spans: list[Region] = []
    for x, (before, now) in enumerate(zip(one, other, strict=False)):
        if before == now:
            continue
        if spans and x - spans[-1].right <= JUMP:
            spans[-1] = Region(spans[-1].x, y, x + 1 - spans[-1].x, 1)
        else:
            spans.append(Region(x, y, 1, 1))
    return spans if len(one) == len(other) else [Region(0, y, max(len(one), len(other)), 1)]


def _inked(row: Row) -> list[tuple[str, str]]:
    """Every character with its ink; a blank has none."""
    return [(char, "" if char == " " else ink) for text, ink in row for char in text]


class Plot(Widget):
    """Shows a figure, or a sentence while there is none; resends only the rows that changed."""

    DEFAULT_CSS = "Plot { width: 1fr; height: 1fr; }"

    def __init__(self, empty: str = "no data yet", *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._empty = empty
        self._figure: Figure | None = None
        self._cells: Cells = []

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
        if [len(before), *map(_width, before[:1])] != [
            len(self._cells),
            *map(_width, self._cells[:1]),
        ]:
            self.refresh()
            return
        rows = enumerate(zip(before, self._cells, strict=True))
        changed = [span for y, (old, new) in rows if old != new for span in _changes(y, old, new)]
        if changed:
            self.refresh(*changed)

    def _draw(self) -> Cells:
        width, height = self.size
        if self._figure is not None and width > LABEL_WIDTH + 5 and height > 4:
            return cells(self._figure, width, height)
        blank: Cells = [[] for _ in range(height)]
        if height and self._figure is None:
            blank[height // 2] = [(self._empty.center(width)[:width], "axis")]
        return blank

    def render_line(self, y: int) -> Strip:
        """One row of the plot."""
        return inked(self, self._cells[y] if y < len(self._cells) else [])
