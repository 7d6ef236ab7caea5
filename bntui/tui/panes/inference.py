"""One network's loss under running, precise and batch statistics."""

from math import isnan, nan

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Ladder, Recalibrate, Recalibrated, SplitLosses
from bntui.tui.commands import NEXT_NETWORK, RUN, UNDO, VIEW, KeyCommand
from bntui.tui.panes.arms import Arm, arms_of
from bntui.tui.panes.pane import Pane, as_of, fixed, value
from bntui.tui.plotting.figure import Figure, Panel, Points, Series
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.scale import linear, logarithmic
from bntui.tui.plotting.text_rows import Row, Rows, wrapped

LABEL, CELL = 11, 8
"""Columns of the table's first column and of its others."""
DECIMALS = 4
"""Of its losses: what sets them apart is small."""
ROOM_FOR_PLOT = 6
"""Rows."""


class InferencePane(Pane):
    """The ladder as a table and a plot; `place` is that of n in the table."""

    TITLE, SHORT = "Inference", "Inf."
    HELP = (
        "The same weights and the same examples, normalized by different statistics. Running: the "
        "averages kept while training, as in evaluation mode. Precise: mean and variance of one "
        "pass over the training set with today's weights (of a large one, over evenly spaced "
        "examples). Batch: those of n examples, as in training mode, a mean over random orders; by "
        "class: of n examples sorted by target, a batch that is not drawn at random. The "
        "train/eval gap is batch minus running = (batch - precise), the noise of n examples, + "
        "(precise - running), what the averages lag behind.\nSources: Ioffe and Szegedy 2015, "
        "algorithm 2; Wu and Johnson 2021, 'Rethinking Batch in BatchNorm'.\n"
        "Try: momentum 0.001, then R."
    )
    DEFAULT_CSS = "InferencePane > .words { height: auto; }"
    COMMANDS = (
        KeyCommand("n", "next_size", "Next n", "Next batch size n of the table", VIEW),
        KeyCommand(
            "R",
            "recalibrate",
            "Recalibrate",
            "Recompute running statistics over the training set (PreciseBN)",
            RUN,
        ),
    )
    RELATED = (UNDO, NEXT_NETWORK)
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

    def action_next_size(self) -> None:
        """Next n; `draw` wraps around."""
        self.place = 0 if self.place is None else self.place + 1
        self.changed()

    def action_recalibrate(self) -> None:
        """Ask for precise statistics in place of the running ones."""
        if arm := self.chosen(self.history):
            self.send(Recalibrate(arm.name))
        elif self.history.hello:
            self.notify("No network here has BatchNorm: there is nothing to recalibrate.")

    def draw(self, history: History) -> None:
        """Redraw words, table and plot."""
        arm = self.chosen(history)
        event = arm.history.latest(Ladder) if arm else None
        if arm is None or event is None:
            self.headline_waiting(history)
            rows: list[Row] = []
        else:
            self.headline(
                self.name_part(history, arm),
                f"step {event.step:,} · the same {event.examples:,} examples",
            )
            rows = self._ladder(event, history)
        rows += _splits(history)
        if arm and (sentence := _recalibrated(history, arm)):
            rows += [[], *wrapped(sentence, max(self.size.width - 2, 20))]
        self._words.styles.height = len(rows)
        self._words.show(rows)
        self._plot.display = self.size.height - len(rows) >= ROOM_FOR_PLOT or not rows
        self._plot.show(_figure(event) if event else None)

    def _ladder(self, event: Ladder, history: History) -> list[Row]:
        count = min(len(event.sizes), len(event.batch), len(event.by_class))
        width = max(self.size.width - 2, 20)
        rows: list[Row] = [
            _rung("─ running", event.running, "as in evaluation mode"),
            _rung("╌ precise", event.precise, _precise_words(event, history)),
        ]
        if not count:
            return rows
        place = self._chosen_size(event, count, history)
        return [
            *rows,
            *self._table(event, place, count),
            [],
            *wrapped(explained(event, place), width),
        ]

    def _chosen_size(self, event: Ladder, count: int, history: History) -> int:
        """The chosen n; until one is chosen, the largest that is no larger than a batch."""
        if self.place is not None:
            self.place %= count
            return self.place
        batch = history.config.batch_size
        return max((i for i in range(count) if event.sizes[i] <= batch), default=0)

    def _table(self, event: Ladder, place: int, count: int) -> list[Row]:
        room = max((self.size.width - 2 - LABEL) // CELL, 1)
        first = min(max(place - room + 1, 0), max(count - room, 0))
        seen = range(first, min(first + room, count))
        head: Row = [(f"{'  n':<{LABEL}}", "dim")]
        for i in seen:
            n = f"{event.sizes[i]:,}"
            head += [(" " * (CELL - len(n)), "plain"), (n, "chosen" if i == place else "dim")]
        batch = "".join(
            f"{fixed(event.batch[i], CELL - 1, decimals=DECIMALS):>{CELL}}" for i in seen
        )
        by_class = "".join(
            f"{fixed(event.by_class[i], CELL - 1, decimals=DECIMALS):>{CELL}}" for i in seen
        )
        return [
            head,
            [(f"{'○ batch':<{LABEL}}", "train"), (batch, "plain")],
            [(f"{'× by class':<{LABEL}}", "gap"), (by_class, "plain")],
        ]


def _precise_words(event: Ladder, history: History) -> str:
    """Of which examples the precise statistics are, as far as the log says."""
    n = event.precise_examples
    if not n:
        return "one pass over the training set"
    whole = history.dataset is not None and n >= history.dataset.examples
    return f"one pass over {'all ' if whole else ''}{n:,} examples{'' if whole else ', a sample'}"


def _rung(name: str, loss: float | None, words: str) -> Row:
    return [
        (f"{name:<{LABEL}}", "eval"),
        (f"{fixed(loss, 8, decimals=DECIMALS):<9}", "bold"),
        (words, "dim"),
    ]


def explained(event: Ladder, place: int) -> str:
    """The gap between both modes at that n, as the sum of its two causes."""
    n, batch, running, precise = (
        event.sizes[place],
        event.batch[place],
        event.running,
        event.precise,
    )
    if batch is None or running is None or precise is None:
        return f"At n = {n:,} not every loss is finite, so the gap is unknown."
    spread = event.spread[place] if place < len(event.spread) else None
    orders = ""
    if spread is not None and n < event.examples:
        orders = f" (mean of {event.orders} random orders, standard deviation {spread:.2g})"
    text = (
        f"At n = {n:,} train is {batch:.4f}{orders} and eval {running:.4f}, a gap of "
        f"{batch - running:+z.4f}: "
        f"{batch - precise:+z.4f} because a batch's statistics are noisy (batch − precise), "
        f"{precise - running:+z.4f} because the running ones are not precise (precise − running)."
    )
    sorted_loss = event.by_class[place]
    if sorted_loss is None:
        return text
    return f"{text} Sorted by class the same batches cost {sorted_loss - batch:+z.4f}."


def _recalibrated(history: History, arm: Arm) -> str:
    """What was last done to the arm's running statistics, if anything."""
    marks = [m for m in history.marks if isinstance(m, Recalibrated) and m.arm == arm.name]
    if not marks:
        return ""
    last = marks[-1]
    if not last.undone:
        return f"Recalibrated at step {last.step:,}; u undoes it."
    older = last.since is not None and last.since < last.step
    whose = (
        f": the statistics are those of the weights of step {last.since:,} again" if older else ""
    )
    return f"Recalibration undone at step {last.step:,}{whose}."


def _splits(history: History) -> list[Row]:
    """Losses by split, on how many examples of each and when; a row an arm."""
    rows: list[Row] = []
    for arm in arms_of(history):
        if event := arm.history.latest(SplitLosses):
            losses = " · ".join(f"{name} {value(loss)}" for name, loss in event.losses.items())
            label = f"{ARM_SHAPES[arm.place]} {arm.name}"
            if not rows:
                when = as_of(history, event.step).removeprefix("as of ")
                counts = (f"{name} ({event.examples.get(name, 0):,})" for name in event.losses)
                rows = [[], [(f"eval mode, {when}: {' · '.join(counts)}", "dim")]]
            rows.append([(f"{label:<{LABEL}} ", f"arm-{arm.place}"), (losses, "plain")])
    return rows


def _figure(event: Ladder) -> Figure | None:
    """Losses at each measured n as points; running and precise ones, which know no n, as lines."""
    sizes = [float(n) for n in event.sizes]
    if not sizes:
        return None
    ends = [min(sizes), max(sizes)]
    lines = [
        Series(ends, [loss] * 2, "eval", f"{name} {value(loss)}", dotted=name == "precise")
        for name, loss in (("running", event.running), ("precise", event.precise))
        if loss is not None
    ]
    points = [
        Points(
            sizes[: len(losses)],
            [nan if loss is None else loss for loss in losses[: len(sizes)]],
            ink,
            glyph,
        )
        for losses, ink, glyph in ((event.by_class, "gap", "×"), (event.batch, "train", "○"))
    ]
    layers: list[Series | Points] = [*lines, *points]
    known = [y for layer in layers for y in layer.y if not isnan(y)]
    if not known:
        return None
    wide = min(known) > 0 and max(known) >= 5 * min(known)
    y = logarithmic(known) if wide else linear(known)
    return Figure(((Panel(logarithmic(sizes), y, tuple(layers)),),))
