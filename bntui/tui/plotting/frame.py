"""The plotext adapter: axes, ticks and their labels; the only module that knows plotext.

Plotext 5.3's figure class is used without its global figure. It works in cells: scales are given
as columns and rows, so that a label stands exactly where the curves' own dots say. Curves are not
given to it point by point: 10 to 20 microseconds a cell, several frames' time for one.
"""

from functools import lru_cache

Places = tuple[tuple[int, str], ...]
"""Rows or columns of the canvas, counted from below or from the left, and their labels."""

Frame = tuple[str, ...]

BELOW = (-1, "")
"""A label outside the canvas: it keeps the gutter where there is no other."""


@lru_cache(256)
def frame(width: int, height: int, columns: tuple[int, ...], rows: Places, gutter: int) -> Frame:
    """`height` rows of `width` characters, top first: a canvas of blanks within its axes.

    The canvas begins right of `gutter` columns and the y axis; the last row is the x axis, with
    ticks at `columns`.
    """
    from plotext._figure import _figure_class  # noqa: PLC0415 (the first frame needs no plot)

    plot = _figure_class()
    plot.monitor.set_size([width, height + bool(columns)])
    plot.xaxes(True, False)
    plot.yaxes(True, False)
    plot.xlim(0, max(width - gutter - 2, 1))
    plot.ylim(*(0, height - 2) if height > 2 else (-0.5, 0.5))  # of one row
    rows = rows or (BELOW,)
    plot.xticks(list(columns), [""] * len(columns))
    plot.yticks([row for row, _ in rows], [text.rjust(gutter) for _, text in rows])
    plot.scatter([0], [0], marker=[" "])
    plot.monitor.build_plot()
    drawn = plot.monitor.matrix.marker[::-1]
    return tuple("".join(row) for row in drawn[:height])
