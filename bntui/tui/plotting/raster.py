"""Points to the characters of a plot's cells: each dot column of a curve is one whole number.

A curve comes left to right, so between two points a dot column is filled from one height to
another; as bits of a number that is one operation, however steep the curve.
"""

from dataclasses import dataclass
from itertools import pairwise

Dot = tuple[int, int]
"""Column and height of a dot, counted from the bottom left."""

Layer = dict[tuple[int, int], str]
"""The cells that a curve touches: (column, row from the bottom) to a character."""


@dataclass(frozen=True)
class Shape:
    """Dots in a cell, and a character for each pattern: the left column's bits are the low ones."""

    across: int
    up: int
    glyphs: str

    def layer(self, columns: list[int]) -> Layer:
        """The cells of a drawing, given its dot columns."""
        layer: Layer = {}
        below = (1 << self.up) - 1
        for x in range(0, len(columns), self.across):
            left, right = columns[x], columns[x + self.across - 1] if self.across > 1 else 0
            row, rest = 0, left | right
            while rest:
                pattern = (left & below) | ((right & below) << self.up)
                if pattern:
                    layer[x // self.across, row] = self.glyphs[pattern]
                left, right, rest, row = left >> self.up, right >> self.up, rest >> self.up, row + 1
        return layer


def _braille(pattern: int) -> str:
    """Its dots are numbered down the left column, down the right one, and then the lowest two."""
    places = (6, 2, 1, 0, 7, 5, 4, 3)
    return chr(0x2800 + sum(1 << place for bit, place in enumerate(places) if pattern >> bit & 1))


BRAILLE = Shape(2, 4, "".join(map(_braille, range(256))))
BLOCKS = Shape(2, 2, " ▖▘▌▗▄▚▙▝▞▀▛▐▟▜█")
POINTS = Shape(1, 1, " ·")


def columns(runs: list[list[Dot]], count: int, joined: bool) -> list[int]:
    """`count` dot columns with the points of each run, and the lines between them if `joined`."""
    drawn = [0] * count
    for run in runs:
        for x, y in run:
            drawn[x] |= 1 << y
        if joined:
            for one, other in pairwise(run):
                _line(drawn, one, other)
    return drawn


def _line(drawn: list[int], one: Dot, other: Dot) -> None:
    """Add the dots between two points, the first not right of the second.

    A steep line fills each dot column from half way before it to half way behind it.
    """
    (x, y), (end, top) = one, other
    if x == end:
        drawn[x] |= _upright(y, top)
        return
    length, slope = end - x, (top - y) / (end - x)
    half = 0.5 if abs(slope) > 1 else 0.0
    for i in range(length + 1):
        since, until = max(i - half, 0), min(i + half, length)
        drawn[x + i] |= _upright(int(y + slope * since + 0.5), int(y + slope * until + 0.5))


def _upright(one: int, other: int) -> int:
    """The bits from one height to the other, both included."""
    low, high = (one, other) if one < other else (other, one)
    return (2 << high) - (1 << low)
