"""The notebook's histograms: each network now, filled, and at init, as an outline over it."""

from textual.app import ComposeResult

from bntui.export.figures import densities
from bntui.history.history import History
from bntui.protocol import Activations
from bntui.text import clean, percent
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK
from bntui.tui.panes.arms import Arm, flat_rule, flat_word
from bntui.tui.panes.base import Part, width_of
from bntui.tui.panes.pane import Pane, as_of
from bntui.tui.plotting.bars import robust_top
from bntui.tui.plotting.figure import Bars, Figure, Panel
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.scale import Scale, ScaleKeeper

ROWS, COLUMNS = 4, 50
"""Room that a histogram needs: title, axis, and bars that can be told apart."""

FLAT_BINS = {"tanh": (1, 1), "sigmoid": (1, 1), "relu": (1, 0)}
"""The first and the last of 50 bins, where the activation is flat (tanh: |h| > 0.96)."""


class ActivationsPane(Pane):
    """Histograms of a hidden layer's outputs, two networks or as many as have room."""

    TITLE = "Activations"
    SHORT = "Act."
    HELP = (
        "What the hidden units put out, at the start and at the newest measurement (rarer as the "
        "run goes on; a pause makes one), over 20 training batches. Where the "
        "activation is flat next to no gradient passes: unit-normal weights drive tanh there, BN "
        "rescales what enters it: BN's distribution is a bowl. Filled: now; outline: at the start; "
        "red: the flat ends. All share the density axis; a tower that does not fit is cut, its "
        "density beside it.\n"
        "Formula: tanh' = 1 - h^2, under 6 % where |h| > 0.97; BN: gamma (x - mean) / "
        "sqrt(var + eps) + beta.\n"
        "Source: Ioffe and Szegedy 2015 (arXiv:1502.03167), algorithm 1; makemore part 3.\n"
        "Try: k and init fan-in, or 5 hidden layers and y: what each layer makes of the one before."
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._plot = Plot("no activations yet")
        self._top = ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """One plot, a panel a network."""
        yield self._plot

    def draw(self, history: History) -> None:
        """Redraw the histograms."""
        rule = f"{flat_word(history)} = {flat_rule(history)}"
        shown = [
            (arm, ends)
            for arm in self._with_room(history)
            if (ends := _ends(arm, self.hidden_layer))
        ]
        when = _when(history, shown[0][1]) if shown else ""
        every = len(self.arms(history))
        some = f"{len(shown)} of {every} shown, a: next · " if 0 < len(shown) < every else ""
        words: list[Part] = ["density", f" · {when}" if when else "", f" · {rule}"]
        if width_of([some, *words[:2]]) > self.size.width - len(self.TITLE) - 4:
            words = [when, " · density"]
        self.headline(some, self.layer_part(history), *words)
        y = self._density_scale(history, [event for _, ends in shown for event in ends])
        panels = [_panel(history, arm, ends, y) for arm, ends in shown]
        across = self._across
        rows = [tuple(panels[i : i + across]) for i in range(0, len(panels), across)]
        self._plot.show(Figure(tuple(rows)) if rows else None)

    @property
    def _across(self) -> int:
        return max(self.size.width // COLUMNS, 1) if self.size.width >= 2 * COLUMNS else 1

    def _with_room(self, history: History) -> list[Arm]:
        """Two networks, or more where there is room; the chosen one among them."""
        arms, chosen = self.arms(history), self.chosen(history)
        room = max((self.size.height - 1) // ROWS, 2) * self._across
        first = max(chosen.place - room + 1, 0) if chosen else 0
        return arms[first : first + room]

    def _density_scale(self, history: History, events: list[Activations]) -> Scale:
        """From 0 to above nine tenths of all bins: what towers above is cut."""
        most = robust_top(densities(event) for event in events)
        return self._top.fit((id(history.hello), self.hidden_layer), [0.0, most or 1.0])


def _panel(history: History, arm: Arm, ends: list[Activations], y: Scale) -> Panel:
    first, last = ends
    ink = f"arm-{arm.place}"
    activation = history.config.activation
    bars = Bars(densities(last), ink, densities(first), FLAT_BINS[activation])
    words = f"  {flat_word(history)} {_share(first)} → {_share(last)}"
    title = ((f"{ARM_SHAPES[arm.place]} {clean(arm.name)}", ink), (words, "axis"))
    return Panel(Scale(last.low, max(last.high, last.low + 1e-9)), y, (bars,), title)


def _when(history: History, ends: list[Activations]) -> str:
    """Of which steps the filled and the outlined bars are."""
    first, last = ends
    begin = f"step {first.step:,}" if first.step else "init"
    now = as_of(history, last.step).removeprefix("as of ")
    return f"█ {now} ⠒ {begin}"


def _share(event: Activations) -> str:
    return "not finite" if event.saturation is None else percent(event.saturation)


def _ends(arm: Arm, layer: int) -> list[Activations]:
    """The first and the newest measurement."""
    events = arm.history.activations.get(layer, [])
    return [events[0], events[-1]] if events else []
