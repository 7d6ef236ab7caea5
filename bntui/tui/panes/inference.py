"""One network, one loss by whose statistics: running, precise, or those of batches of n."""

from math import nan

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Ladder, Recalibrated, SplitLosses
from bntui.tui.panes.arms import Arm, arms_of
from bntui.tui.panes.pane import Pane, brief, value
from bntui.tui.plotting import axes
from bntui.tui.plotting.plot import ARM_SHAPES, THICK, THIN, Figure, Plot, Series
from bntui.tui.plotting.text_rows import Row, Rows, wrapped

LABEL, CELL = 11, 8
"""Columns of the table's first column and of its others."""
ROOM_FOR_PLOT = 6
"""Rows."""
ROOM_FOR_COUNTS = 100
"""Columns."""


class InferencePane(Pane):
    """The ladder as a table and a plot; `place` is that of n in the table."""

    TITLE, SHORT = "Inference", "Infer."
    HELP = (
        "The same weights and the same examples, normalized by different statistics. Running: the "
        "averages kept while training, as in evaluation mode. Precise: mean and variance of one "
        "pass over the whole training set with today's weights. Batch: those of n examples drawn "
        "at random, as in training mode; by class: of n examples sorted by target, a batch that "
        "is not drawn at random. The train/eval gap is batch minus running = (batch - precise), "
        "the noise of n examples, + (precise - running), what the averages lag behind.\nSources: "
        "Ioffe and Szegedy 2015, algorithm 2; Wu and Johnson 2021, 'Rethinking Batch in "
        "BatchNorm', sections 3 and 5.\n"
        "Try: momentum 0.001, then R."
    )
    DEFAULT_CSS = "InferencePane > .words { height: auto; }"
    KEYS = ("n", "R", "u", "a")
    PROBES = ("ladder",)
    BN_ONLY = True

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.place: int | None = None
        self._words = Rows(classes="words")
        self._plot = Plot("no ladder measured yet")

    def compose_body(self) -> ComposeResult:
        """Words and table above, the plot below."""
        yield self._words
        yield self._plot

    def next_size(self) -> None:
        """The next n; `draw` goes round."""
        self.place = 0 if self.place is None else self.place + 1

    def draw(self, history: History) -> None:
        """Redraw words, table and plot."""
        arm = self.chosen(history)
        told = arm.history.latest(Ladder) if arm else None
        if arm is None or told is None:
            nothing = "waiting for the first measurement" if arm or not history.arms else NO_BN_HERE
            self.headline((nothing, "dim"))
            rows: list[Row] = []
        else:
            self.headline(
                self.name_part(history, arm),
                f"step {told.step:,} · the same {told.examples:,} examples",
                (f" · {_recalibrated(history, arm) or 'R recalibrates'}", "dim"),
            )
            rows = self._ladder(told, history)
        rows += _splits(history, self.size.width >= ROOM_FOR_COUNTS)
        self._words.styles.height = len(rows)
        self._words.show(rows)
        self._plot.display = self.size.height - len(rows) >= ROOM_FOR_PLOT or not rows
        self._plot.show(_figure(told) if told else None)

    def _ladder(self, told: Ladder, history: History) -> list[Row]:
        count = min(len(told.sizes), len(told.batch), len(told.by_class))
        width = max(self.size.width - 2, 20)
        rows: list[Row] = [
            _rung("⠒ running", told.running, "as in evaluation mode"),
            _rung("  precise", told.precise, "one pass over the training set"),
        ]
        if not count:
            return rows
        place = self._chosen_size(told, count, history)
        return [
            *rows,
            *self._table(told, place, count),
            [],
            *wrapped(explained(told, place), width),
        ]

    def _chosen_size(self, told: Ladder, count: int, history: History) -> int:
        """The chosen n; until one is chosen, the largest that is no larger than a batch."""
        if self.place is not None:
            self.place %= count
            return self.place
        batch = history.config.batch_size
        return max((i for i in range(count) if told.sizes[i] <= batch), default=0)

    def _table(self, told: Ladder, place: int, count: int) -> list[Row]:
        room = max((self.size.width - 2 - LABEL) // CELL, 1)
        first = min(max(place - room + 1, 0), max(count - room, 0))
        seen = range(first, min(first + room, count))
        head: Row = [(f"{'  n':<{LABEL}}", "dim")]
        for i in seen:
            n = f"{told.sizes[i]:,}"
            head += [(" " * (CELL - len(n)), "plain"), (n, "chosen" if i == place else "dim")]
        batch = "".join(f"{brief(told.batch[i], CELL - 1):>{CELL}}" for i in seen)
        by_class = "".join(f"{brief(told.by_class[i], CELL - 1):>{CELL}}" for i in seen)
        return [
            head,
            [(f"{'▀ batch':<{LABEL}}", "train"), (batch, "plain")],
            [(f"{'× by class':<{LABEL}}", "mark"), (by_class, "plain")],
        ]


def _rung(name: str, loss: float | None, words: str) -> Row:
    return [(f"{name:<{LABEL}}", "eval"), (f"{value(loss):<9}", "bold"), (words, "dim")]


NO_BN_HERE = "no network here has BatchNorm: a loss depends on no other example"


def explained(told: Ladder, place: int) -> str:
    """The gap between both modes at that n, as the sum of its two causes."""
    n, batch, running, precise = told.sizes[place], told.batch[place], told.running, told.precise
    if batch is None or running is None or precise is None:
        return f"At n = {n:,} not every loss is finite, so the gap cannot be told."
    text = (
        f"At n = {n:,} train is {batch:.4g} and eval {running:.4g}, a gap of "
        f"{batch - running:+.4f}: "
        f"{batch - precise:+.4f} because a batch's statistics are noisy (batch − precise), "
        f"{precise - running:+.4f} because the running ones are not precise (precise − running)."
    )
    sorted_loss = told.by_class[place]
    if sorted_loss is None:
        return text
    return f"{text} Sorted by class the same batches cost {sorted_loss - batch:+.4f}."


def _recalibrated(history: History, arm: Arm) -> str:
    """What was last done to the arm's running statistics, if anything."""
    marks = [m for m in history.marks if isinstance(m, Recalibrated) and m.arm == arm.name]
    if not marks:
        return ""
    done = "recalibration undone" if marks[-1].undone else "recalibrated (u undoes)"
    return f"{done} at step {marks[-1].step:,}"


def _splits(history: History, counted: bool) -> list[Row]:
    """Losses by split, a row an arm; `counted` tells on how many examples."""
    rows: list[Row] = []
    for arm in arms_of(history):
        if told := arm.history.latest(SplitLosses):
            losses = " · ".join(
                f"{name} {value(loss)}" + (f" ({told.examples.get(name, 0):,})" if counted else "")
                for name, loss in told.losses.items()
            )
            label = f"{ARM_SHAPES[arm.place]} {arm.name}"
            rows.append(
                [(f"{label:<{LABEL}} ", f"arm-{arm.place}"), (f"eval on {losses}", "plain")]
            )
    return [[], *rows] if rows else []


def _figure(told: Ladder) -> Figure | None:
    sizes = [float(n) for n in told.sizes]
    curves = [
        Series(x, [nan if loss is None else loss for loss in losses], ink, shape)
        for x, losses, ink, shape in (
            (sizes, told.by_class, "mark", "×"),
            (sizes, told.batch, "train", THICK),
            ([min(sizes), max(sizes)] if sizes else [], [told.running] * 2, "eval", THIN),
        )
        if len(x) == len(losses) and x
    ]
    known = [y for curve in curves for y in curve.y if y == y]  # noqa: PLR0124 (NaN)
    if not known:
        return None
    x_axis = axes.logarithmic("n", sizes)
    return Figure(x_axis, axes.fitting("loss", known), tuple(curves))
