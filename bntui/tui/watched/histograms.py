"""What goes into the selected layer, and what comes out."""

from textual.app import ComposeResult

from bntui.protocol import Histogram
from bntui.text import number
from bntui.tui.plotting.bars import in_columns, robust_top
from bntui.tui.plotting.figure import Bars, Figure, Panel
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.scale import Scale
from bntui.tui.watched.pane import WatchedPane
from bntui.tui.watched.view import View

INKS = {"input": "arm-0", "output": "arm-1"}


class HistogramsPane(WatchedPane):
    """Input above output; the first histogram as an outline over the newest."""

    TITLE = SHORT = "Histograms"
    HELP = (
        "The values that go into the selected layer and come out of it, pooled over channels, at "
        "the newest sampled step (filled) and, where it has the same range, at the first one "
        "(outline). BatchNorm's output has mean beta and standard deviation gamma in each channel "
        "while it trains.\n"
        "Formula: output = (input - mean) / sqrt(variance + eps) gamma + beta."
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._plot = Plot("no histogram of this layer yet")

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def draw(self, view: View, /) -> None:
        """Redraw both histograms."""
        layer = view.selected
        kept = layer.histograms if layer else {}
        known = {side: events for side, events in kept.items() if events}
        steps = {events[-1].step for events in known.values()}
        when = f" · step {max(steps):,}" if steps else ""
        self.headline(self.layer_part(view, self.size.width // 2), (when, "dim"))
        panels = [_panel(side, events, self._plot.size.width) for side, events in known.items()]
        self._plot.show(Figure(tuple((panel,) for panel in panels)) if panels else None)


def _panel(side: str, events: list[Histogram], width: int) -> Panel:
    first, last = events[0], events[-1]
    densities = _densities(last)
    outline = () if first is last or _bounds(first) != _bounds(last) else _densities(first)
    top = robust_top([in_columns(each, max(width - 8, 1)) for each in (densities, outline) if each])
    x = Scale(last.low, last.high if last.high > last.low else last.low + 1.0)
    title = f"{side}  {number(last.low)} to {number(last.high)}"
    bars = Bars(densities, INKS[side], outline)
    return Panel(x, Scale(0.0, top or 1.0), (bars,), ((title, INKS[side]),))


def _bounds(event: Histogram) -> tuple[float, float]:
    return event.low, event.high


def _densities(event: Histogram) -> tuple[float, ...]:
    """Shares per unit of the axis, so that the area is 1."""
    total, width = sum(event.counts) or 1, (event.high - event.low) / len(event.counts) or 1.0
    return tuple(count / total / width for count in event.counts)
