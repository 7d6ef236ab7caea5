"""Which units of a layer are flat for which examples: the lecture's black and white picture."""

from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from rich.cells import cell_len
from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Units
from bntui.text import clean, percent
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK, PAGE_KEYS
from bntui.tui.panes.arms import Arm, flat_rule
from bntui.tui.panes.base import Part
from bntui.tui.panes.pane import Pane
from bntui.tui.plotting.plot import ARM_SHAPES
from bntui.tui.plotting.text_rows import Row, Rows, wrapped

QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""By bits: upper left 1, upper right 2, lower left 4, lower right 8."""
ROOM = 8
"""Rows that a network's map needs: its name, a ruler, and 12 examples."""
ROOM_FOR_TEXT = 40
"""Columns that a map has beside the examples' texts."""
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
        "cells mean that what enters the activation is too large. At the left: the end of each "
        "example's context, and the character that follows.\n"
        "Source: makemore part 3, "
        "h.abs() > 0.99 as an image (here 0.97, the notebook's bound).\n"
        "Try: no BN against BN with init unit, then with init fan-in."
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK, *PAGE_KEYS)
    PROBES = ("units",)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._page = self._text_width = 0
        self._rows = Rows()

    def compose_body(self) -> ComposeResult:
        """Rows of text."""
        yield self._rows

    def turn(self, by: int) -> None:
        """Next or previous units, where not all fit."""
        self._page += by

    def draw(self, history: History) -> None:
        """Redraw the maps: all networks below each other where there is room, else the chosen."""
        measured = [
            _Measured(arm, event, unpacked(event))
            for arm in self.arms(history)
            if (event := arm.history.latest(Units, self.hidden_layer))
        ]
        layer, chosen = self.layer_part(history), self.chosen(history)
        if not measured or chosen is None:
            self.headline_waiting(history, layer)
            self._rows.show([[("no unit measured yet", "dim")]])
            return
        room = max(self.size.height - 2, 4)
        if room // len(measured) < ROOM:
            measured = [one for one in measured if one.arm.name == chosen.name] or measured[:1]
        room //= len(measured)
        most = max(len(one.units[0]) if one.units else 0 for one in measured)
        examples = min(most, 2 * max(room - 2, 1))
        self._text_width = self._width_of_texts(measured[0].event.texts)
        first, count = self._page_of(max(len(one.units) for one in measured), examples, room)
        words = _extent(measured[0].event, first, count, examples)
        left_out = len(self.arms(history)) - len(measured)
        also: Part = (f" · {left_out} more: a" if left_out else "", "dim")
        self.headline(layer, *words, (f" · filled: {flat_rule(history)}", "dim"), also)
        rows: list[Row] = []
        for one in measured:
            block = [*self._title(one), *self._map(one, first, count, examples)]
            rows += block[:room]
        self._rows.show([*rows, self._legend()])

    @property
    def _width(self) -> int:
        return max(self.size.width - 2, 2)

    @property
    def _columns(self) -> int:
        """Columns of the map, right of the examples' texts."""
        return self._width - self._text_width

    def _width_of_texts(self, texts: list[str]) -> int:
        """Columns of two examples' texts, where that leaves room for the map; else none."""
        width = 2 * (max(map(cell_len, texts), default=0) + 2)
        return width if texts and self._width - width >= ROOM_FOR_TEXT else 0

    def _page_of(self, total: int, examples: int, room: int) -> tuple[int, int]:
        """The number of the first unit in sight and how many; a band of them below another."""
        band = 1 + -(-examples // 2)
        most = 2 * self._columns * max((room - 1) // band, 1)
        self._page %= max(-(-total // most), 1)
        return self._page * most, min(most, total - self._page * most)

    def _map(self, one: "_Measured", first: int, count: int, examples: int) -> list[Row]:
        """The first examples of these units, bands of them below each other."""
        units = one.units[first : first + count]
        per_cell = 1 if len(units) <= self._columns else 2
        across = per_cell * self._columns
        texts = self._texts(one.event.texts, examples)
        rows: list[Row] = []
        for start in range(0, len(units), across):
            band = units[start : start + across]
            ruler = _ruler(first + start, len(band), per_cell)
            rows.append([(" " * self._text_width + ruler, "dim")])
            inks = [
                "bad" if any(unit and all(unit) for unit in band[i : i + per_cell]) else "plain"
                for i in range(0, len(band), per_cell)
            ]
            drawn_rows = drawn([unit[:examples] for unit in band], per_cell)
            rows += [
                [*text, *_inked(row, inks)] for text, row in zip(texts, drawn_rows, strict=False)
            ]
        return rows

    def _texts(self, texts: list[str], examples: int) -> list[Row]:
        """Two examples a row: the context, and dim the character that follows it."""
        if not self._text_width:
            return [[] for _ in range(0, examples, 2)]
        padded = [*texts[:examples], *[""] * (examples - len(texts) + 1)]
        room = self._text_width // 2
        return [
            [part for text in padded[i : i + 2] for part in _text(text, room)]
            for i in range(0, examples, 2)
        ]

    def _title(self, one: "_Measured") -> list[Row]:
        """A network's name, its share of flat outputs and as many dead units as have room."""
        event, units = one.event, one.units
        dead = [str(i) for i, unit in enumerate(units) if unit and all(unit)]
        share = sum(map(sum, units)) / max(sum(map(len, units)), 1)
        part = "" if len(units) >= event.units else f" of the first {len(units):,} units"
        words = f"{percent(share)} flat{part} · dead for all {event.examples:,} examples: "
        title = f"{ARM_SHAPES[one.arm.place]} {one.arm.name}  "
        if len(title + words) > 3 * self._width // 4:
            words = f"{percent(share)} flat{part} · dead "
        count = f"{event.dead:,} of {event.units:,}"
        room = self._width - len(title + words + count)
        ink = f"arm-{one.arm.place}"
        if room < 0:
            return [[(title, ink)], *wrapped(words + count, self._width)]
        dead_ink = "bad" if event.dead else "plain"
        return [[(title, ink), (words, "dim"), (count, dead_ink), (_listed(dead, room), "bad")]]

    def _legend(self) -> Row:
        """Both shades by a sample, which holds without colours too, as far as there is room."""
        legend: Row = [
            ("a column: a unit · a row: two examples", "dim"),
            (" · █ flat", "plain"),
            (" · █ dead", "bad"),
        ]
        return legend if sum(len(text) for text, _ in legend) <= self._width else legend[:1]


def _listed(names: list[str], room: int) -> str:
    """`: 1, 2, 3`, or the first of them that fit into `room` columns and an ellipsis."""
    whole = f": {', '.join(names)}" if names else ""
    if len(whole) <= room:
        return whole
    return f"{whole[: max(room - 2, 0)].rpartition(',')[0]} …" if room > RULE else ""


def _text(text: str, room: int) -> Row:
    """An example in `room` columns."""
    context, follows = clean(text[:-1]), clean(text[-1:])
    blank = " " * max(room - cell_len(context + follows) - 1, 0)
    return (
        [(f"{context}", "plain"), (f" {follows}{blank}", "dim")] if text else [(" " * room, "dim")]
    )


class _Measured(NamedTuple):
    arm: Arm
    event: Units
    units: list[Bits]


def _inked(row: str, inks: list[str]) -> Row:
    """A row of the map, neighbours of one ink as one run."""
    return [
        ("".join(char for char, _ in cells), ink)
        for ink, cells in groupby(zip(row, inks, strict=True), key=itemgetter(1))
    ]


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
