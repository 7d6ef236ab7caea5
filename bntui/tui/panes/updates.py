"""How fast each weight moves, over the steps; and what every weight looks like now."""

from math import isnan

from textual.app import ComposeResult

from bntui.history.arm import UpdateTrace
from bntui.history.columns import Column
from bntui.history.history import History
from bntui.protocol import WeightHealth, Weights
from bntui.tui.commands import NEXT_NETWORK, PAGE_KEYS, VIEW, KeyCommand
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.pane import Pane, Part, brief, value
from bntui.tui.plotting import axes
from bntui.tui.plotting.histogram import blocks, shares
from bntui.tui.plotting.marks import marks
from bntui.tui.plotting.plot import THICK, THIN, Figure, Plot, Series
from bntui.tui.plotting.text_rows import Row, Rows

HEALTHY = -3.0
"""log10 of update:data at which a weight learns neither slowly nor wildly (makemore part 3)."""
SHAPES = {"▞": THICK, "⠒": THIN, "×": "×", "+": "+", "o": "o"}
"""How curves differ without colour, by their signs in the headline."""
CURVES = len(SHAPES)
"""As many weights as can be told apart in one plot."""
NUMBERS = 38
"""Columns of a weight's name and numbers."""


class UpdatesPane(Pane):
    """Ratios of update (or gradient) to data, a curve a weight; `ratio` says which."""

    TITLE = SHORT = "Updates"
    HELP = (
        "The size of a step against the size of what it changes: log10 of std(lr * gradient) / "
        "std(weight), a curve a weight. About -3 is healthy: a thousandth of a weight's size each "
        "step. Far above, weights are thrown about; far below, they hardly learn, and a weight "
        "lower than the rest learns slower than the rest. Key g shows gradient:data, which the "
        "learning rate does not touch. Below: every weight's spread and a histogram.\nSource: "
        "makemore part 3, update:data ratios.\n"
        "Try: the learning rate ten times higher, then lower."
    )
    DEFAULT_CSS = "UpdatesPane > Rows { height: auto; max-height: 55%; }"
    COMMANDS = (
        KeyCommand(
            "g", "ratio", "Update / gradient", "Ratio of update or of gradient to weight", VIEW
        ),
    )
    RELATED = (NEXT_NETWORK, *PAGE_KEYS)
    PROBES = ("weights",)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.ratio = "update"
        self._first = 0
        self._plot = Plot("no update yet")
        self._rows = Rows()

    def compose_body(self) -> ComposeResult:
        """Curves above, a table of the weights below."""
        yield self._plot
        yield self._rows

    def action_ratio(self) -> None:
        """The other ratio."""
        self.ratio = "grad" if self.ratio == "update" else "update"
        self.changed()

    def turn(self, by: int) -> None:
        """Next or previous weights, where not all fit."""
        self._first += by * max(self._rows.size.height - 1, 1)

    def draw(self, history: History) -> None:
        """Redraw curves and table."""
        arm = self.chosen(history)
        trace = arm.history.updates if arm else None
        weights = arm.history.latest(Weights) if arm else None
        if arm is None or not (trace or weights):
            self.headline_waiting(history)
        else:
            self.headline(self.name_part(history, arm), *self._words(trace))
        self._plot.show(self._figure(trace, history) if trace else None)
        self._show_table(trace, weights.weights if weights else [], arm)

    def _words(self, trace: UpdateTrace | None) -> list[Part]:
        what = "update" if self.ratio == "update" else "gradient"
        words: list[Part] = [(f"log10 {what}:data · ", "")]
        places = _spread(trace) if trace else []
        if trace and len(places) < len(trace.names):
            words.append((f"{CURVES} of {len(trace.names)}: ", "dim"))
        for ink, place in enumerate(places):
            name = trace.names[place] if trace else ""
            words.append((f"{list(SHAPES)[ink]} {name} ", f"$ink-unit-{ink}"))
        return words

    def _columns(self, trace: UpdateTrace) -> list[Column]:
        return trace.update_ratio if self.ratio == "update" else trace.grad_ratio

    def _figure(self, trace: UpdateTrace, history: History) -> Figure | None:
        ranges = trace.buckets(max(self._plot.size.width - 8, 10))
        x = [float(trace.steps[start]) for start, _ in ranges]
        curves = [
            Series(
                x,
                [self._columns(trace)[place].over(*each)[2] for each in ranges],
                f"unit-{ink}",
                list(SHAPES.values())[ink],
            )
            for ink, place in enumerate(_spread(trace))
        ]
        y = [v for curve in curves for v in curve.y]
        if all(isnan(v) for v in y):
            return None
        total = history.hello.config.steps if history.hello else 1
        stop = axes.room_for(history.steps, total)
        guide = [HEALTHY] if self.ratio == "update" else []
        lines = [Series([0.0, float(stop)], guide * 2, "axis", "-") for _ in guide]
        axis = axes.linear(f"log10 {self.ratio}", y + guide)
        return Figure(
            axes.steps("step", 0, stop), axis, (*lines, *curves), *marks(history, 0, stop)
        )

    def _show_table(
        self, trace: UpdateTrace | None, weights: list[WeightHealth], arm: Arm | None
    ) -> None:
        ink = f"arm-{arm.place}" if arm else "plain"
        width = max(self.size.width - 2 - NUMBERS, 0)
        room = max((self.size.height - 1) * 55 // 100 - 1, 1)
        self._first = min(max(self._first, 0), max(len(weights) - room, 0))
        seen = weights[self._first : self._first + room]
        top = max((share for weight in weights for share in shares(weight.counts)), default=0.0)
        rows: list[Row] = [[(_header(len(weights), self._first, len(seen)), "dim")]]
        for weight in seen:
            bars = blocks(shares(weight.counts), top, max(width - 16, 0), 1)[0]
            edge = f"{value(weight.low, 3):>7} " if width > 25 else ""
            end = f" {value(weight.high, 3)}" if width > 25 else ""
            rows.append(
                [(_numbers(weight, trace), "plain"), (edge, "dim"), (bars, ink), (end, "dim")]
            )
        self._rows.styles.height = len(rows) if weights else 0
        self._rows.show(rows)


def _spread(trace: UpdateTrace) -> list[int]:
    """Places of at most `CURVES` weights, evenly from the first to the last."""
    last = len(trace.names) - 1
    if last < CURVES:
        return list(range(last + 1))
    return [round(i * last / (CURVES - 1)) for i in range(CURVES)]


def _header(count: int, first: int, seen: int) -> str:
    title = "weight" if seen == count else f"{first + 1}–{first + seen} of {count}"
    return f"{title:<10}{'std':>7}{'upd:data':>9}{'grad:data':>10}"


def _numbers(weight: WeightHealth, trace: UpdateTrace | None) -> str:
    place = trace.names.index(weight.name) if trace and weight.name in trace.names else None
    update, gradient = (
        (trace.update_ratio[place].mean_of_last(1), trace.grad_ratio[place].mean_of_last(1))
        if trace and place is not None and len(trace.steps)
        else (None, None)
    )
    ratios = f"{_ratio(update):>9}{_ratio(gradient):>10}"
    return f"{weight.name:<10.10}{brief(weight.std, 6):>7}{ratios}  "


def _ratio(number: float | None) -> str:
    return "–" if number is None or isnan(number) else f"{number:.2f}"
