"""Histograms: filled blocks for what is now, a braille outline for what was at the start."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from bntui.tui.plotting.canvas import BLANK, Canvas
from bntui.tui.plotting.dots import BRAILLE, Shape
from bntui.tui.plotting.figure import Bars, Run
from bntui.tui.plotting.scale import Scale, number

EIGHTHS = " ▁▂▃▄▅▆▇█"
HALVES = " ▄█"


def column_bins(count: int, width: int) -> list[tuple[int, int]]:
    """The bins [first, stop) under each of `width` columns.

    With more columns than bins each shows one bin. With fewer, the outermost bins keep a column
    of their own, as they are what saturates, and those between are merged.
    """
    if width >= count:
        return [(i, i + 1) for i in (int((c + 0.5) * count / width) for c in range(width))]
    if width < 3:
        return [(c * count // width, (c + 1) * count // width) for c in range(width)]
    edges = [1 + i * (count - 2) // (width - 2) for i in range(width - 1)]
    return [(0, 1), *pairwise(edges), (count - 1, count)]


def in_columns(densities: Sequence[float], width: int) -> list[float]:
    """The mean density under each column."""
    return [sum(densities[a:b]) / (b - a) for a, b in column_bins(len(densities), width) if b > a]


def shares(counts: Sequence[int]) -> list[float]:
    """Counts as shares of their sum."""
    total = sum(counts)
    return [max(count, 0) / total if total > 0 else 0.0 for count in counts]


def robust_top(heights: Iterable[Sequence[float]]) -> float:
    """A height that 95 % of all columns stay under; the highest where most are 0."""
    every = sorted(height for each in heights for height in each)
    return (1.1 * every[int(0.95 * (len(every) - 1))] or every[-1]) if every else 0.0


def text_bars(heights: Sequence[float], top: float, rows: int) -> list[str]:
    """Bars as `rows` lines of text, top line first; ▲ on a column that is higher than `top`."""
    scale = Scale(0.0, top if top > 0 else 1.0)
    levels = [_level(height, scale, 8 * rows) for height in heights]
    floors = range(8 * (rows - 1), -8, -8)
    lines = [[EIGHTHS[min(max(level - floor, 0), 8)] for level in levels] for floor in floors]
    for i, height in enumerate(heights):
        if height > scale.high * (1 + 1e-9):
            lines[0][i] = "▲"
    return ["".join(line) for line in lines]


def draw_bars(canvas: Canvas, bars: Bars, y: Scale) -> None:
    """Fill each column to its density, then put the outline over it and name what is cut."""
    if not bars.densities:
        return
    blocks = EIGHTHS if canvas.shape is BRAILLE else HALVES
    steps = len(blocks) - 1
    heights = in_columns(bars.densities, canvas.columns)
    bins = column_bins(len(bars.densities), canvas.columns)
    first, last = bars.saturated[0], len(bars.densities) - bars.saturated[1]
    inks = ["bad" if b <= first or a >= last else bars.ink for a, b in bins]
    for column, (density, ink) in enumerate(zip(heights, inks, strict=True)):
        level = _level(density, y, canvas.rows * steps)
        for row in range(-(-level // steps)):
            block = blocks[min(level - row * steps, steps)]
            canvas.cells[column, row] = block, ink
    if bars.outline:
        _draw_outline(canvas, bars, y)
    _label_cut(canvas, heights, inks, y)


def _level(density: float, y: Scale, most: int) -> int:
    """A height in parts of a cell; what is there at all shows at least one."""
    if not density > 0:
        return 0
    if density >= y.high:
        return most
    return max(round((density - y.low) / (y.high - y.low) * most), 1)


def _draw_outline(canvas: Canvas, bars: Bars, y: Scale) -> None:
    """A stepped line, two dots a column."""
    dots = canvas.dots()
    outline = in_columns(bars.outline, canvas.columns)
    across = canvas.shape.across
    dots.line(
        (column * across + i, max(_level(density, y, canvas.height) - 1, 0))
        for column, density in enumerate(outline)
        for i in range(across)
    )
    for cell, pattern in dots.cells(canvas.shape):
        block, ink = canvas.cells.get(cell, BLANK)
        canvas.cells[cell] = _over(block, ink, pattern, canvas.shape)


def _over(block: str, ink: str, pattern: int, shape: Shape) -> Run:
    """Outline dots over a bar's cell, on its ink where the bar fills the cell.

    Where it fills a part of the cell both are drawn as dots in a blend: a ground has no height.
    An outline that is there no more than a dot away from the bar's top is that top.
    """
    if block == " ":
        return shape.glyphs[pattern], "outline"
    if block == "█":
        return shape.glyphs[pattern], f"outline on {ink}"
    rows = max(round((EIGHTHS.index(block) if block in EIGHTHS else 4) / 8 * shape.up), 1)
    top = 1 << rows - 1
    near = (top | top << 1 | top >> 1) & (1 << shape.up) - 1
    if not pattern & ~(near | near << shape.up if shape.across > 1 else near):
        return block, ink
    below = (1 << rows) - 1
    filled = below | below << shape.up if shape.across > 1 else below
    return shape.glyphs[pattern | filled], "+".join(sorted(["outline", ink]))


def _label_cut(canvas: Canvas, heights: list[float], inks: list[str], y: Scale) -> None:
    """The density of each tower that is cut, beside its top; neighbours share the highest."""
    cut = [column for column, density in enumerate(heights) if density > y.high * (1 + 1e-9)]
    towers: list[list[int]] = []
    for column in cut:
        if towers and column == towers[-1][-1] + 1:
            towers[-1].append(column)
        else:
            towers.append([column])
    for tower in towers:
        highest = max(tower, key=lambda column: heights[column])
        text = f"▲{number(heights[highest], 1)}"
        left = tower[0] - len(text)
        start = tower[-1] + 1 if tower[-1] + 1 + len(text) <= canvas.columns else max(left, 0)
        canvas.write(start, canvas.rows - 1, text, inks[highest])
