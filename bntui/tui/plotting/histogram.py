"""A histogram in block characters: eight levels a row, the same scale on all that share a `top`.

Heights are square roots of densities (Tukey's rootogram): a saturated layer's two towers and a
healthy layer's gentle hill differ twentyfold, and both must be seen on the same axis.
"""

from dataclasses import dataclass
from math import sqrt

from textual.strip import Strip
from textual.widget import Widget

from bntui.tui.plotting.axes import number
from bntui.tui.themes import inked

BLOCKS = " ▁▂▃▄▅▆▇█"
LABELS = 4
"""Columns kept at the left for the numbers of the density axis."""


@dataclass(frozen=True)
class Histogram:
    """Densities of equal bins on [low, high], drawn on an axis from 0 to `top`."""

    title: str
    densities: tuple[float, ...]
    top: float
    ink: str
    low: float = -1.0
    high: float = 1.0


class Bars(Widget):
    """Shows one histogram: title, bars, axis."""

    DEFAULT_CSS = "Bars { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._histogram: Histogram | None = None

    def show(self, histogram: Histogram | None) -> None:
        """Draw `histogram` if it differs from what is shown."""
        if histogram != self._histogram:
            self._histogram = histogram
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row: the title, a slice of the bars, or the axis at the bottom."""
        width, height = self.size
        if self._histogram is None:
            text = "no data yet".center(width)[:width] if y == height // 2 else ""
            return inked(self, [(text, "axis")])
        if y == 0:
            return inked(self, [(self._histogram.title[:width], self._histogram.ink)])
        if y >= height - 1:
            return inked(self, [(_axis_row(self._histogram, width), "axis")])
        return inked(self, _bar_row(self._histogram, width, height - 2, y - 1))


def _bar_row(histogram: Histogram, width: int, rows: int, row: int) -> list[tuple[str, str]]:
    label = _label(histogram.top, rows, row)
    edge = "┤" if label else "│"
    bars = blocks(histogram.densities, histogram.top, width - LABELS, rows)[row]
    return [(label.rjust(LABELS - 1) + edge, "axis"), (bars, histogram.ink)]


def blocks(densities: tuple[float, ...], top: float, width: int, rows: int) -> list[str]:
    """The bars alone: `rows` lines of at most `width` columns, top line first."""
    levels = [_level(density, top, rows) for density in columns(densities, width)]
    floors = range(8 * (rows - 1), -8, -8)
    return ["".join(BLOCKS[min(max(x - floor, 0), 8)] for x in levels) for floor in floors]


def _label(top: float, rows: int, row: int) -> str:
    """The density at a row's upper edge, told at the top and half way up; 0 at the bottom."""
    if row == rows - 1:
        return "0"
    if row == 0:
        return f"{top:g}"
    return f"{top / 4:g}" if 2 * row == rows and rows > 3 else ""


def _level(density: float, top: float, rows: int) -> int:
    """Height in eighths of a row; what is there at all shows at least one eighth."""
    level = round(sqrt(density / top) * rows * 8) if top else 0
    return max(level, 1) if density > 0 else 0


def shares(counts: list[int]) -> tuple[float, ...]:
    """Counts as shares of their sum."""
    total = sum(counts)
    return tuple(max(count, 0) / total if total > 0 else 0.0 for count in counts)


def columns(densities: tuple[float, ...], width: int) -> list[float]:
    """One density a column: bins merged (their mean) or widened so that all columns are equal."""
    if not densities:
        return []
    count = len(densities)
    if width >= count:
        wide = width // count
        return [density for density in densities for _ in range(wide)]
    merge = next((m for m in range(1, count) if count % m == 0 and count // m <= width), count)
    merged = [sum(densities[i : i + merge]) / merge for i in range(0, count, merge)]
    return [density for density in merged for _ in range(max(width // len(merged), 1))]


def _axis_row(histogram: Histogram, width: int) -> str:
    """The range's ends and its middle under the bars' own."""
    bars = len(columns((0.0,) * 50, width - LABELS))
    low, high = histogram.low, histogram.high
    left, middle, right = (number(x) for x in (low, (low + high) / 2, high))
    marks = f"{left}{middle.center(bars)[len(left) : -len(right)]}{right}" if bars > 9 else ""
    return (" " * (LABELS - 1) + "└" + marks)[:width]
