"""The notebook's four histograms: no BN and BN, at init and now, on the same axes."""

from itertools import zip_longest

from textual.app import ComposeResult
from textual.containers import Grid

from bntui.history import History
from bntui.protocol import Activations
from bntui.tui.axes import linear
from bntui.tui.bars import Bars, Histogram
from bntui.tui.panes.pane import ARM_SHAPES, Pane

BIN_WIDTH = 2 / 50


class ActivationsPane(Pane):
    """Histograms of a hidden layer's tanh outputs; `hidden_layer` counts from 0."""

    TITLE = "Activations"
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
    KEYS = ("y",)
    DEFAULT_CSS = """
    ActivationsPane > Grid { grid-size: 2 2; grid-gutter: 0 1; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.hidden_layer = 0
        self._bars = [Bars() for _ in range(4)]

    def compose_body(self) -> ComposeResult:
        """A row an arm, init at the left, now at the right; or four arms as they are now."""
        yield Grid(*self._bars)

    def draw(self, history: History) -> None:
        """Redraw the four histograms."""
        depth = history.hello.config.depth if history.hello else 1
        self.hidden_layer %= depth
        layer = f"layer {self.hidden_layer + 1} of {depth} · " if depth > 1 else ""
        self.headline((f"{layer}density (√) · sat. = |h| > 0.97", "dim"))
        events = [arm.activations.get(self.hidden_layer, []) for arm in history.arms.values()]
        top = _top([event for told in events for event in (*told[:1], *told[-1:])])
        shown = self._histograms(list(history.arms), events, top)
        for bars, histogram in zip_longest(self._bars, shown):
            bars.show(histogram)

    def _histograms(
        self, names: list[str], events: list[list[Activations]], top: float
    ) -> list[Histogram | None]:
        """Of two arms each at the start and now; of more, each as it is now."""
        whens = {"init": 0, "now": -1} if len(names) <= 2 else {"now": -1}
        return [
            _histogram(told[place], name, when, top, arm) if told else None
            for arm, (name, told) in enumerate(zip(names, events, strict=True))
            for when, place in whens.items()
        ]


def densities(event: Activations) -> tuple[float, ...]:
    """Counts as densities: their sum times the bin width is the share that is finite."""
    return tuple(count / (event.n * BIN_WIDTH) if event.n else 0.0 for count in event.counts)


def _top(events: list[Activations]) -> float:
    highest = max((max(densities(event), default=0.0) for event in events), default=0.0)
    return linear("", [0.0, highest], 2).high


def _histogram(event: Activations, name: str, when: str, top: float, arm: int) -> Histogram:
    share = "not finite" if event.saturation is None else f"{event.saturation:.1%} sat."
    return Histogram(
        f"{ARM_SHAPES[arm]} {name} {when} · {share}", densities(event), top, f"arm-{arm}"
    )
