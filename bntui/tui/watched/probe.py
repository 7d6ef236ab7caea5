"""One batch's loss by the batch's, the running and recalibrated statistics."""

from math import nan

from textual.app import ComposeResult

from bntui.protocol import ThreeLosses
from bntui.text import number
from bntui.tui.panes.base import Part
from bntui.tui.plotting.figure import Figure, Guide, Layer, Panel, Points
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.scale import ScaleKeeper
from bntui.tui.plotting.text_rows import Rows, wrapped
from bntui.tui.watched.pane import WatchedPane
from bntui.tui.watched.view import View

HOW = (
    "No probe. One batch's loss under batch, running and recalibrated statistics, now and then: "
    "bntui.watch(model, probe=(inputs, targets, loss_fn)). It changes nothing."
)
LOSSES = (("batch", "train", "×"), ("running", "eval", "○"), ("recalibrated", "gap", "•"))
"""A loss, its ink, its glyph."""
SHORT = {"batch": "batch", "running": "run.", "recalibrated": "recal."}
ROOM_FOR_NUMBERS, ROOM_FOR_NAMES = 76, 48
"""Columns from which the headline has the numbers, and names in full."""


class ProbePane(WatchedPane):
    """Losses above, below how far running and recalibrated ones are from the batch's."""

    TITLE = "Train / eval"
    SHORT = "Tr/ev"
    HELP = (
        "The same weights and the same batch, measured three ways: normalized by the batch's own "
        "statistics (as in train()), by the running ones (as in eval()), and by running statistics "
        "recomputed from scratch (recalibrated). Below: the last two less the first. If running is "
        "far above batch and recalibrated is not, the running statistics are at fault. If both "
        "are, BatchNorm's statistics are not the cause.\n"
        "Formula: gap = loss by running statistics - loss by the batch's.\n"
        "Source: Wu and Johnson 2021, Rethinking Batch in BatchNorm, section 3."
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._plot = Plot()
        self._how = Rows()
        self._losses, self._gaps = ScaleKeeper(), ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """One plot, or a sentence."""
        yield self._plot
        yield self._how

    def draw(self, view: View, /) -> None:
        """Redraw losses and gaps, or say how to have some."""
        model, known = _probed(view)
        self._plot.display, self._how.display = bool(known), not known
        if not known:
            self.headline(("no probe", "dim"))
            self._how.show(wrapped(HOW, max(self.size.width - 2, 10)))
            return
        last, several = known[-1], len(view.run.probes) > 1
        parts: list[Part] = [(f"{model}  ", "bold")] if several else []
        width = self.size.width
        for name, ink, glyph in LOSSES:
            words = f"{glyph} {name} {number(getattr(last, name))}  "
            if width < ROOM_FOR_NUMBERS:  # they stand beside the curves, too
                words = f"{glyph} {name.replace('recalibrated', 'recal.')}  "
            if width < ROOM_FOR_NAMES:
                words = f"{glyph} {SHORT[name]} "
            parts.append((words, f"$ink-{ink}"))
        figure = self._figure(view, known)
        headline = self.read_at_cursor(figure) or [*parts, (f"step {last.step:,}", "dim")]
        self.headline(*headline)
        self._plot.show(figure)

    def _figure(self, view: View, known: list[ThreeLosses]) -> Figure:
        steps = [float(max(event.step, 1)) for event in known]
        key = id(view.run.scalars), known[0].model
        curves: list[Layer] = []
        gaps: list[Layer] = []
        values: list[float] = []
        differences: list[float] = [0.0]
        for name, ink, glyph in LOSSES:
            losses = [_value(getattr(event, name)) for event in known]
            values += losses
            label = f"{glyph} {number(losses[-1])}"
            curves.append(Points(steps, losses, ink, glyph, label, name=f"{glyph} {name}"))
            if name != "batch":
                apart = [
                    loss - _value(event.batch) for loss, event in zip(losses, known, strict=True)
                ]
                differences += apart
                label = f"{glyph} {apart[-1]:+.3g}"
                gap = f"{name} − batch"
                gaps.append(Points(steps, apart, ink, glyph, label, name=gap, form="+.3g"))
        y = self._losses.fit(key, values, log=all(not v <= 0 for v in values))
        around = self._gaps.fit(key, differences)
        upper = Panel(view.x, y, tuple(curves), x_labels=False)
        lower = Panel(view.x, around, (Guide(0.0, "gap 0"), *gaps))
        return Figure(((upper,), (lower,)), view.cursor)


def _value(number: float | None) -> float:
    return nan if number is None else number


def _probed(view: View) -> tuple[str, list[ThreeLosses]]:
    """The losses of the selected layer's model, else of the first that has some."""
    model = view.selected.layer.model if view.selected else ""
    if view.run.probes.get(model):
        return model, view.run.probes[model]
    return next(((name, known) for name, known in view.run.probes.items() if known), ("", []))
