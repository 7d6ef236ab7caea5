"""What a BatchNorm layer keeps for inference (running) against what each batch shows."""

from textual.app import ComposeResult

from bntui.history.arm import Trace
from bntui.history.history import History
from bntui.protocol import TraceUnits
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK, RUN, VIEW, KeyCommand
from bntui.tui.panes.base import Part
from bntui.tui.panes.pane import Pane, form_for, marked, value
from bntui.tui.plotting.figure import Band, Figure, Layer, Panel, Series
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.sampling import sample
from bntui.tui.plotting.scale import Scale, ScaleKeeper, log_steps

INITIAL = {"mean": 0.0, "var": 1.0}
"""What BatchNorm's running statistics are before the first step."""

LAG_WINDOW = 100
"""Sampled steps over which the lag is averaged, so that a single batch's noise cancels."""


class StatisticsPane(Pane):
    """Running statistics of the watched units, a line each, before one unit's batches."""

    TITLE = "Running stats"
    SHORT = "Stats"
    BN_ONLY = True
    HELP = (
        "While it trains, BN normalizes by each batch's own mean and variance; for evaluation it "
        "keeps running averages of both: a line a unit, from its initial value on (mean 0, "
        "variance 1), its number the mean of the steps under its last dot. The band is where 80 % "
        "of one unit's batches lie (d chooses the unit); its running line is smooth and lags "
        "behind it: lag is batch minus running, averaged over the last 100 sampled steps. In the "
        "notebook's own plot each step normalized twice, so its running mean moved twice a step; "
        "here a step moves it once.\n"
        "Formula: running = (1 - m) running + m batch, m the momentum.\n"
        "Source: Ioffe and Szegedy 2015, algorithm 2; m as torch.nn.BatchNorm1d has it.\n"
        "Try: k and momentum 0, 1 or 0.001, and what Train / eval makes of it."
    )
    COMMANDS = (
        KeyCommand("d", "unit", "Next unit", "All five units, or one at a time", VIEW),
        KeyCommand("D", "units(5)", "Next units", "Watch the next five units", RUN),
        KeyCommand("U", "units(-5)", "Previous units", "Watch the previous five units", RUN),
        KeyCommand("v", "moment", "Mean / variance", "Running means or variances", VIEW),
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.moment = "mean"
        self.unit: int | None = None
        self._plot = Plot("no BatchNorm step yet")
        self._scale = ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def action_unit(self) -> None:
        """All units, then one after the other, then all again."""
        trace = self._trace(self.history)
        chosen = 0 if self.unit is None else self.unit + 1
        self.unit = chosen if trace and chosen < len(trace.units) else None
        self.changed()

    def action_units(self, by: int) -> None:
        """Watch five other units, `by` places on."""
        if trace := self._trace(self.history):
            hidden = self.history.config.hidden
            first = (trace.units[0] + by) % hidden if trace.units else 0
            self.send(TraceUnits(trace.layer, list(range(first, min(first + 5, hidden)))))

    def action_moment(self) -> None:
        """Means or variances."""
        self.moment = "var" if self.moment == "mean" else "mean"
        self.changed()

    def watched(self, layer: int) -> TraceUnits | None:
        """The command that watches the same units in another hidden layer."""
        trace = self._trace(self.history)
        return TraceUnits(layer, trace.units) if trace else None

    def _trace(self, history: History) -> Trace | None:
        arm = self.chosen(history)
        return arm.history.trace if arm else None

    def draw(self, history: History) -> None:
        """Redraw the curves and the lag."""
        arm, trace = self.chosen(history), self._trace(history)
        if self.unit is not None and (trace is None or self.unit >= len(trace.units)):
            self.unit = None
        if arm is None or trace is None or not len(trace.steps):
            self.headline_waiting(history)
            self._plot.show(None)
            return
        figure = self._figure(trace, history)
        self._plot.show(figure)
        numbers = [self.name_part(history, arm), *self._numbers(trace)]
        self.headline(*(self.read_at_cursor(figure) or numbers))

    def _chosen(self, trace: Trace) -> list[int]:
        return list(range(len(trace.units))) if self.unit is None else [self.unit]

    def _numbers(self, trace: Trace) -> list[Part]:
        what = "variance" if self.moment == "var" else "mean"
        layer = f"layer {trace.layer + 1} " if trace.layer else ""
        if not trace.units:
            return [f"{layer}{what}"]
        first, last = trace.units[0], trace.units[-1]
        one = None if self.unit is None else trace.units[self.unit]
        shown = f"units {first} to {last}" if one is None else f"unit {one}"
        band = (f" · ⣿ batch, unit {trace.units[self.unit or 0]}", "dim")
        return [f"{layer}{what}", band, f" · {self._lag_text(trace)}", f" · {shown}"]

    def _lag_text(self, trace: Trace) -> str:
        if self.unit is not None:
            return f"lag {value(lag(trace, self.moment, self.unit), 2)}"
        lags = [abs(lag(trace, self.moment, i)) for i in self._chosen(trace)]
        return f"|lag| {value(sum(lags) / len(lags), 2)}" if lags else ""

    def _figure(self, trace: Trace, history: History) -> Figure:
        total = max(history.total, history.steps)
        x = log_steps(total)
        dots = 2 * max(self._plot.size.width - 16, 8)
        layers: list[Layer] = []
        if trace.units:
            behind = self.unit or 0
            batch = trace.columns[f"batch_{self.moment}"][behind]
            taken = sample(batch, x, dots, steps=trace.steps)
            layers.append(Band(taken.x, taken.low, taken.high, f"unit-{behind % 5}-faint"))
        layers += marked(history, 0, total)
        running = [trace.columns[f"running_{self.moment}"][i].last for i in self._chosen(trace)]
        form = form_for(running, "+z.2f" if self.moment == "mean" else ".2f")
        lines = [self._line(trace, i, x, dots, form) for i in self._chosen(trace)]
        values = [v for line in lines for v in line.y]
        key = id(history.hello), self.moment, tuple(trace.units), self.unit, dots
        panel = Panel(x, self._scale.fit(key, values), (*layers, *lines))
        return Figure(((panel,),), self.cursor)

    def _line(self, trace: Trace, unit: int, x: Scale, dots: int, form: str) -> Series:
        """A unit's running statistic, from its initial value where the first step was seen."""
        column = trace.columns[f"running_{self.moment}"][unit]
        taken = sample(column, x, dots, steps=trace.steps, window=0, banded=False)
        begins = [INITIAL[self.moment]] if trace.steps[0] == 0 else []
        xs, ys = [1.0] * len(begins) + taken.x, begins + taken.mean
        label = f"{trace.units[unit]} {ys[-1]:{form}}"  # of the dot beside it, as at the cursor
        return Series(xs, ys, f"unit-{unit % 5}", label, form=form)


def lag(trace: Trace, moment: str, unit: int) -> float:
    """Batch minus running, averaged over the last sampled steps."""
    batch = trace.columns[f"batch_{moment}"][unit].mean_of_last(LAG_WINDOW)
    return batch - trace.columns[f"running_{moment}"][unit].mean_of_last(LAG_WINDOW)
