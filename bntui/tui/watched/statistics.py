"""Running statistics of the selected layer's channels, before one channel's batches."""

from math import floor, isfinite, log10

from textual.app import ComposeResult

from bntui.history.watched import LayerHistory
from bntui.text import number
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.base import Part
from bntui.tui.plotting.figure import Band, Figure, Layer, Panel, Series
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.scale import ScaleKeeper
from bntui.tui.watched.pane import WatchedPane, curve
from bntui.tui.watched.view import View


class ChannelsPane(WatchedPane):
    """`moment` is mean or var, `channel` the place of the one that is shown alone, if any."""

    TITLE = "Running stats"
    SHORT = "Stats"
    HELP = (
        "The selected layer's running statistics, a line a traced channel; the band is where 80 % "
        "of one channel's batches lie (d chooses the channel). A healthy line runs through the "
        "middle of its band. One that stands still, lags behind or lies beside its band is what "
        "eval() then normalizes with.\n"
        "Formula: running = (1 - m) running + m batch, m the momentum; without momentum (None) "
        "the plain average of all batches.\n"
        "Source: Ioffe and Szegedy 2015, algorithm 2; m as in torch.nn.BatchNorm1d."
    )
    COMMANDS = (
        KeyCommand("d", "channel", "Next channel", "All channels, or one at a time", VIEW),
        KeyCommand("v", "moment", "Mean / variance", "Running means or variances", VIEW),
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.moment = "mean"
        self.channel: int | None = None
        self._plot = Plot("no batch in train() mode yet")
        self._scale = ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def action_channel(self) -> None:
        """All channels, then one after the other; `draw` returns to all after the last."""
        self.channel = 0 if self.channel is None else self.channel + 1
        self.changed()

    def action_moment(self) -> None:
        """Means or variances."""
        self.moment = "var" if self.moment == "mean" else "mean"
        self.changed()

    def draw(self, view: View, /) -> None:
        """Redraw the curves."""
        layer = view.selected
        if layer is not None and self.channel is not None and self.channel >= len(layer.units):
            self.channel = None
        name = self.layer_part(view, self.size.width // 3)
        figure = self._figure(view, layer) if layer and layer.units else None
        words = self.read_at_cursor(figure) or (self._words(layer) if layer else [])
        self.headline(name, " ", *words)
        self._plot.show(figure)

    def _words(self, layer: LayerHistory) -> list[Part]:
        frozen = " · frozen" if layer.layer.frozen else ""
        untracked = "" if layer.layer.tracked else " · has no running statistics"
        momentum = "None" if layer.facts.momentum is None else number(layer.facts.momentum)
        what = "variance" if self.moment == "var" else "mean"
        band = f" · ⣿ batches, channel {layer.units[self.channel or 0]}" if layer.units else ""
        return [
            what,
            f" · momentum {momentum}{untracked}{frozen}",
            (band, "dim"),
            (f" · {len(layer.units)} of {layer.layer.channels} channels", "dim"),
        ]

    def _figure(self, view: View, layer: LayerHistory) -> Figure:
        dots = 2 * max(self._plot.size.width - 16, 8)
        places = range(len(layer.units)) if self.channel is None else [self.channel]
        behind = self.channel or 0
        batch = layer.trace[f"batch_{self.moment}", layer.units[behind]]
        band = curve(batch, view.x, dots)
        layers: list[Layer] = [Band(band.x, band.low, band.high, f"unit-{behind % 5}-faint")]
        lines: list[Series] = []
        running = [layer.trace[f"running_{self.moment}", layer.units[place]] for place in places]
        sign = "+z" if self.moment == "mean" else ""
        form = sign + _form([series.last for series in running])
        for place, series in zip(places, running, strict=True):
            taken = curve(series, view.x, dots)
            end = taken.mean[-1] if taken.mean else series.last
            label = f"{layer.units[place]} {end:{form}}"  # of the dot beside it, as at the cursor
            lines.append(Series(taken.x, taken.mean, f"unit-{place % 5}", label, form=form))
        values = [v for line in lines for v in line.y] + band.mean
        key = id(view.run.scalars), layer.layer.name, layer.layer.model, self.moment, self.channel
        y = self._scale.fit(key, values)
        panel = Panel(view.x, y, (*layers, *view.marks(), *lines))
        return Figure(((panel,),), view.cursor)


def _form(values: list[float]) -> str:
    """One format for all: three digits of the largest."""
    largest = max((abs(value) for value in values if isfinite(value)), default=0.0)
    decimals = 2 - floor(log10(largest)) if largest > 0 else 2
    return f".{max(decimals, 0)}f" if -2 < decimals <= 5 else ".2e"
