"""Layers over time: a strip a layer, how far running statistics are from the batch's."""

from dataclasses import replace
from itertools import zip_longest
from math import isnan, nan

from textual.app import ComposeResult

from bntui.history.watched import LayerHistory
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.plotting.figure import Figure, Panel, Series
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.sampling import Sampled
from bntui.tui.plotting.scale import Scale, ScaleKeeper
from bntui.tui.plotting.strips import axis_text, strip
from bntui.tui.plotting.text_rows import Row
from bntui.tui.watched.pane import LayerRows, WatchedPane, curve, cut, distance_text, name_cell
from bntui.tui.watched.view import View

LEVELS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Limits between the heights of a strip, in sd; each is twice the one before."""
INKS = ("fair", "fair", "fair", "highish", "highish", "bad", "bad", "bad")
"""Green below 0.2, what batches of 32 differ by; red from 0.8, most of what a batch spreads."""
NUMBER = 7
"""Columns of a layer's distance now."""
ROOM_FOR_PLOT = 5
"""Rows that a plot of the selected layer needs."""

Which = tuple[str, str]
MEDIAN: Which = ("mean_distance", "var_ratio")
WORST: Which = ("mean_distance_worst", "var_ratio_worst")


class DistancesPane(WatchedPane):
    """A strip a layer, and the selected layer's curves where there is room."""

    TITLE = "Layers over time"
    SHORT = "Layers"
    HELP = (
        "A row a layer, height and colour by how far its running statistics are from the batch's "
        "at each sampled step: green below 0.2 sd, orange, red from 0.8. In eval() the layer "
        "normalizes with the running ones, so this is about what its outputs are then off by. At "
        "the start all are far apart, since running statistics begin at mean 0 and variance 1. A "
        "dot is a value that was not finite, a blank a stretch without a training step; ! is a "
        "finding. Below, where there is room: the selected layer's mean and variance.\n"
        "Formula: max(|running_mean - mean| / sd, |ln(running_var / var)| / 2), median over "
        "channels, or that of the channel that is farthest off.\n"
        "Try: up and down choose a layer in every pane; / filters by name."
    )
    DEFAULT_CSS = "DistancesPane > LayerRows { height: auto; }"
    COMMANDS = (
        KeyCommand("x", "worst", "Median / worst", "Median channel or the farthest one", VIEW),
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.which = MEDIAN
        self._rows = LayerRows()
        self._plot = Plot()
        self._scale = ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """Strips above, curves below."""
        yield self._rows
        yield self._plot

    def action_worst(self) -> None:
        """Median channel or the one that is farthest off."""
        self.which = MEDIAN if self.which == WORST else WORST
        self.changed()

    def draw(self, view: View, /) -> None:
        """Redraw strips and curves."""
        channel = "median channel" if self.which == MEDIAN else "farthest channel"
        width, height = self.size.width - 2, self.size.height - 1
        names = [len(view.name(view.run.layers[i])) for i in view.order]
        wide = min(max([8, *names]) + 2, max(width // 3, 12))
        length = max(width - wide - 1 - NUMBER, 1)
        has_plot = height - len(view.order) - 1 >= ROOM_FOR_PLOT
        taken = self._rows.show_layers(
            view,
            height,
            lambda seen: [
                (f" {cut(seen, wide):<{wide}}"[: wide + 1], "dim"),
                (axis_text(view.x, length), "dim"),
                (f"{'now':>{NUMBER}}", "dim"),
            ],
            lambda index: self._row(view, index, wide, length),
        )
        self._rows.styles.height = taken if has_plot else "1fr"
        self._plot.display = has_plot
        figure = self._figure(view) if has_plot else None
        if has_plot:
            self._plot.show(figure)
        words = ("running − batch, sd", ""), (f" · {channel}", "dim")
        self.headline(*(self.read_at_cursor(figure) or words))

    def _row(self, view: View, index: int, wide: int, length: int) -> Row:
        layer = view.run.layers[index]
        cells = strip(self._distance(layer, view.x, length), view.x, length, LEVELS, INKS)
        now = (f"{distance_text(layer):>{NUMBER}}", "plain")
        return [*name_cell(view, index, wide), *cells, now]

    def _distance(self, layer: LayerHistory, x: Scale, dots: int) -> Sampled:
        """The larger of both distances on each dot column."""
        mean, var = (curve(layer.samples[name], x, dots) for name in self.which)
        pairs = zip_longest(mean.mean, (abs(v) / 2 for v in var.mean), fillvalue=nan)
        return replace(mean, mean=[_larger(*pair) for pair in pairs])

    def _figure(self, view: View) -> Figure | None:
        """The selected layer's two distances, each on its own."""
        layer = view.selected
        if layer is None or not len(layer.sizes):
            return None
        dots = 2 * max(self._plot.size.width - 20, 8)
        mean, var = (curve(layer.samples[name], view.x, dots) for name in self.which)
        halves = [abs(v) / 2 for v in var.mean]
        y = self._scale.fit(
            (id(view.run.scalars), layer.layer.name, self.which), [0, *mean.mean, *halves]
        )
        lines = (
            Series(mean.x, mean.mean, "unit-0", f"mean {_last(mean.mean)}"),
            Series(var.x, halves, "unit-1", f"variance {_last(halves)}"),
        )
        title = ((f"{cut(view.name(layer), self._plot.size.width - 2)}", "axis"),)
        return Figure(((Panel(view.x, y, (*view.marks(), *lines), title),),), view.cursor)


def _larger(one: float, other: float) -> float:
    return max((each for each in (one, other) if not isnan(each)), default=nan)


def _last(values: list[float]) -> str:
    return f"{values[-1]:.2f}" if values and not isnan(values[-1]) else "–"
