"""What a BatchNorm layer keeps for inference (running) against what each batch shows."""

from math import isnan

from textual.app import ComposeResult

from bntui.history.arm import Trace
from bntui.history.columns import Column
from bntui.history.history import History
from bntui.protocol import Watch
from bntui.tui.commands import LAYER_KEYS, NEXT_NETWORK, VIEW, KeyCommand
from bntui.tui.panes.pane import Pane, Part, value
from bntui.tui.plotting import axes
from bntui.tui.plotting.marks import marks
from bntui.tui.plotting.plot import THICK, THIN, Figure, Plot, Series

Ranges = list[tuple[int, int]]
Marks = tuple[tuple[float, ...], tuple[str, ...]]

LAG_WINDOW = 100
"""Sampled steps over which the lag is averaged, so that a single batch's noise cancels."""


class StatisticsPane(Pane):
    """Running against batch statistics of the watched units, all at once or one of them."""

    TITLE = "Running stats"
    SHORT = "Stats"
    BN_ONLY = True
    HELP = (
        "While it trains, BN normalizes by each batch's own mean and variance; for evaluation it "
        "keeps running averages of both. The running curve is smooth and lags behind the noisy "
        "batch: lag is batch minus running, averaged over the last 100 sampled steps. In the "
        "notebook's own plot each step normalized twice, so its running mean moved twice a step; "
        "here a step moves it once.\n"
        "Formula: running = (1 - m) running + m batch, m the momentum.\n"
        "Source: Ioffe and Szegedy 2015, algorithm 2; m as torch.nn.BatchNorm1d has it.\n"
        "Try: k and momentum 0, 1 or 0.001, and what Train / eval makes of it."
    )
    COMMANDS = (
        KeyCommand("d", "unit", "Next unit", "All five units, or one at a time", VIEW),
        KeyCommand("D", "units(5)", "Next units", "Watch the next five units", VIEW),
        KeyCommand("U", "units(-5)", "Previous units", "Watch the previous five units", VIEW),
        KeyCommand("v", "moment", "Mean / variance", "Running means or variances", VIEW),
    )
    RELATED = (*LAYER_KEYS, NEXT_NETWORK)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.moment = "mean"
        self.unit: int | None = None
        self._running_plot = Plot("no BatchNorm step yet")
        self._batch_plot = Plot("")

    def compose_body(self) -> ComposeResult:
        """Running above batch; one plot alone when one unit is chosen."""
        yield self._running_plot
        yield self._batch_plot

    def action_unit(self) -> None:
        """All units, then one after the other, then all again."""
        trace = self._trace(self.history)
        chosen = 0 if self.unit is None else self.unit + 1
        self.unit = chosen if trace and chosen < len(trace.units) else None
        self.changed()

    def action_units(self, by: int) -> None:
        """Watch five other units, `by` places on."""
        trace, hello = self._trace(self.history), self.history.hello
        if trace and hello:
            hidden = hello.config.hidden
            first = (trace.units[0] + by) % hidden if trace.units else 0
            self.send(Watch(trace.layer, list(range(first, min(first + 5, hidden)))))

    def action_moment(self) -> None:
        """Means or variances."""
        self.moment = "var" if self.moment == "mean" else "mean"
        self.changed()

    def watched(self, layer: int) -> Watch | None:
        """The command that watches the same units in another hidden layer."""
        trace = self._trace(self.history)
        return Watch(layer, trace.units) if trace else None

    def _trace(self, history: History) -> Trace | None:
        arm = self.chosen(history)
        return arm.history.trace if arm else None

    def draw(self, history: History) -> None:
        """Redraw the curves and the lag."""
        arm, trace = self.chosen(history), self._trace(history)
        if self.unit is not None and (trace is None or self.unit >= len(trace.units)):
            self.unit = None
        self._batch_plot.display = self.unit is None and trace is not None
        if arm is None or trace is None or not len(trace.steps):
            self.headline_waiting(history)
            self._running_plot.show(None)
            return
        total = history.hello.config.steps if history.hello else 1
        self.headline(self.name_part(history, arm), *self._numbers(trace))
        stop = axes.room_for(history.steps, total)
        self._show(trace, stop, marks(history, 0, stop))

    def _chosen(self, trace: Trace) -> list[int]:
        return list(range(len(trace.units))) if self.unit is None else [self.unit]

    def _numbers(self, trace: Trace) -> list[Part]:
        what = "variance" if self.moment == "var" else "mean"
        layer = f"layer {trace.layer + 1} " if trace.layer else ""
        chosen = self._chosen(trace)
        units: list[Part] = [(f"{trace.units[i]} ", f"$ink-unit-{i % 5}") for i in chosen]
        noun = "units" if self.unit is None else "unit"
        return [f"{layer}{what} · {self._lag_text(trace)} · {noun} ", *units, self._shapes()]

    def _shapes(self) -> Part:
        return ("", "") if self.unit is None else ("· thick running, thin batch", "dim")

    def _lag_text(self, trace: Trace) -> str:
        if self.unit is not None:
            return f"lag {value(lag(trace, self.moment, self.unit), 2)}"
        lags = [abs(lag(trace, self.moment, i)) for i in self._chosen(trace)]
        return f"|lag| {value(sum(lags) / len(lags), 2)}" if lags else ""

    def _show(self, trace: Trace, stop: int, done: Marks) -> None:
        ranges = trace.buckets(max(self._running_plot.size.width - 8, 10))
        running = trace.columns[f"running_{self.moment}"]
        batch = trace.columns[f"batch_{self.moment}"]
        chosen = self._chosen(trace)
        strong = [_line(trace, running[i], i, ranges) for i in chosen]
        faint = "" if self.unit is None else "-faint"
        noisy = [_band(trace, batch[i], f"unit-{i % 5}{faint}", ranges) for i in chosen]
        y = [v for s in (*strong, *noisy) for v in s.y]
        if all(isnan(v) for v in y):
            return
        self._draw_plots(strong, noisy, y, stop, done)

    def _draw_plots(
        self, strong: list[Series], noisy: list[Series], y: list[float], stop: int, done: Marks
    ) -> None:
        x = axes.steps("step", 0, stop)
        if self.unit is not None:
            self._running_plot.show(
                Figure(x, axes.linear(self.moment, y), (*noisy, *strong), *done)
            )
            return
        bare = axes.Axis("", x.low, x.high, ())
        self._running_plot.show(
            Figure(bare, axes.linear(f"running {self.moment}", y, 3), tuple(strong), *done)
        )
        self._batch_plot.show(
            Figure(x, axes.linear(f"batch {self.moment}", y, 3), tuple(noisy), done[0])
        )


def lag(trace: Trace, moment: str, unit: int) -> float:
    """Batch minus running, averaged over the last sampled steps."""
    batch = trace.columns[f"batch_{moment}"][unit].mean_of_last(LAG_WINDOW)
    return batch - trace.columns[f"running_{moment}"][unit].mean_of_last(LAG_WINDOW)


def _line(trace: Trace, column: Column, unit: int, ranges: Ranges) -> Series:
    """The mean over each range of samples."""
    x = [float(trace.steps[start]) for start, _ in ranges]
    return Series(x, [column.over(*each)[2] for each in ranges], f"unit-{unit % 5}", THICK)


def _band(trace: Trace, column: Column, ink: str, ranges: Ranges) -> Series:
    """Every batch's value, or between a range's extremes where there are more than fit."""
    x = [float(trace.steps[start]) for start, _ in ranges for _ in range(2)]
    y = [edge for each in ranges for edge in column.over(*each)[:2]]
    return Series(x, y, ink, THIN)
