"""Dots of a plot: each dot column is one whole number, so a steep line costs one operation.

Between two points a dot column is filled from one height to another, and as bits of a number that
is a shift and an or, however steep the curve.
"""

from collections.abc import Iterable, Iterator
from math import floor

from msgspec import Struct

Place = tuple[int, int | None]
"""A dot column, and a height that may lie outside the canvas; None where a value is missing."""

Cell = tuple[int, int]
"""Column and row, counted from the bottom left."""


class Shape(Struct, frozen=True):
    """Dots in a cell, and a character for each pattern: the left column's bits are the low ones."""

    across: int
    up: int
    glyphs: str


def _braille(pattern: int) -> str:
    """Its dots are numbered down the left column, down the right one, and then the lowest two."""
    places = (6, 2, 1, 0, 7, 5, 4, 3)
    return chr(0x2800 + sum(1 << place for bit, place in enumerate(places) if pattern >> bit & 1))


BRAILLE = Shape(2, 4, "".join(map(_braille, range(256))))
HALVES = Shape(1, 2, " ▄▀█")
"""For terminals without braille, as the Linux console."""


class Dots:
    """The dots of one ink on a canvas of `width` x `height` dots."""

    def __init__(self, width: int, height: int) -> None:
        self.height = height
        self.columns = [0] * width

    def line(self, points: Iterable[Place], dotted: bool = False) -> None:
        """Join the points left to right over known neighbours; dotted: every other two dots."""
        drawn = Dots(len(self.columns), self.height) if dotted else self
        before: Place = (0, None)
        for point in points:
            x, y = point
            if y is not None:
                if before[1] is not None:
                    drawn._join(before[0], before[1], x, y)
                else:
                    drawn.columns[x] |= drawn._upright(y, y)
            before = point
        if dotted:
            for x, bits in enumerate(drawn.columns):
                self.columns[x] |= _every_other(bits, x)

    def fill(self, edges: Iterable[tuple[int, int, int] | None]) -> None:
        """Fill between (column, low, high) and the next one; None is a gap."""
        before: tuple[int, int, int] | None = None
        for edge in edges:
            if edge is not None:
                x, low, high = edge
                since, one, other = before or edge
                for column in range(since, x + 1):
                    share = (column - since) / max(x - since, 1)
                    bottom = round(one + (low - one) * share)
                    self.columns[column] |= self._upright(
                        bottom, round(other + (high - other) * share)
                    )
            before = edge

    def _join(self, x: int, y: int, end: int, top: int) -> None:
        """Add the dots from (x, y) to (end, top), which does not lie left of it.

        A steep line fills each dot column from half way before it to half way behind it.
        """
        columns, upright = self.columns, self._upright
        if end <= x:
            columns[end] |= upright(y, top)
            return
        if end == x + 1:
            middle = (y + top + 1) // 2 if abs(top - y) > 1 else None
            columns[x] |= upright(y, y if middle is None else middle)
            columns[end] |= upright(top if middle is None else middle, top)
            return
        slope = (top - y) / (end - x)
        half = 0.5 if abs(slope) > 1 else 0.0
        for i in range(end - x + 1):
            since, until = max(i - half, 0), min(i + half, end - x)
            columns[x + i] |= upright(
                floor(y + slope * since + 0.5), floor(y + slope * until + 0.5)
            )

    def _upright(self, one: int, other: int) -> int:
        """The bits from one height to the other, both included, that lie on the canvas."""
        low, high = (one, other) if one < other else (other, one)
        if high < 0 or low >= self.height:
            return 0
        return (2 << (high if high < self.height else self.height - 1)) - (
            1 << (low if low > 0 else 0)
        )

    def cells(self, shape: Shape) -> Iterator[tuple[Cell, int]]:
        """The cells that have dots, and their patterns."""
        below = (1 << shape.up) - 1
        for x in range(0, len(self.columns), shape.across):
            left = self.columns[x]
            right = self.columns[x + 1] if shape.across > 1 else 0
            row = 0
            while left or right:
                pattern = (left & below) | ((right & below) << shape.up)
                if pattern:
                    yield (x // shape.across, row), pattern
                left, right, row = left >> shape.up, right >> shape.up, row + 1


def _every_other(bits: int, x: int) -> int:
    """Every other two dots: along the column where it is steep, else along the row."""
    if bits & (bits - 1):
        return bits & int("0011" * (bits.bit_length() // 4 + 1), 2)
    return bits if x % 4 < 2 else 0
