"""Heat strips: a value over the steps as one row of cells, its height and colour by level."""

from collections.abc import Sequence
from math import isnan

from bntui.tui.plotting.figure import Run
from bntui.tui.plotting.sampling import Sampled
from bntui.tui.plotting.scale import Scale

LEVELS = "▁▂▃▄▅▆▇█"

MISSING = ("·", "axis")


def strip(
    taken: Sampled, x: Scale, width: int, levels: Sequence[float], inks: Sequence[str]
) -> list[Run]:
    """`width` cells: the value measured last at each, or a blank before the first.

    `levels` are the seven limits between the eight heights, `inks` their colours, lowest first.
    """
    cells: list[Run] = [(" ", "axis")] * width
    columns = x.dots(taken.x, width)
    for i, (column, value) in enumerate(zip(columns, taken.mean, strict=True)):
        following = columns[i + 1] if i + 1 < len(columns) else None
        if column is not None and 0 <= column < width:
            end = min(following, width) if following is not None else column + 1
            level = sum(value >= limit for limit in levels)
            cell = MISSING if isnan(value) else (LEVELS[level], inks[level])
            cells[column:end] = [cell] * (end - column)
    runs: list[Run] = []
    for char, ink in cells:
        if runs and runs[-1][1] == ink:
            runs[-1] = (runs[-1][0] + char, ink)
        else:
            runs.append((char, ink))
    return runs


def axis_text(x: Scale, width: int) -> str:
    """The ticks of `x` as one row of text: the last, the first, then what has room between."""
    row = [" "] * width
    ticks = x.ticks(max(width // 7, 2))
    for value, text in [*ticks[-1:], *ticks[:1], *ticks[1:-1]]:
        column = x.dot(value, width)
        if column is None or len(text) > width:
            continue
        start = min(max(column - len(text) // 2, 0), width - len(text))
        if not "".join(row[max(start - 1, 0) : start + len(text) + 1]).strip():
            row[start : start + len(text)] = text
    return "".join(row)
