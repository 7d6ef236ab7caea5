"""How fast each weight moves, over the steps; and what every weight looks like now."""

from math import isnan

from textual.app import ComposeResult

from bntui.history.arm import UpdateTrace
from bntui.history.columns import Column
from bntui.history.history import History
from bntui.protocol import WeightHealth, Weights
from bntui.text import clean
from bntui.tui.commands import NEXT_NETWORK, PAGE_KEYS, VIEW, KeyCommand
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.base import Part
from bntui.tui.panes.pane import Pane, fixed, marked
from bntui.tui.plotting.bars import in_columns, shares, text_bars
from bntui.tui.plotting.figure import Figure, Guide, Panel, Series
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.sampling import sample
from bntui.tui.plotting.scale import Scale, ScaleKeeper, log_steps
from bntui.tui.plotting.strips import axis_text, strip
from bntui.tui.plotting.text_rows import Row, Rows

HEALTHY = -3.0
"""log10 of update:data at which a weight learns neither slowly nor wildly (makemore part 3)."""
LEVELS = tuple(HEALTHY + 0.5 * i for i in range(-3, 4))
"""Limits between the heights of a strip: from far below to far above the guide."""
INKS = ("low", "low", "lowish", "fair", "fair", "highish", "bad", "bad")
"""Their colours: by the distance from the guide."""
PLAIN = ("axis",) * 8
SIDE_BY_SIDE = 80
"""Columns that each of several networks' curves need."""
CURVES = 5
"""As many weights as can be told apart in one plot; all have a strip."""
HEAD = f"{'upd:data':>9}{'grad:data':>10}{'std':>7}"
NAME, NUMBERS, BARS = 10, 26, 16
"""Columns of a weight's name, of its numbers, and of its histogram where there is room."""


class UpdatesPane(Pane):
    """Ratios of update (or gradient) to data, a curve a weight; `ratio` says which."""

    TITLE = SHORT = "Updates"
    HELP = (
        "The size of a step against the size of what it changes: log10 of std(lr * gradient) / "
        "std(weight), a curve a weight. About -3 is healthy: a thousandth of a weight's size each "
        "step. Far above, weights are thrown about; far below, they hardly learn, and a weight "
        "lower than the rest learns slower than the rest. Key g shows gradient:data, which the "
        "learning rate does not touch. Below: every weight's ratio over the steps as a strip, its "
        "height and colour by the distance from -3, then its last values and a histogram.\nSource: "
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
        self._scale = ScaleKeeper()
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
        x = log_steps(max(history.total, history.steps))
        figure = self._figure(arm, x, history) if arm and trace else None
        self._plot.show(figure)
        if arm is not None and (trace or weights):
            words = [self.name_part(history, arm), *self._words(trace)]
            self.headline(*(self.read_at_cursor(figure) or words))
        self._show_table(trace, weights.weights if weights else [], arm, x)

    def _words(self, trace: UpdateTrace | None) -> list[Part]:
        what = "update" if self.ratio == "update" else "gradient"
        words: list[Part] = [(f"log10 {what}:data", "")]
        if trace and len(trace.names) > CURVES:
            words.append((f" · curves: {CURVES} of {len(trace.names)}", "dim"))
        return words

    def _columns(self, trace: UpdateTrace) -> list[Column]:
        return trace.update_ratio if self.ratio == "update" else trace.grad_ratio

    def _figure(self, chosen: Arm, x: Scale, history: History) -> Figure:
        """The chosen network's curves, or side by side those of as many as have room."""
        arms = [arm for arm in self.arms(history) if arm.history.updates]
        room = max(self._plot.size.width // SIDE_BY_SIDE, 1)
        first = max(arms.index(chosen) - room + 1, 0)
        shown = arms[first : first + room]
        dots = 2 * max(self._plot.size.width // len(shown) - 20, 8)
        signs = [ARM_SHAPES[arm.place] if len(shown) > 1 else "" for arm in shown]
        every = [self._curves(arm, x, dots, sign) for arm, sign in zip(shown, signs, strict=True)]
        guides = [Guide(HEALTHY, f"{HEALTHY:g}")] if self.ratio == "update" else []
        values = [y for curves in every for curve in curves for y in curve.y]
        y = self._scale.fit(
            (id(history.hello), self.ratio, dots), [*values, *(g.y for g in guides)]
        )
        marks = marked(history, 0, history.steps)
        titles = [
            ((f"{ARM_SHAPES[arm.place]} {clean(arm.name)}", f"arm-{arm.place}"),) for arm in shown
        ]
        panels = [
            Panel(x, y, (*guides, *marks, *curves), title if len(shown) > 1 else ())
            for title, curves in zip(titles, every, strict=True)
        ]
        return Figure((tuple(panels),), self.cursor)

    def _curves(self, arm: Arm, x: Scale, dots: int, sign: str) -> list[Series]:
        """A curve a weight, `CURVES` at most, called by the network's sign and its name."""
        curves: list[Series] = []
        if (trace := arm.history.updates) is None:
            return curves
        for ink, place in enumerate(_spread(trace)):
            column = self._columns(trace)[place]
            taken = sample(column, x, dots, steps=trace.steps, banded=False)
            label = f"{trace.names[place]} {_ratio(column.last)}"
            name = f"{sign}{trace.names[place]}"
            curves.append(Series(taken.x, taken.mean, f"unit-{ink}", label, name=name, form=".2f"))
        return curves

    def _show_table(
        self, trace: UpdateTrace | None, weights: list[WeightHealth], arm: Arm | None, x: Scale
    ) -> None:
        """A row a weight: its strip, its last ratios, its spread and histogram."""
        health = {weight.name: weight for weight in weights}
        names = list(dict.fromkeys([*(trace.names if trace else []), *health]))
        width = self.size.width - 2 - NAME - NUMBERS
        bars = BARS if width >= 3 * BARS else 0
        wide = max(width - bars - 2, 8)
        room = max((self.size.height - 1) * 55 // 100 - 2, 1)
        self._first = min(max(self._first, 0), max(len(names) - room, 0))
        seen = names[self._first : self._first + room]
        heights = {
            name: in_columns(shares(health[name].counts), bars)
            for name in seen
            if bars and name in health
        }
        top = max((max(each, default=0.0) for each in heights.values()), default=0.0)
        page = f"{self._first + 1}–{self._first + len(seen)} of {len(names)}"
        title = "weight" if len(seen) == len(names) else page
        rows: list[Row] = [
            [
                (
                    f"{title:<{NAME}}{axis_text(x, wide)}{HEAD}",
                    "dim",
                )
            ]
        ]
        for name in seen:
            cells = self._strip(trace, name, x, wide)
            numbers = _numbers(name, health.get(name), trace)
            drawn = text_bars(heights[name], top, 1)[0] if name in heights else ""
            ink = f"arm-{arm.place}" if arm else "plain"
            rows.append(
                [
                    (f"{name:<{NAME}.{NAME}}", "plain"),
                    *cells,
                    (numbers, "plain"),
                    (f"  {drawn}", ink),
                ]
            )
        self._rows.styles.height = len(rows) if names else 0
        self._rows.show(rows)

    def _strip(self, trace: UpdateTrace | None, name: str, x: Scale, width: int) -> Row:
        if trace is None or name not in trace.names:
            return [(" " * width, "plain")]
        column = self._columns(trace)[trace.names.index(name)]
        taken = sample(column, x, width, steps=trace.steps, window=0, banded=False)
        return strip(taken, x, width, LEVELS, INKS if self.ratio == "update" else PLAIN)


def _spread(trace: UpdateTrace) -> list[int]:
    """Places of at most `CURVES` weights, evenly from the first to the last."""
    last = len(trace.names) - 1
    if last < CURVES:
        return list(range(last + 1))
    return [round(i * last / (CURVES - 1)) for i in range(CURVES)]


def _numbers(name: str, health: WeightHealth | None, trace: UpdateTrace | None) -> str:
    place = trace.names.index(name) if trace and name in trace.names else None
    update, gradient = (
        (trace.update_ratio[place].last, trace.grad_ratio[place].last)
        if trace and place is not None
        else (None, None)
    )
    return f"{_ratio(update):>9}{_ratio(gradient):>10}{fixed(health.std if health else None, 6):>7}"


def _ratio(number: float | None) -> str:
    return "–" if number is None or isnan(number) else f"{number:.2f}"
