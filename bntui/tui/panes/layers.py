"""Every hidden layer's health: outputs and gradients, layer below layer on the same axes."""

from typing import NamedTuple

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Layers
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK, PAGE_KEYS
from bntui.tui.panes.arms import Arm, choose, flat_rule, flat_word
from bntui.tui.panes.layer_card import LayerCard
from bntui.tui.panes.pane import Pane, value
from bntui.tui.plotting.bars import in_columns, robust_top, shares
from bntui.tui.plotting.plot import ARM_SHAPES
from bntui.tui.plotting.text_rows import Row, Rows, padded

TALLEST = 12
"""Rows a layer at most: higher histograms say no more."""
SIDE_BY_SIDE = 160
"""Columns from which two networks stand beside each other."""
HEADER = 2
"""Rows above an arm's layers: its name and ranges, and the names of the columns."""


class Measured(NamedTuple):
    """A network and its newest measurement."""

    arm: Arm
    event: Layers


class LayersPane(Pane):
    """Small multiples: a layer a row, its numbers beside its two histograms."""

    TITLE = SHORT = "Layers"
    HELP = (
        "Each hidden layer's outputs h on the newest batch, and the gradients dL/dh at them. Left: "
        "mean, standard deviation, the share where the activation is flat (tanh: |h| > 0.97; relu: "
        "0) and the units that are flat for every example, which learn nothing from it. Right: "
        "mean and standard deviation of the gradients. All layers share both axes; a column that "
        "does not fit is cut (▲). Healthy: layers look alike. Shrinking or growing from layer to "
        "layer, the signal vanishes or explodes with depth (Ioffe and Szegedy 2015, sections 1 "
        "and 3.3; makemore part 3, the activation and gradient plots).\n"
        "Try: depth 5 with init fan-in and gain 1, then 3."
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK, *PAGE_KEYS)
    PROBES = ("layers",)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = Rows()
        self._turned = 0

    def compose_body(self) -> ComposeResult:
        """Rows of text."""
        yield self._rows

    def turn(self, by: int) -> None:
        """Next or previous layers, where not all fit."""
        self._turned += by

    def draw(self, history: History) -> None:
        """Redraw the layers that fit, of the networks that fit."""
        measured = [
            Measured(arm, event)
            for arm in self.arms(history)
            if (event := arm.history.latest(Layers)) and event.layers
        ]
        if not measured:
            self.headline_waiting(history)
            self._rows.show([[("no layer measured yet", "dim")]])
            return
        shown = self._with_room(measured)
        self.headline(*self._words(history, measured, shown))
        per_arm = self._room // -(-len(shown) // self._across)
        cards = [self._card(history, each, per_arm) for each in shown]
        tops = top(shown, "counts", cards[0].bars), top(shown, "grad_counts", cards[0].bars)
        blocks = [
            self._block(each, card, per_arm, tops) for each, card in zip(shown, cards, strict=True)
        ]
        beside = [blocks[i : i + self._across] for i in range(0, len(blocks), self._across)]
        width = self.size.width // self._across
        self._rows.show(
            [
                [run for row in rows for run in padded(row, width)]
                for each in beside
                for rows in zip(*each, strict=True)
            ]
        )

    @property
    def _across(self) -> int:
        return 2 if self.size.width >= SIDE_BY_SIDE else 1

    @property
    def _room(self) -> int:
        return max(self.size.height - 1, HEADER + 1)

    def _with_room(self, measured: list[Measured]) -> list[Measured]:
        """The arms whose layers all have room, the chosen one among them; or it alone."""
        deepest = max(len(event.layers) for _, event in measured)
        room = self._across * max(self._room // (deepest + HEADER), 1)
        room = min(room, len(measured))
        chosen = choose([arm for arm, _ in measured], self.arm)
        place = next((i for i, each in enumerate(measured) if each.arm is chosen), 0)
        first = max(place - room + 1, 0)
        return measured[first : first + room]

    def _words(self, history: History, measured: list[Measured], shown: list[Measured]) -> Row:
        count, layers = len(shown[0].event.layers), self._seen(shown[0].event, self._room)
        parts: Row = [(f"step {shown[0].event.step:,}", "")]
        if len(layers) < count:
            parts.append((f" · layers {layers[0] + 1}–{layers[-1] + 1} of {count} · y", ""))
        if len(shown) < len(measured):
            parts.append((f" · {len(shown)} of {len(measured)} networks · a next", ""))
        return [*parts, (f" · {flat_word(history)} = {flat_rule(history)}", "dim")]

    def _seen(self, event: Layers, rows: int) -> list[int]:
        """The places of the layers in sight: those around the chosen one, turned pages on."""
        room, count = max(rows - HEADER, 1), len(event.layers)
        pages = -(-count // room)
        page = (min(self.hidden_layer, count - 1) // room + self._turned) % pages
        return list(range(count))[page * room : (page + 1) * room]

    def _card(self, history: History, one: Measured, rows: int) -> LayerCard:
        """An arm's layers as high as there is room."""
        height = min(max((rows - HEADER) // len(self._seen(one.event, rows)), 1), TALLEST)
        ink = f"arm-{one.arm.place}"
        return LayerCard(self.size.width // self._across - 2, height, flat_word(history), ink)

    def _block(
        self, one: Measured, card: LayerCard, rows: int, tops: tuple[float, float]
    ) -> list[Row]:
        """An arm: its name and ranges, then its layers."""
        event = one.event
        ranges = f"h {value(event.low)} … {value(event.high)} · grad ±{value(event.grad_limit)}"
        name = f"{ARM_SHAPES[one.arm.place]} {one.arm.name}"
        drawn: list[Row] = [[(name, card.ink), ("  " + ranges, "dim")]]
        if not card.tall:
            drawn.append([(card.header(), "dim")])
        for layer in self._seen(event, rows):
            chosen = len(event.layers) > 1 and layer == self.hidden_layer
            drawn += card.rows(event.layers[layer], layer, chosen, tops)
        return drawn + [[]] * (rows - len(drawn))


def top(measured: list[Measured], name: str, width: int) -> float:
    """The height that all histograms in sight are drawn to; saturated ends may be above it."""
    counts = (getattr(layer, name) for _, event in measured for layer in event.layers)
    columns = [in_columns(shares(each), width) for each in counts]
    inner = [each[1:-1] if name == "counts" else each for each in columns]
    return robust_top(inner) or robust_top(columns)
