"""Loss: what the user logged, over the steps."""

import re
from collections.abc import Sequence

from msgspec.structs import replace
from textual.app import ComposeResult

from bntui.history.watched import Series as Logged
from bntui.text import number
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.base import Part
from bntui.tui.plotting.figure import Band, Figure, Layer, Panel, Points, Series
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.sampling import WIDEST_MEAN
from bntui.tui.plotting.scale import Scale, ScaleKeeper
from bntui.tui.plotting.text_rows import Rows, wrapped
from bntui.tui.watched.pane import WatchedPane, curve
from bntui.tui.watched.view import View

HOW = (
    "Nothing is logged. In the training script: watch = bntui.watch(model), and after every "
    "optimizer.step(): watch.log(loss=loss). More named numbers are welcome."
)
ROWS = 6
"""Rows of a panel at least."""
CURVES = 5
"""Curves of a panel at most."""
GLYPHS = "×○•+◆"
FEW = 30
"""Numbers up to which each is a point."""
LATEST = 25
"""Numbers over which the headline averages."""


class ScalarsPane(WatchedPane):
    """Logged numbers: names that end in the same word share an axis; `log_scale` is for losses."""

    TITLE = SHORT = "Loss"
    HELP = (
        "What the training script logged with watch.log(name=value), or what a callback took from "
        "its trainer. Strong: the mean of the steps under each dot (of up to 25 around them); "
        "faint: where 80 % of them lie. Numbers whose names end in the same word (train_loss, "
        "val_loss) share an axis, others have their own. The headline has means of the last 25.\n"
        "Try: watch.log(loss=loss, accuracy=accuracy)."
    )
    COMMANDS = (
        KeyCommand("l", "log_scale", "Log / linear", "Losses on a log or a linear axis", VIEW),
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.log_scale = True
        self._plot = Plot()
        self._how = Rows()
        self._scales: dict[str, ScaleKeeper] = {}

    def compose_body(self) -> ComposeResult:
        """One plot, or a sentence."""
        yield self._plot
        yield self._how

    def action_log_scale(self) -> None:
        """Log or linear axis."""
        self.log_scale = not self.log_scale
        self.changed()

    def draw(self, view: View, /) -> None:
        """Redraw curves and numbers."""
        logged = {name: series for name, series in view.run.scalars.items() if len(series)}
        self._plot.display, self._how.display = bool(logged), not logged
        if not logged:
            self.headline(("nothing logged", "dim"))
            self._how.show(wrapped(HOW, max(self.size.width - 2, 10)))
            return
        groups = _groups(logged)
        room = max(self._plot.size.height // ROWS, 1)
        shown, hidden = groups[:room], [name for group in groups[room:] for name in group]
        parts: list[Part] = [(f"{name} {mean_text(logged[name])}  ", "") for name in hidden]
        inks = _inks(shown)
        for name, ink in inks.items():
            parts.append((f"{name} {mean_text(logged[name])}  ", f"$ink-{ink}"))
        panels = [self._panel(view, logged, inks, group, group is shown[-1]) for group in shown]
        figure = Figure(tuple((panel,) for panel in panels), view.cursor)
        words = self.read_at_cursor(figure) or [*parts, (f"mean of last {LATEST}", "dim")]
        self.headline(*words)
        self._plot.show(figure)

    def _panel(
        self, view: View, logged: dict[str, Logged], inks: dict[str, str], names: list[str],
        last: bool,
    ) -> Panel:  # fmt: skip
        dots = 2 * max(self._plot.size.width - 18, 8)
        bands: list[Layer] = []
        lines: list[Series | Points] = []
        for place, name in enumerate(names[:CURVES]):
            series, ink = logged[name], inks[name]
            label = f"{mean_text(series)} {name}"
            line = Series([], [], ink, label, name=name, form=".3g")
            band, drawn = on_axis(series, view.x, dots, line, GLYPHS[place])
            bands += band
            lines.append(drawn)
        values = [y for line in lines for y in line.y]
        log = self.log_scale and is_loss(names[0]) and all(y > 0 for y in values if y == y)  # noqa: PLR0124 (NaN)
        keeper = self._scales.setdefault(_kind(names[0]), ScaleKeeper())
        y = keeper.fit((id(view.run.scalars), log), values, log=log)
        return Panel(view.x, y, (*bands, *lines), x_labels=last)


def on_axis(
    series: Logged, x: Scale, dots: int, line: Series, glyph: str
) -> tuple[list[Band], Series | Points]:
    """A logged number as `line`, which has no places yet, over a band; few of them as points."""
    taken = curve(series, x, dots, window=WIDEST_MEAN)
    if len(series) > FEW:
        band = Band(taken.x, taken.low, taken.high, f"{line.ink}-faint")
        return [band], replace(line, x=taken.x, y=taken.mean)
    return [], Points(taken.x, taken.mean, line.ink, glyph, line.label, line.name)


def mean_text(series: Logged) -> str:
    """The mean of the latest numbers."""
    return number(series.column.mean_of_last(LATEST))


def _kind(name: str) -> str:
    """The last word of a name, in small letters: what it is a number of."""
    return re.split(r"[\W_]+", name.strip("_").lower())[-1] or name


def _inks(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """A colour a name, also of names that have different axes, as far as colours go."""
    names = [name for group in groups for name in group]
    return {name: f"unit-{place % CURVES}" for place, name in enumerate(names)}


def is_loss(name: str) -> bool:
    """Whether a logged number is a loss, by its name."""
    return "loss" in _kind(name)


def _groups(names: Sequence[str] | dict[str, Logged]) -> list[list[str]]:
    """Names of one kind together, losses first, else in the order in which they came."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_kind(name), []).append(name)
    return [groups[kind] for kind in sorted(groups, key=lambda kind: "loss" not in kind)]
