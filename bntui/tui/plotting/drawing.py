"""Figures to cells: layout, and the layers of a panel from the ground up."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import isfinite
from typing import NamedTuple

from msgspec.structs import replace

from bntui.tui.plotting.bars import draw_bars
from bntui.tui.plotting.canvas import BLANK, Canvas
from bntui.tui.plotting.cursor import name_of, reading, shows
from bntui.tui.plotting.dots import BRAILLE, Cell, Dots, Place, Shape
from bntui.tui.plotting.figure import Band, Bars, Figure, Guide, Mark, Panel, Points, Run, Series
from bntui.tui.plotting.frame import Places, frame
from bntui.tui.plotting.scale import Scale, Tick

Row = list[Run]
"""Runs of one ink."""

Cells = list[Row]

NARROWEST = 12
"""Columns that whole labels leave the canvas at least; their first words alone, half of it."""

BETWEEN_MARKS = 3
"""Columns from a mark to the next; one that is closer to a later one is left out."""

ROOMY, CRAMPED = 7, 4
"""Rows of a panel under which the labels of its x axis are written into the axis, and under which
an axis without labels is left out.
"""

MISSING = "missing"

Curve = Series | Points


class _Box(NamedTuple):
    """A panel's place in the figure: the canvas, left of it the gutter, right of it the margin.

    In a narrow margin stand only the first words of labels; in one of more labels than rows
    `across` of them side by side.
    """

    panel: Panel
    height: int
    columns: int
    gutter: int
    margin: int
    across: int

    @property
    def rows(self) -> int:
        """Rows of the canvas."""
        return _rows(self.panel, self.height)

    def step(self, column: int, shape: Shape) -> int:
        """The step in the middle of a column of the canvas, or at its nearer end."""
        x, dots = self.panel.x, max(self.columns * shape.across - 1, 1)
        share = min(max((column * shape.across + (shape.across - 1) / 2) / dots, 0.0), 1.0)
        if column in {0, self.columns - 1}:
            share = round(share)
        place = x.low + share * (x.high - x.low)
        return round(10.0**place if x.log else place)


def draw(figure: Figure, width: int, height: int, shape: Shape = BRAILLE) -> Cells:
    """Draw `figure` into `height` rows of exactly `width` columns, top row first."""
    cells: Cells = []
    for boxes in _boxes(figure, width, height, shape):
        blocks = [_block(box, shape, figure.cursor) for box in boxes]
        for y in range(boxes[0].height):
            line = [cell for block in blocks for cell in [*block[y], BLANK]][:width]
            cells.append(_runs(line + [BLANK] * (width - len(line))))
    return cells + [[(" " * width, "axis")]] * (height - len(cells))


def step_at(figure: Figure, size: Cell, place: Cell, shape: Shape = BRAILLE) -> int | None:
    """The training step at `place`, a column and a row from the top, of the figure drawn in `size`.

    None where there is none.
    """
    x, y = place
    top = 0
    for boxes in _boxes(figure, *size, shape):
        left = 0
        for box in boxes:
            column = x - left - box.gutter - 1
            if top <= y < top + box.height and 0 <= column < box.columns and box.panel.x.steps:
                return box.step(column, shape)
            left += box.gutter + 1 + box.columns + box.margin + 1
        top += boxes[0].height
    return None


def step_beside(
    figure: Figure, size: Cell, step: int, by: int, shape: Shape = BRAILLE
) -> int | None:
    """The step `by` columns from `step`, and at least one step away, on the first panel over steps.

    None where there is no such panel.
    """
    every = (box for boxes in _boxes(figure, *size, shape) for box in boxes)
    box = next((box for box in every if box.panel.x.steps and box.columns > 0), None)
    if box is None:
        return None
    first, last = box.step(0, shape), box.step(box.columns - 1, shape)
    here = min(max(step, first), last)
    dot = box.panel.x.dot(here, box.columns * shape.across) or 0
    if by:
        beside = box.step(dot // shape.across + by, shape)
        here = max(beside, here + 1) if by > 0 else min(beside, here - 1)
    return min(max(here, first), last)


def _boxes(figure: Figure, width: int, height: int, shape: Shape) -> list[list[_Box]]:
    """Every panel's place; gutters and margins of panels below each other are equally wide."""
    figure_rows = [row for row in figure.rows if row]
    if not figure_rows:
        return []
    heights = _shares([max(panel.height for panel in row) for row in figure_rows], height)
    gutters: dict[int, int] = defaultdict(int)
    labels: dict[int, list[tuple[str, str]]] = defaultdict(list)
    wanted: dict[int, int] = defaultdict(lambda: 1)
    for row, high in zip(figure_rows, heights, strict=True):
        for i, panel in enumerate(row):
            texts = [text for _, text in _row_labels(panel, _rows(panel, high), shape)]
            gutters[i] = max([gutters[i], *map(len, texts)])
            curves = (layer for layer in panel.layers if isinstance(layer, Curve))
            named = [(curve.label, name_of(curve)) for curve in curves if curve.label]
            labels[i] += named
            wanted[i] = max(wanted[i], -(-len(named) // max(_rows(panel, high), 1)))
    boxes: list[list[_Box]] = []
    for row, high in zip(figure_rows, heights, strict=True):
        widths = _shares([panel.width for panel in row], max(width - len(row) + 1, 0))
        line: list[_Box] = []
        for i, (panel, wide) in enumerate(zip(row, widths, strict=True)):
            inner = wide - gutters[i] - 1
            margin, across = _margin(labels[i], inner, wanted[i])
            line.append(_Box(panel, high, inner - margin, gutters[i], margin, across))
        boxes.append(line)
    return boxes


def _margin(labels: list[tuple[str, str]], inner: int, wanted: int) -> tuple[int, int]:
    """Columns for labels and how many stand in a row: `wanted` whole ones where there is room.

    Else so many curves' names, else fewer labels, else their first words, else none.
    """
    if not labels:
        return 0, 1
    whole, names = zip(*labels, strict=True)
    words = list(map(_first_word, whole))
    tries = [(whole, NARROWEST, wanted), (names, NARROWEST, wanted), (whole, NARROWEST, 1)]
    for texts, least, across in (*tries, (words, NARROWEST // 2, 1)):
        margin = across * (max(map(len, texts)) + 1)
        if inner - margin >= least:
            return margin, across
    return 0, 1


def _first_word(label: str) -> str:
    return label.partition(" ")[0]


def _shares(weights: Sequence[float], total: int) -> list[int]:
    """Whole parts of `total` by weight."""
    whole = sum(weights)
    ends = [round(total * end / whole) for end in accumulate(weights, initial=0.0)]
    return [b - a for a, b in pairwise(ends)]


def _rows(panel: Panel, height: int) -> int:
    """Rows of a panel's canvas: a title, the axis and its labels take one each where they stand."""
    axis = panel.x_labels or height >= CRAMPED
    return height - bool(panel.title) - axis - (panel.x_labels and height >= ROOMY)


def _block(box: _Box, shape: Shape, cursor: int | None) -> list[list[Run]]:
    """One panel as rows of single cells."""
    panel, columns, rows = box.panel, box.columns, box.rows
    width = box.gutter + 1 + columns + box.margin
    title = [_cells(panel.title, width)] if panel.title else []
    if columns < 1 or rows < 1:
        return [*title, *[[BLANK] * max(width, 0)] * box.height][: box.height]
    if cursor is not None and not shows(panel, cursor):
        cursor = None
    canvas = Canvas(columns, rows, shape)
    curves = _placed(canvas, panel)
    _draw_layers(canvas, panel, curves, cursor)
    places = _column_labels(panel, columns, shape, cursor) if panel.x_labels else ()
    below = bool(places) and box.height >= ROOMY
    framed = frame(
        width - box.margin,
        rows + 1,
        tuple(column for column, _ in places) if below else (),
        tuple(_row_labels(panel, rows, shape)),
        box.gutter,
    )
    body = [[(char, "axis") for char in row] for row in framed]
    if below:
        body.append([BLANK] * (width - box.margin))
    for column, text in places:
        start = box.gutter + 1 + _start(column, text, columns)
        ink = "axis" if cursor is None or text != f"{cursor:,}" else "outline"
        body[-1][start : start + len(text)] = [(char, ink) for char in text]
    if cursor is not None:
        curves = [_at_cursor(placed, panel, cursor) for placed in curves]
    for y, end in enumerate(_end_labels(canvas, curves, box.margin, box.across)):
        body[y][box.gutter + 1 :] = [*canvas.row(rows - 1 - y), *end]
    axis = [[*row, *[BLANK] * box.margin] for row in body[rows:]]
    return [*title, *body[:rows], *axis][: box.height]


def _at_cursor(placed: "_Placed", panel: Panel, step: int) -> "_Placed":
    """The curve with its value at the cursor as label, as far as the old label's room goes."""
    curve = placed.curve
    name, value = name_of(curve), reading(curve, step, panel)
    is_number = " " not in curve.label and not curve.label.startswith(name)
    text = value if is_number else f"{name} {value}"
    if len(text) > len(curve.label) or curve.label == name:
        text = "" if is_number else name
    return placed._replace(curve=replace(curve, label=text)) if curve.label else placed


def _cells(runs: Iterable[Run], width: int) -> list[Run]:
    cells = [(char, ink) for text, ink in runs for char in text]
    return (cells + [BLANK] * width)[:width]


def _row_labels(panel: Panel, rows: int, shape: Shape) -> list[tuple[int, str]]:
    """Rows from the bottom and the texts at the y axis; guides come before ticks."""
    if rows < 1:
        return []
    guides = [(g.y, g.label) for g in panel.layers if isinstance(g, Guide) and g.label]
    labels: dict[int, str] = {}
    for value, text in [*guides, *_y_ticks(panel, rows)]:
        dot = panel.y.dot(value, rows * shape.up)
        if dot is not None:
            labels.setdefault(dot // shape.up, text)
    return sorted(labels.items())


def _y_ticks(panel: Panel, rows: int) -> list[Tick]:
    """On a log scale 1, 2 and 5 have a row each where there are enough."""
    return panel.y.ticks(max(rows * 2 // 3 if panel.y.log else (rows + 1) // 2, min(rows, 2)))


def _column_labels(panel: Panel, columns: int, shape: Shape, cursor: int | None) -> Places:
    """Columns and texts at the x axis: the cursor, the last, the first, then what has room."""
    dots = columns * shape.across
    marked = [] if cursor is None else [(float(max(cursor, 1)), f"{cursor:,}")]
    fit = 4 if panel.x.log and panel.x.steps else 7  # decades are short; what overlaps is left out
    *between, last = panel.x.ticks(max(columns // fit, 2)) or [(0.0, "")]
    kept: list[tuple[int, str]] = []
    for value, text in [*marked, last, *between]:
        dot = panel.x.dot(value, dots)
        if dot is None:
            continue
        column = dot // shape.across
        start = _start(column, text, columns)
        spans = [(_start(x, other, columns), len(other)) for x, other in kept]
        if start >= 0 and all(start + len(text) < a or a + n < start for a, n in spans):
            kept.append((column, text))
    return tuple(sorted(kept))


def _start(column: int, text: str, columns: int) -> int:
    """Where a label around `column` begins, so that it ends inside."""
    return min(max(column - len(text) // 2, 0), columns - len(text))


class _Placed(NamedTuple):
    """A curve and where its points stand on a canvas; those beside the canvas are left out."""

    curve: Curve
    places: list[Place]


def _placed(canvas: Canvas, panel: Panel) -> list[_Placed]:
    curves = [layer for layer in panel.layers if isinstance(layer, Curve)]
    return [_Placed(curve, _places(canvas, panel, curve.x, curve.y)) for curve in curves]


def _places(canvas: Canvas, panel: Panel, xs: Sequence[float], ys: Sequence[float]) -> list[Place]:
    width = canvas.width
    columns, heights = panel.x.dots(xs, width), panel.y.dots(ys, canvas.height)
    return [
        (x, y) for x, y in zip(columns, heights, strict=True) if x is not None and 0 <= x < width
    ]


def _draw_layers(canvas: Canvas, panel: Panel, curves: list[_Placed], cursor: int | None) -> None:
    """Grid or bars, guides, marks, bands, cursor, curves; then words where they hide least."""
    bars = [layer for layer in panel.layers if isinstance(layer, Bars)]
    for each in bars:
        draw_bars(canvas, each, panel.y)
    if not bars:
        for value, _ in _y_ticks(panel, canvas.rows):
            canvas.level(panel.y.dot(value, canvas.height), "grid", 4)
    for layer in panel.layers:
        if isinstance(layer, Guide):
            canvas.level(panel.y.dot(layer.y, canvas.height), "axis", 2)
    marks = _apart([m for m in panel.layers if isinstance(m, Mark)], panel.x, canvas)
    for dot in marks:
        canvas.upright(dot, "event")
    _draw_bands(canvas, panel)
    if cursor is not None:
        at = panel.x.dot(max(cursor, 1), canvas.width)
        canvas.upright(at or 0, "outline")
    _draw_curves(canvas, curves)
    _label_marks(canvas, marks)
    _mark_missing(canvas, curves)
    _count_clipped(canvas, curves)


def _draw_bands(canvas: Canvas, panel: Panel) -> None:
    dots: dict[str, Dots] = {}
    for band in panel.layers:
        if isinstance(band, Band):
            low = _places(canvas, panel, band.x, band.low)
            high = _places(canvas, panel, band.x, band.high)
            dots.setdefault(band.ink, canvas.dots()).fill(
                None if bottom is None or top is None else (x, bottom, top)
                for (x, bottom), (_, top) in zip(low, high, strict=True)
            )
    canvas.put(dots)


def _draw_curves(canvas: Canvas, curves: list[_Placed]) -> None:
    """The dim joins of measured points, then curves, then the points themselves."""
    joins: dict[str, Dots] = {}
    lines: dict[str, Dots] = {}
    glyphs: list[tuple[int, int, str, str]] = []
    for curve, places in curves:
        if isinstance(curve, Series):
            lines.setdefault(curve.ink, canvas.dots()).line(places, curve.dotted)
        else:
            joins.setdefault(f"{curve.ink}-join", canvas.dots()).line(places)
            glyphs += [(x, y, curve.glyph, curve.ink) for x, y in places if y is not None]
    canvas.put(joins)
    canvas.put(lines)
    canvas.points(glyphs)


def _apart(marks: list[Mark], x: Scale, canvas: Canvas) -> dict[int, str]:
    """The marks that are not too close to a later one, the last first: dot column to text."""
    kept: dict[int, str] = {}
    for _, mark in sorted(enumerate(marks), key=lambda one: (one[1].x, one[0]), reverse=True):
        dot = x.dot(mark.x, canvas.width)
        near = BETWEEN_MARKS * canvas.shape.across
        if dot is not None and 0 <= dot < canvas.width and all(k - dot >= near for k in kept):
            kept[dot] = mark.text
    return kept


def _label_marks(canvas: Canvas, marks: dict[int, str]) -> None:
    """Write texts into the top row, beside their marks; one that has no room is left out."""
    right = canvas.columns
    for dot, text in marks.items():
        column = dot // canvas.shape.across
        after, before = column + 1, column - len(text)
        start = after if after + len(text) <= right else before
        if text and start >= 0 and start + len(text) <= right:
            canvas.write(start, canvas.rows - 1, text, "event")
            right = start - 1
        right = min(right, column)


def _mark_missing(canvas: Canvas, curves: list[_Placed]) -> None:
    """Shade the foot of the canvas where values are missing, and name it once."""
    inks: dict[int, set[str]] = defaultdict(set)
    for curve, places in curves:
        for x, y in places:
            if y is None:
                inks[x // canvas.shape.across].add(curve.ink)
    for column, of in inks.items():
        canvas.write(column, 0, "▒", "+".join(sorted(of)))
    if inks:
        ink = "+".join(sorted(set().union(*inks.values())))
        canvas.write_near(max(inks) + 1, 0, MISSING, ink)


def _count_clipped(canvas: Canvas, curves: list[_Placed]) -> None:
    """At the edges, how many values lie outside, beside the first of them."""
    below: list[tuple[int, str]] = []
    above: list[tuple[int, str]] = []
    for curve, places in curves:
        for x, y in places:
            if y is not None and not 0 <= y < canvas.height:
                (below if y < 0 else above).append((x, curve.ink))
    for row, sign, found in ((0, "▼", below), (canvas.rows - 1, "▲", above)):
        if found:
            ink = "+".join(sorted({ink for _, ink in found}))
            column = min(x for x, _ in found) // canvas.shape.across
            canvas.write_near(column, row, f"{sign}{len(found):,}", ink)


def _end_labels(canvas: Canvas, curves: list[_Placed], margin: int, across: int) -> list[list[Run]]:
    """What stands right of each row of the canvas, top first: `margin` cells.

    Where there are more labels than rows, `across` share one. Curves whose labels have no place are
    counted in the last one.
    """
    rows = [[BLANK] * margin for _ in range(canvas.rows)]
    ends: list[tuple[int, float, str, str, str]] = []
    for curve, places in curves if margin else ():
        known = [y for _, y in places if y is not None]
        if known and curve.label:
            dot = min(max(known[-1], 0), canvas.height - 1)
            last = next(y for y in reversed(curve.y) if isfinite(y))
            ends.append((-dot, -last, curve.label, name_of(curve), curve.ink))
    ends.sort()
    if len(ends) <= canvas.rows:
        across = 1
    room = canvas.rows * across
    if (more := len(ends) - room) > 0:
        ends[room - 1 :] = [(*ends[room - 1][:2], note := f"+{more + 1} …", note, "axis")]
    lines = [ends[i : i + across] for i in range(0, len(ends), across)]
    wanted = [canvas.rows - 1 - -line[0][0] // canvas.shape.up for line in lines]
    wide = margin // across
    for row, line in zip(spread(wanted, canvas.rows), lines, strict=False):
        for i, (*_, label, name, ink) in enumerate(line):
            fitting = (text for text in (label, name) if len(text) < wide)
            text = next(fitting, _first_word(label))
            start = 1 + i * wide
            rows[row][start : start + len(text)] = [(char, ink) for char in text]
    return rows


def spread(wanted: Sequence[int], rows: int) -> list[int]:
    """A row of its own for each, as near as can be to the ascending `wanted` rows.

    Neighbours that collide are moved apart evenly; of more than `rows` the first are placed.
    """
    groups: list[tuple[float, int]] = []
    for row in wanted[:rows]:
        first, count = float(row), 1
        while groups and groups[-1][0] + groups[-1][1] > first:
            above, more = groups.pop()
            first = (above * more + (first - more) * count) / (count + more)
            count += more
        groups.append((min(max(first, 0.0), rows - count), count))
    places: list[int] = []
    for first, count in groups:
        start = max(round(first), places[-1] + 1 if places else 0)
        places += range(start, start + count)
    over = max((place - (rows - len(places) + i) for i, place in enumerate(places)), default=0)
    if over > 0:
        limit = [rows - len(places) + i for i in range(len(places))]
        places = [min(place, most) for place, most in zip(places, limit, strict=True)]
    return places


def _runs(cells: Iterable[Run]) -> Row:
    """Neighbours of one ink joined, so that a row costs few colour codes; blanks need no ink."""
    runs: list[tuple[list[str], str]] = []
    for char, ink in cells:
        plain = char == " " and " on " not in ink
        if runs and (runs[-1][1] == ink or (plain and " on " not in runs[-1][1])):
            runs[-1][0].append(char)
        else:
            runs.append(([char], "axis" if plain else ink))
    return [("".join(chars), ink) for chars, ink in runs]
