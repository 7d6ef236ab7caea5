"""The notebook's histograms: each network at init and now, on the same density axis."""

from textual.app import ComposeResult
from textual.containers import Grid

from bntui.config.schema import MOST_ARMS
from bntui.history.history import History
from bntui.protocol import Activations
from bntui.text import clean
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK
from bntui.tui.panes.arms import Arm, flat_rule, flat_word
from bntui.tui.panes.pane import Pane
from bntui.tui.plotting.axes import linear
from bntui.tui.plotting.histogram import Bars, Histogram
from bntui.tui.plotting.plot import ARM_SHAPES

ROWS = 5
"""That a histogram needs: title, axis, and bars that can be told apart."""


class ActivationsPane(Pane):
    """Histograms of a hidden layer's outputs, two networks or as many as have room."""

    TITLE = "Activations"
    SHORT = "Activ."
    HELP = (
        "What the hidden units put out, at the start and now, over 20 training batches. Where the "
        "activation is flat next to no gradient passes: unit-normal weights drive tanh there, BN "
        "rescales what enters it. All share the density axis; heights are square roots, so that "
        "towers and hills can both be seen.\n"
        "Formula: tanh' = 1 - h^2, under 6 % where |h| > 0.97; BN: gamma (x - mean) / "
        "sqrt(var + eps) + beta.\n"
        "Source: Ioffe and Szegedy 2015 (arXiv:1502.03167), algorithm 1; makemore part 3.\n"
        "Try: k and init fan-in, or 5 hidden layers and y: what each layer makes of the one before."
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK)
    DEFAULT_CSS = """
    ActivationsPane > Grid { grid-size: 2; grid-rows: 1fr; grid-gutter: 0 1; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._bars = [Bars() for _ in range(2 * MOST_ARMS)]
        for bars in self._bars[4:]:
            bars.display = False

    def compose_body(self) -> ComposeResult:
        """A row an arm, init at the left, now at the right; or four arms as they are now."""
        yield Grid(*self._bars)

    def draw(self, history: History) -> None:
        """Redraw the histograms."""
        word = flat_word(history)
        self.headline(
            (f"{self.layer_part(history)}density (√) · {word} = {flat_rule(history)}", "dim")
        )
        arms = self._with_room(history)
        ends = [_ends(arm, self.hidden_layer) for arm in arms]
        top = _top([event for pair in ends for event in pair])
        shown: list[Histogram | None] = [None] * len(self._bars)
        for row, (arm, pair) in enumerate(zip(arms, ends, strict=True)):
            for column, (event, when) in enumerate(zip(pair, ("init", "now"), strict=False)):
                shown[2 * row + column] = _histogram(event, arm, when, top, word)
        for i, (bars, histogram) in enumerate(zip(self._bars, shown, strict=True)):
            bars.display = i < 2 * max(len(arms), 2)
            bars.show(histogram)

    def _with_room(self, history: History) -> list[Arm]:
        """Two networks, or more where there is room; the chosen one among them."""
        arms, chosen = self.arms(history), self.chosen(history)
        room = max((self.size.height - 1) // ROWS, 2)
        first = max(chosen.place - room + 1, 0) if chosen else 0
        return arms[first : first + room]


def _ends(arm: Arm, layer: int) -> list[Activations]:
    """The first and the newest measurement."""
    events = arm.history.activations.get(layer, [])
    return [events[0], events[-1]] if events else []


def densities(event: Activations) -> tuple[float, ...]:
    """Counts as densities: their sum times the bin width is the share that is finite."""
    width = (event.high - event.low) / len(event.counts)
    known = event.n > 0 and width > 0
    return tuple(count / (event.n * width) if known else 0.0 for count in event.counts)


def _top(events: list[Activations]) -> float:
    highest = max((max(densities(event), default=0.0) for event in events), default=0.0)
    return linear("", [0.0, highest], 2).high


def _histogram(event: Activations, arm: Arm, when: str, top: float, word: str) -> Histogram:
    share = "not finite" if event.saturation is None else f"{event.saturation:.1%} {word}"
    title = f"{ARM_SHAPES[arm.place]} {clean(arm.name)} {when} · {share}"
    ink = f"arm-{arm.place}"
    return Histogram(title, densities(event), top, ink, event.low, event.high)
