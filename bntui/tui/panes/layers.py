"""Every hidden layer's health: outputs and gradients, layer below layer on the same axes."""

from typing import NamedTuple

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Layers
from bntui.tui.panes.arms import Arm, choose, flat_rule, flat_word
from bntui.tui.panes.layer_card import LayerCard
from bntui.tui.panes.pane import Pane, value
from bntui.tui.plotting.histogram import columns, shares
from bntui.tui.plotting.plot import ARM_SHAPES
from bntui.tui.plotting.text_rows import Row, Rows

TALLEST = 12
"""Rows a layer at most: higher histograms say no more."""
HEADER = 2
"""Rows above an arm's layers: its name and ranges, and the names of the columns."""


class Told(NamedTuple):
    """An arm and its newest measurement."""

    arm: Arm
    event: Layers


class LayersPane(Pane):
    """Small multiples: a layer a row, its numbers beside its two histograms."""

    TITLE = SHORT = "Layers"
    HELP = (
        "Each hidden layer's outputs h on the newest batch, and the gradients dL/dh at them. Left: "
        "mean, standard deviation, the share where the activation is flat (tanh: |h| > 0.97; relu: "
        "0) and the units that are flat for every example, which learn nothing from it. Right: "
        "mean and standard deviation of the gradients. All layers share both axes; heights are "
        "square roots of shares. Healthy: layers look alike. Shrinking or growing from layer to "
        "layer, the signal vanishes or explodes with depth (Ioffe and Szegedy 2015, section 1; "
        "makemore part 3, the activation and gradient plots).\n"
        "Try: depth 5 with init fan-in and gain 1, then 3."
    )
    KEYS = ("y", "Y", "a", "pagedown", "pageup")
    PROBES = ("layers",)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = Rows()
        self._turned = 0

    def compose_body(self) -> ComposeResult:
        """Rows of text."""
        yield self._rows

    def turn(self, by: int) -> None:
        """The next layers, where not all have room."""
        self._turned += by

    def draw(self, history: History) -> None:
        """Redraw every layer that has room, of the arms that have room."""
        told = [
            Told(arm, event)
            for arm in self.arms(history)
            if (event := arm.history.latest(Layers)) and event.layers
        ]
        if not told:
            self.headline(("waiting for the first measurement", "dim"))
            self._rows.show([[("no layer measured yet", "dim")]])
            return
        shown = self._with_room(told)
        self.headline(*self._words(history, told, shown))
        per_arm = self._room // len(shown)
        cards = [self._card(history, each, per_arm) for each in shown]
        tops = _top(shown, "counts", cards[0].bars), _top(shown, "grad_counts", cards[0].bars)
        rows: list[Row] = []
        for each, card in zip(shown, cards, strict=True):
            rows += self._block(each, card, per_arm, tops)
        self._rows.show(rows)

    @property
    def _room(self) -> int:
        return max(self.size.height - 1, HEADER + 1)

    def _with_room(self, told: list[Told]) -> list[Told]:
        """The arms whose layers all have room, the chosen one among them; or it alone."""
        deepest = max(len(event.layers) for _, event in told)
        room = min(max(self._room // (deepest + HEADER), 1), len(told))
        chosen = choose([arm for arm, _ in told], self.arm)
        place = next((i for i, each in enumerate(told) if each.arm is chosen), 0)
        first = max(place - room + 1, 0)
        return told[first : first + room]

    def _words(self, history: History, told: list[Told], shown: list[Told]) -> Row:
        count, layers = len(shown[0].event.layers), self._seen(shown[0].event, self._room)
        parts: Row = [(f"step {shown[0].event.step:,}", "")]
        if len(layers) < count:
            parts.append((f" · layers {layers[0] + 1}–{layers[-1] + 1} of {count} · y", ""))
        if len(shown) < len(told):
            parts.append((f" · {len(shown)} of {len(told)} arms · a next", ""))
        return [*parts, (f" · {flat_word(history)} = {flat_rule(history)}", "dim")]

    def _seen(self, event: Layers, rows: int) -> list[int]:
        """The places of the layers in sight: those around the chosen one, turned pages on."""
        room, count = max(rows - HEADER, 1), len(event.layers)
        pages = -(-count // room)
        page = (min(self.hidden_layer, count - 1) // room + self._turned) % pages
        return list(range(count))[page * room : (page + 1) * room]

    def _card(self, history: History, told: Told, rows: int) -> LayerCard:
        """An arm's layers as high as there is room."""
        height = min(max((rows - HEADER) // len(self._seen(told.event, rows)), 1), TALLEST)
        ink = f"arm-{told.arm.place}"
        return LayerCard(self.size.width - 2, height, flat_word(history), ink)

    def _block(
        self, told: Told, card: LayerCard, rows: int, tops: tuple[float, float]
    ) -> list[Row]:
        """An arm: its name and ranges, then its layers."""
        event = told.event
        ranges = f"h {value(event.low)} … {value(event.high)} · grad ±{value(event.grad_limit)}"
        name = f"{ARM_SHAPES[told.arm.place]} {told.arm.name}"
        drawn: list[Row] = [[(name, card.ink), ("  " + ranges, "dim")]]
        if not card.tall:
            drawn.append([(card.header(), "dim")])
        for layer in self._seen(event, rows):
            chosen = len(event.layers) > 1 and layer == self.hidden_layer
            drawn += card.rows(event.layers[layer], layer, chosen, tops)
        return drawn + [[]] * (rows - len(drawn))


def _top(told: list[Told], name: str, width: int) -> float:
    """The highest column of any layer: all of all arms in sight are drawn to its scale."""
    counts = (getattr(layer, name) for _, event in told for layer in event.layers)
    return max((share for each in counts for share in columns(shares(each), width)), default=0.0)
