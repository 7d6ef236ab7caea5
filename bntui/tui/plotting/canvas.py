"""The cells inside a panel's axes: a glyph and an ink each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bntui.tui.plotting.dots import BRAILLE, Cell, Dots, Shape
from bntui.tui.plotting.figure import Run

BLANK: Run = (" ", "")

SEVERAL = "⊗"
"""The glyph of a cell in which points of different glyphs were measured."""


class Canvas:
    """`columns` x `rows` cells; what is put later covers what was there before."""

    def __init__(self, columns: int, rows: int, shape: Shape) -> None:
        self.columns, self.rows, self.shape = columns, rows, shape
        self.width, self.height = columns * shape.across, rows * shape.up
        self.cells: dict[Cell, Run] = {}
        self._taken: set[Cell] = set()

    def dots(self) -> Dots:
        """Dots for one ink of this canvas."""
        return Dots(self.width, self.height)

    def row(self, row: int) -> list[Run]:
        """One row of cells, counted from the bottom."""
        return [self.cells.get((column, row), BLANK) for column in range(self.columns)]

    def put(self, drawn: Mapping[str, Dots]) -> None:
        """Add curves: in a cell that several share, dots are joined and inks blended."""
        patterns: dict[Cell, int] = defaultdict(int)
        inks: dict[Cell, list[str]] = {}
        for ink in sorted(drawn):
            for cell, pattern in drawn[ink].cells(self.shape):
                patterns[cell] |= pattern
                inks.setdefault(cell, []).append(ink)
        for cell, pattern in patterns.items():
            self.cells[cell] = self.shape.glyphs[pattern], "+".join(inks[cell])
        self._taken |= patterns.keys()

    def points(self, glyphs: Iterable[tuple[int, int, str, str]]) -> None:
        """Add measured points: dot column, height, glyph, ink."""
        shown: dict[Cell, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for x, y, glyph, ink in glyphs:
            if 0 <= y < self.height:
                marks, inks = shown[x // self.shape.across, y // self.shape.up]
                marks.add(glyph)
                inks.add(ink)
        for cell, (marks, inks) in shown.items():
            glyph = next(iter(marks)) if len(marks) == 1 else SEVERAL
            self.cells[cell] = glyph, "+".join(sorted(inks))
        self._taken |= shown.keys()

    def level(self, dot: int | None, ink: str, every: int) -> None:
        """A horizontal line at the exact height of `dot`, a piece in every `every` cells."""
        if dot is None or not 0 <= dot < self.height:
            return
        bit = 1 << dot % self.shape.up
        piece = self.shape.glyphs[bit | bit << self.shape.up] if self.shape is BRAILLE else "-"
        for column in range(0, self.columns, every):
            self.cells[column, dot // self.shape.up] = piece, ink

    def upright(self, dot: int, ink: str) -> None:
        """A vertical line in one dot column."""
        bits = (1 << self.shape.up) - 1 << self.shape.up * (dot % self.shape.across)
        piece = self.shape.glyphs[bits] if self.shape is BRAILLE else "│"
        for row in range(self.rows):
            self.cells[dot // self.shape.across, row] = piece, ink

    def write(self, column: int, row: int, text: str, ink: str) -> None:
        """Write over what is there."""
        for i, char in enumerate(text):
            if 0 <= column + i < self.columns:
                self.cells[column + i, row] = char, ink
                self._taken.add((column + i, row))

    def write_near(self, column: int, row: int, text: str, ink: str) -> None:
        """Write as near to `column` as no curve is in the way, else over curves."""
        starts = range(max(self.columns - len(text), 0) + 1)
        near = sorted(starts, key=lambda start: abs(start - column))
        free = (
            start
            for start in near
            if not any((start + i, row) in self._taken for i in range(len(text)))
        )
        self.write(next(free, near[0]), row, text, ink)
