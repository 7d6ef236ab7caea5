"""Which units of a layer are flat for which examples: the lecture's black and white picture."""

from itertools import islice

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Units
from bntui.text import percent
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK, PAGE_KEYS
from bntui.tui.panes.arms import flat_rule
from bntui.tui.panes.pane import Pane, Part
from bntui.tui.plotting.text_rows import Row, Rows, wrapped

QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""By bits: upper left 1, upper right 2, lower left 4, lower right 8."""
RULE = 10
"""Cells between two unit numbers above the map."""

Bits = list[bool]
"""One unit: whether it is flat for each example."""


class UnitsPane(Pane):
    """A map: a unit across, an example down, filled where the activation is flat."""

    TITLE = SHORT = "Units"
    HELP = (
        "Units across, the batch's first examples down; filled where the activation is flat (tanh: "
        "|h| > 0.97), so that little gradient comes back through that unit for that example: under "
        "6 % with tanh, none with relu at 0. A unit filled all the way down is dead for this "
        "batch: it learns little or nothing. Many filled "
        "cells mean that what enters the activation is too large.\n"
        "Source: makemore part 3, "
        "h.abs() > 0.99 as an image (here 0.97, the notebook's bound).\n"
        "Try: no BN against BN with init unit, then with init fan-in."
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK, *PAGE_KEYS)
    PROBES = ("units",)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._page = 0
        self._rows = Rows()

    def compose_body(self) -> ComposeResult:
        """Rows of text."""
        yield self._rows

    def turn(self, by: int) -> None:
        """Next or previous units, where not all fit."""
        self._page += by

    def draw(self, history: History) -> None:
        """Redraw the map."""
        arm = self.chosen(history)
        measured = (
            [e for e in arm.history.measured(Units) if e.layer == self.hidden_layer] if arm else []
        )
        layer = self.layer_part(history)
        name: Part = self.name_part(history, arm) if arm else ""
        if not measured:
            self.headline_waiting(history, name, layer)
            self._rows.show([[("no unit measured yet", "dim")]])
            return
        units = unpacked(measured[-1])
        words = self._words(measured[-1], units, history)
        room = max(self.size.height - 1 - len(words), 2)
        examples = min(len(units[0]) if units else 0, 2 * (room - 1))
        first, seen = self._page_of([unit[:examples] for unit in units], room)
        self.headline(name, layer, *_extent(measured[-1], first, len(seen), examples))
        self._rows.show([*self._map(seen, first), *words])

    @property
    def _width(self) -> int:
        return max(self.size.width - 2, 2)

    def _page_of(self, units: list[Bits], room: int) -> tuple[int, list[Bits]]:
        """The units in sight, and the number of the first; a band of them below another."""
        band = 1 + -(-len(units[0]) // 2) if units else 1
        most = 2 * self._width * max(room // band, 1)
        self._page %= max(-(-len(units) // most), 1)
        return self._page * most, units[self._page * most : (self._page + 1) * most]

    def _map(self, units: list[Bits], first: int) -> list[Row]:
        per_cell = 1 if len(units) <= self._width else 2
        across = per_cell * self._width
        rows: list[Row] = []
        for start in range(0, len(units), across):
            band = units[start : start + across]
            rows.append([(_ruler(first + start, len(band), per_cell), "dim")])
            rows += [[(row, "plain")] for row in drawn(band, per_cell)]
        return rows

    def _words(self, event: Units, units: list[Bits], history: History) -> list[Row]:
        dead = [str(i) for i, unit in enumerate(units) if unit and all(unit)]
        share = sum(map(sum, units)) / max(sum(map(len, units)), 1)
        part = "" if len(units) >= event.units else f" (of the first {len(units):,} units)"
        names = f": {', '.join(islice(dead, 40))}{' …' if len(dead) > 40 else ''}" if dead else ""
        text = (
            f"filled: {flat_rule(history)}, {percent(share)} of the map{part}. "
            f"Dead for all {event.examples:,} examples: {event.dead:,} of {event.units:,}{names}"
        )
        return wrapped(text, self._width)


def _extent(event: Units, first: int, count: int, examples: int) -> list[Part]:
    """What of the layer is in sight, and whether there is more."""
    units = f"units {first}–{first + count - 1} of {event.units:,}" if count else "no units"
    parts: list[Part] = [f"step {event.step:,} · {units}"]
    if examples < event.examples:
        parts.append(f" · {examples} of {event.examples:,} examples")
    return [*parts, (" · page down" if count < len(event.flat) else "", "dim")]


def unpacked(event: Units) -> list[Bits]:
    """Each unit's bits; what is no hexadecimal number counts as nothing flat."""
    longest = max(map(len, event.flat), default=0)
    examples = max(min(event.examples, 4 * longest), 0)
    return [_bits(text, examples) for text in event.flat]


def _bits(text: str, examples: int) -> Bits:
    try:
        number = int(text, 16)
    except ValueError:
        number = 0
    return [bool(number >> place & 1) for place in range(examples - 1, -1, -1)]


def drawn(units: list[Bits], per_cell: int) -> list[str]:
    """The map: two examples a row, `per_cell` (one or two) units a column."""
    examples = len(units[0]) if units else 0
    return [
        "".join(
            _cell(units[i], units[min(i + per_cell - 1, len(units) - 1)], y)
            for i in range(0, len(units), per_cell)
        )
        for y in range(0, examples, 2)
    ]


def _cell(left: Bits, right: Bits, y: int) -> str:
    corners = (each[at] if at < len(each) else False for at in (y, y + 1) for each in (left, right))
    return QUADRANTS[sum(bit << place for place, bit in enumerate(corners))]


def _ruler(first: int, count: int, per_cell: int) -> str:
    cells = -(-count // per_cell)
    marks = (f"╵{first + at * per_cell}" for at in range(0, cells, RULE))
    return "".join(f"{mark:<{RULE}}" for mark in marks)[: max(cells, 5)]
