"""The same weights' loss in training and in evaluation mode: over steps, and by batch size."""

from bisect import bisect_left
from math import nan

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from bntui.config.presets import PRESETS
from bntui.history.arm import ArmHistory, measured_modes
from bntui.history.history import History
from bntui.protocol import ModeLosses
from bntui.text import clean
from bntui.tui.commands import NEXT_NETWORK, VIEW, KeyCommand
from bntui.tui.panes.arms import Arm, arms_of
from bntui.tui.panes.base import Part
from bntui.tui.panes.pane import Pane, as_of, fixed, form_for, marked, value
from bntui.tui.plotting.figure import Figure, Guide, Layer, Panel, Points
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.scale import ScaleKeeper, log_steps
from bntui.tui.plotting.text_rows import wrapped

MODES = ("train", "eval")
GLYPHS = {"train": "×", "eval": "○", "gap": "•"}
STATISTICS = {"train": "the batch's statistics", "eval": "running statistics"}
ONE_ROW = "n = 1, train mode: a row minus its own mean is 0, so BN outputs beta for any input."
NOTEBOOK_NOTE = (
    "The notebook itself prints eval 0.3727 (n = 1) and 0.1907 (all): its loss in training mode "
    "also moved the running statistics. Here a measurement moves nothing."
)
SHORT_NOTE = (
    "Notebook's eval: 0.1907. Its probe moved the running statistics; ours moves nothing (?)."
)

ROOM_FOR_STATISTICS = 72
LABEL, SHORT_LABEL = 6, 3
"""Characters of the table's first column; short where only so all n have room."""
NARROWEST, WIDEST = 6, 10
"""Characters of its other columns."""
ROOM_FOR_NOTE, ROOM_FOR_LOSSES = 14, 13
"""Rows of the pane from which a remark stands below the table, and from which the losses have more
of the plot than the gap.
"""


class ModesPane(Pane):
    """Train/eval comparison of the BN arm; `mode` is active, `place` that of n in the table."""

    TITLE = "Train / eval"
    SHORT = "Tr/ev"
    BN_ONLY = True
    HELP = (
        "The same weights, measured in both modes on the first n examples. In training mode BN "
        "uses the statistics of those n rows, so an example's loss depends on its neighbours; in "
        "evaluation mode it uses the running ones. At n = 1 training mode is degenerate: every "
        "feature equals its own mean. " + NOTEBOOK_NOTE + "\n"
        "Formula: gap = loss in training mode - loss in evaluation mode.\n"
        "Source: Ioffe and Szegedy 2015, section 3.1; the notebook, train against eval.\n"
        "Try: n for every batch size; k and a batch of 2: the gap at n = all."
    )
    COMMANDS = (
        KeyCommand("m", "mode", "Mode", "Training or evaluation mode", VIEW, shown=True),
        KeyCommand("n", "next_size", "Next n", "Next batch size n", VIEW),
    )
    RELATED = (NEXT_NETWORK,)
    DEFAULT_CSS = """
    ModesPane > .table { height: 4; text-wrap: nowrap; text-overflow: ellipsis; }
    ModesPane > .note { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.mode = "train"
        self.place = 0
        self._is_chosen = False
        self._plot = Plot("no measurement yet")
        self._losses, self._gaps = ScaleKeeper(), ScaleKeeper()
        self._table = Static("", classes="table", markup=False)
        self._note = Static("", classes="note", markup=False)
        self._shown: object = None

    def compose_body(self) -> ComposeResult:
        """Losses over steps, then the table by batch size, then a remark if there is one."""
        yield self._plot
        yield self._table
        yield self._note

    def draw(self, history: History) -> None:
        """Redraw curves, table and remark."""
        arm = self.chosen(history)
        if arm is None or not arm.history.modes:
            self.headline_waiting(history)
            self._plot.show(None)
            self._clear()
            return
        last = arm.history.modes[-1]
        self.place = self.place % len(last.sizes) if self._is_chosen else _compared(arm.history)
        figure = self._figure(arm.history, history)
        self._plot.show(figure)
        numbers = [self.name_part(history, arm), *self._numbers(last, history)]
        self.headline(*(self.read_at_cursor(figure) or numbers))
        self._show_text(arm, last, history)

    def arms(self, history: History) -> list[Arm]:
        """Those with BN; where there is none, the others show that both modes are one."""
        return super().arms(history) or arms_of(history)

    def action_mode(self) -> None:
        """The other mode."""
        self.mode = other_mode(self.mode)
        self.changed()

    def action_next_size(self) -> None:
        """Next batch size; `draw` wraps around."""
        self._is_chosen = True
        self.place += 1
        self.changed()

    def _numbers(self, last: ModeLosses, history: History) -> list[Part]:
        roomy = self.size.width >= ROOM_FOR_STATISTICS
        losses = {"train": last.train[self.place], "eval": last.eval[self.place]}
        return [
            (self.mode.upper(), f"bold $ink-{self.mode}"),
            f" {value(losses[self.mode])}",
            _when(history, last, roomy),
            f" · n={last.sizes[self.place]:,}",
            f" · gap {_gap_text(last, self.place)}",
            (f" · {STATISTICS[self.mode]}" if roomy else "", "dim"),
        ]

    def _figure(self, arm: ArmHistory, history: History) -> Figure:
        """Both losses above, on a log axis; below, how far apart they are, around zero."""
        known = [event for event in arm.modes if self.place < len(event.sizes)]
        total = max(history.total, history.steps)
        x, breaks = log_steps(total), sorted(mark.step for mark in history.marks)
        losses = {mode: [getattr(event, mode)[self.place] for event in known] for mode in MODES}
        gaps = [_relative_gap(event, self.place) for event in known]
        key = id(history.hello), known[-1].sizes[self.place] if known else 0
        values = [loss for mode in MODES for loss in losses[mode] if loss is not None]
        y = self._losses.fit(key, values, log=all(loss > 0 for loss in values))
        shares = [gap for gap in gaps if gap is not None]
        around = replace(self._gaps.fit(key, [0.0, *shares]), unit="%")
        steps = [event.step for event in known]
        layers: list[Layer] = [*marked(history, 0, total)]
        for mode in MODES:
            layers += _points(steps, losses[mode], mode, breaks)
        gap = _points(steps, gaps, "gap", breaks)
        high = 2.0 if self.size.height >= ROOM_FOR_LOSSES else 1.0
        upper = Panel(x, y, tuple(layers), x_labels=False, height=high)
        lower = Panel(x, around, (Guide(0.0, "gap 0"), *gap))
        return Figure(((upper,), (lower,)), self.cursor)

    def _show_text(self, arm: Arm, last: ModeLosses, history: History) -> None:
        shown = (last, self.mode, self.place, self.size)
        if shown != self._shown:
            self._shown = shown
            self._table.display = True
            self._table.update(self._table_of(last), layout=False)
        lines = [
            row[0][0] for row in wrapped(self._remark(arm, last, history), self.size.width - 2)
        ]
        if (note := "\n".join(lines)) != self._note.content:
            self._note.styles.height = len(lines)
            self._note.update(note, layout=False)
        self._note.display = bool(note) and self.size.height >= ROOM_FOR_NOTE

    def _clear(self) -> None:
        self._shown = None
        self._table.display = self._note.display = False

    def _remark(self, arm: Arm, last: ModeLosses, history: History) -> str:
        if last.sizes[self.place] == 1 and self.mode == "train":
            return ONE_ROW
        is_unchanged = all(mark.arm not in {None, arm.name} for mark in history.marks)
        is_notebooks = history.config == PRESETS["notebook"] and is_unchanged
        if is_notebooks and last.step == PRESETS["notebook"].steps:
            return SHORT_NOTE
        return _plain_arms(history)

    def _table_of(self, last: ModeLosses) -> Content:
        count, short = len(last.sizes), self.size.width < LABEL + len(last.sizes) * NARROWEST
        label = SHORT_LABEL if short else LABEL
        shown = self._columns(count, label)
        width = min(max((self.size.width - label) // max(len(shown), 1), NARROWEST), WIDEST)
        sizes = {place: f"{last.sizes[place]:,}" for place in shown}
        if any(len(n) >= width for n in sizes.values()):  # columns stay apart
            sizes = {place: n.replace(",", "") for place, n in sizes.items()}
        parts: list[Part] = [(f"{'n':>{label}}"[-label:], "dim")]
        for place in shown:
            style = "bold reverse" if place == self.place else "dim"
            parts.append((f"{sizes[place]:>{width}}", style))
        for mode in MODES:
            sign = "▶" if mode == self.mode else " "
            losses = getattr(last, mode)
            parts.append((f"\n{f'{sign}{mode}':<{label}.{label}}", f"$ink-{mode}"))
            parts.append(("".join(f"{fixed(losses[i], width - 1):>{width}}" for i in shown), ""))
        gaps = (fixed(_difference(last, i), width - 1, "+") for i in shown)
        gap = "".join(f"{text:>{width}}" for text in gaps)
        name = "gap" if short else " gap"
        return Content.assemble(*parts, (f"\n{name:<{label}}{gap}", "$ink-gap"))

    def _columns(self, count: int, label: int) -> list[int]:
        """The sizes that there is room for: the chosen one, all examples, then the smallest."""
        room = max((self.size.width - label) // NARROWEST, 1)
        wanted = dict.fromkeys([self.place, count - 1, *range(count)])
        return sorted(list(wanted)[:room])


def other_mode(mode: str) -> str:
    """Evaluation for training, training for evaluation."""
    return MODES[1 - MODES.index(mode)]


def _points(
    steps: list[int], values: list[float | None], name: str, breaks: list[int]
) -> list[Points]:
    """Measured points, joined between changes of the run; a label at the last."""
    parts: dict[int, list[tuple[float, float]]] = {}
    for step, number in zip(steps, values, strict=True):
        y = nan if number is None else number
        parts.setdefault(bisect_left(breaks, step), []).append((float(max(step, 1)), y))
    form, unit = ("+z.1f", "%") if name == "gap" else (".3f", "")
    form = form_for(values, form)
    points = [
        Points([x for x, _ in part], [y for _, y in part], name, GLYPHS[name], "", name, form)
        for part in parts.values()
    ]
    last = next((number for number in reversed(values) if number is not None), None)
    if points and last is not None:
        points[-1] = replace(points[-1], label=f"{name} {last:{form}}{unit}")
    return points


def _relative_gap(event: ModeLosses, place: int) -> float | None:
    """Training-mode loss over evaluation-mode loss, less 1, in percent."""
    difference, evaluation = _difference(event, place), event.eval[place]
    return 100 * difference / evaluation if difference is not None and evaluation else None


def _when(history: History, last: ModeLosses, roomy: bool) -> str:
    """The step of a measurement that is not of now."""
    if last.step >= history.steps:
        return ""
    return f" · {as_of(history, last.step)}" if roomy else f" at {last.step:,}"


def _compared(arm: ArmHistory) -> int:
    """The place of the most examples that were measured all along, so that the curve is whole."""
    n, _ = arm.mode_curve()
    sizes = arm.modes[-1].sizes
    return sizes.index(n) if n in sizes else len(sizes) - 1


def _difference(last: ModeLosses, place: int) -> float | None:
    train, evaluation = last.train[place], last.eval[place]
    return None if train is None or evaluation is None else train - evaluation


def _gap_text(last: ModeLosses, place: int) -> str:
    difference = _difference(last, place)
    return "–" if difference is None else f"{difference:+z.4f}"


def _plain_arms(history: History) -> str:
    """The arms without BN, which are the same in both modes: one figure each."""
    plain = []
    for name, arm in history.arms.items():
        rows = measured_modes(arm.modes[-1]) if arm.modes else []
        if rows and all(train == evaluation for _, train, evaluation in rows):
            n, _, loss = rows[-1]
            plain.append(f"{clean(name)}: {value(loss)} in either mode (n = {n:,})")
    return ", ".join(plain)
