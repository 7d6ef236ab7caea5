"""The cells of a sweep: as a heat map over the varied settings, and as a sorted table."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bntui.sweep.plan import Plan, assignment
from bntui.sweep.report import Head, heads, row
from bntui.sweep.results import GLYPHS, CellResult, Verdict
from bntui.tui.themes import inked

INKS: dict[Verdict, str] = {
    "lower": "outline on arm-1-faint",
    "higher": "outline on arm-0-faint",
    "diverges less": "outline on arm-1-faint",
    "diverges more": "outline on arm-0-faint",
    "both diverge": "bad",
    "undecided": "axis",
    "no runs": "grid",
}
"""A ground only where the cell is decided."""

CELL = 15
"""Columns of a cell of the map: bracket, glyph, difference, seeds, bracket, blank."""

STRIDE = 8
"""Columns by which a table scrolls sideways."""

Part = tuple[str, str]


class Cells(ScrollView, can_focus=True):
    """One of all cells is chosen, by its place in `Plan.compared`; arrow keys move the choice."""

    DEFAULT_CSS = "Cells { width: 1fr; height: 1fr; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", show=False),
        Binding("right", "move(1, 0)", show=False),
        Binding("up", "move(0, -1)", show=False),
        Binding("down", "move(0, 1)", show=False),
    ]

    class Chosen(Message):
        """The user chose the cell at this place."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__()
        self.place = 0
        self.found: Sequence[CellResult] = ()

    def choose(self, place: int) -> None:
        """Mark the cell at that place and keep it in sight."""
        if place < len(self.found):
            self.place = place
            self.scroll_to_region(self.region_of(place), animate=False, force=True)
            self.refresh()

    def region_of(self, place: int) -> Region:
        """Where that cell is drawn."""
        raise NotImplementedError

    def place_at(self, x: int, y: int) -> int | None:
        """The cell drawn there."""
        raise NotImplementedError

    def runs(self, y: int) -> list[Part]:
        """The row `y` of the whole, below the head; -1 is the head."""
        raise NotImplementedError

    def on_click(self, event: events.Click) -> None:
        """Choose the cell under the mouse."""
        at = event.get_content_offset(self)
        if at is not None and at.y > 0:
            place = self.place_at(at.x + self.scroll_offset.x, at.y + self.scroll_offset.y - 1)
            if place is not None:
                self.post_message(self.Chosen(place))

    def render_line(self, y: int) -> Strip:
        """The head stays in sight; the rows below it scroll."""
        runs = self.runs(-1 if y == 0 else y + self.scroll_offset.y - 1)
        left = self.scroll_offset.x
        return inked(self, _cropped(runs, left))


class SweepMap(Cells):
    """A grid: the last varied setting runs across, the others down."""

    def __init__(self) -> None:
        super().__init__()
        self._across: list[str] = []
        self._down: list[str] = []
        self._margin = 0

    def show(self, plan: Plan, found: Sequence[CellResult]) -> None:
        """Draw these results."""
        if not self._across:
            *down, across = [one.name for one in plan.vary] or [""]
            self._across = _distinct(found, [across] if across else [])
            self._down = _distinct(found, down)
            self._margin = max(map(len, self._down), default=0) + 1
            width = self._margin + CELL * len(self._across)
            self.virtual_size = Size(width, len(self._down) + 1)
        self.found = found
        self.refresh()

    def region_of(self, place: int) -> Region:
        """One row below the head for each value of the settings that run down."""
        row, column = divmod(place, max(len(self._across), 1))
        return Region(self._margin + column * CELL if column else 0, row, CELL, 2)

    def place_at(self, x: int, y: int) -> int | None:
        """The cell drawn there."""
        column = (x - self._margin) // CELL
        place = y * len(self._across) + column
        return place if 0 <= column < len(self._across) and place < len(self.found) else None

    def action_move(self, x: int, y: int) -> None:
        """Choose the neighbour in that direction, if there is one."""
        row, column = divmod(self.place, max(len(self._across), 1))
        if 0 <= column + x < len(self._across) and 0 <= row + y < len(self._down):
            self.post_message(self.Chosen((row + y) * len(self._across) + column + x))

    def runs(self, y: int) -> list[Part]:
        """The head, or one row of cells."""
        if y < 0:
            heads = (f"{name[: CELL - 1]:<{CELL}}" for name in self._across)
            return [(" " * self._margin, "axis"), *((head, "axis") for head in heads)]
        if y >= len(self._down):
            return []
        parts: list[Part] = [(self._down[y].ljust(self._margin), "axis")]
        first = y * len(self._across)
        for place in range(first, min(first + len(self._across), len(self.found))):
            parts += self._cell(place)
        return parts

    def _cell(self, place: int) -> list[Part]:
        one = self.found[place]
        text = "" if one.mean is None else f"{one.mean:+.2g}"
        if one.test == "divergence" or one.verdict == "both diverge":
            text = f"{one.diverged[1]}/{one.diverged[0]} div"
        left, right = "[]" if place == self.place else "  "
        body = f"{GLYPHS[one.verdict]} {text:<{CELL - 8}}{one.seeds:>3}"
        return [(left, "outline"), (body, INKS[one.verdict]), (f"{right} ", "outline")]


class SweepTable(Cells):
    """A row a cell; `order` sorts them."""

    ORDERS = ("plan", "p", "difference")

    def __init__(self) -> None:
        super().__init__()
        self.order = self.ORDERS[0]
        self._plan: Plan | None = None
        self._heads: list[Head] = []
        self._sorted: list[int] = []

    def show(self, plan: Plan, found: Sequence[CellResult]) -> None:
        """Draw these results."""
        self.found = found
        if self._plan is None:
            self._plan, self._heads = plan, heads(plan)
        self._sort()
        width = sum(max(len(head.text), head.width) + 2 for head in self._heads)
        self.virtual_size = Size(width, len(found) + 1)
        self.refresh()

    def sort_by(self, order: str) -> None:
        """Sort by place in the plan, by p-value, or by difference, lowest first."""
        self.order = order
        self._sort()
        self.choose(self.place)

    def _sort(self) -> None:
        places = range(len(self.found))
        if self.order == "p":
            self._sorted = sorted(places, key=lambda at: _last(self.found[at].p))
        elif self.order == "difference":
            self._sorted = sorted(places, key=lambda at: _last(self.found[at].mean))
        else:
            self._sorted = list(places)

    def region_of(self, place: int) -> Region:
        """One row for each cell."""
        return Region(round(self.scroll_x), self._sorted.index(place), 1, 2)

    def place_at(self, x: int, y: int) -> int | None:
        """The cell drawn there."""
        return self._sorted[y] if 0 <= y < len(self._sorted) else None

    def action_move(self, x: int, y: int) -> None:
        """Choose the next or the previous row; sideways, scroll."""
        self.scroll_relative(x * STRIDE, animate=False, force=True)
        if self._sorted:
            at = self._sorted.index(self.place) + y
            if 0 <= at < len(self._sorted):
                self.post_message(self.Chosen(self._sorted[at]))

    def runs(self, y: int) -> list[Part]:
        """The head, or one cell's row."""
        if self._plan is None or y >= len(self._sorted):
            return []
        texts, ink = [head.text for head in self._heads], "axis"
        if y >= 0:
            place = self._sorted[y]
            texts = row(self._plan, self.found[place])
            ink = "outline on grid" if place == self.place else "event"
        widths = (max(len(head.text), head.width) for head in self._heads)
        padded = (f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
        return [("  ".join(padded), ink)]


def _cropped(runs: list[Part], left: int) -> list[Part]:
    """Without the first `left` characters."""
    kept: list[Part] = []
    for text, ink in runs:
        kept.append((text[left:], ink))
        left = max(left - len(text), 0)
    return kept


def _last(value: float | None) -> tuple[bool, float]:
    """A sorting key that puts what has no number last."""
    return value is None, value or 0.0


def _distinct(found: Sequence[CellResult], names: Sequence[str]) -> list[str]:
    """The cells' values of these settings, each once, in order."""
    labels = (" ".join(assignment(n, one.cell.settings[n]) for n in names) for one in found)
    return list(dict.fromkeys(labels))
