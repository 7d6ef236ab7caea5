"""Train/eval losses of several runs on one axis."""

from math import nan
from statistics import fmean

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.text import clean
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.base import Part
from bntui.tui.panes.modes import STATISTICS, other_mode
from bntui.tui.panes.pane import Pane, value
from bntui.tui.plotting.figure import Band, Figure, Layer, Panel, Points
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.scale import ScaleKeeper, log_steps


class OverlayPane(Pane):
    """Each run's loss in one mode on all examples it measured; `mode` chooses which."""

    TITLE = "Train / eval"
    HELP = (
        "Each run's loss on the most examples that it measured often, in training mode (the "
        "batch's statistics) or in evaluation mode (the running ones); crosses are networks "
        "without running statistics. Runs that differ only in their seed are one curve, their "
        "mean, before the range of all.\n"
        "Try: m for the other mode."
    )
    COMMANDS = (KeyCommand("m", "mode", "Mode", "Training or evaluation mode", VIEW, shown=True),)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.mode = "eval"
        self._plot = Plot("no measurement yet")
        self._scale = ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def action_mode(self) -> None:
        """The other mode."""
        self.mode = other_mode(self.mode)
        self.changed()

    def draw(self, history: History) -> None:
        """Redraw curves and numbers."""
        figure = self._figure(history)
        self._plot.show(figure)
        mode: Part = (f"{self.mode.upper()} ", f"bold $ink-{self.mode}")
        words: list[Part] = [(f" {STATISTICS[self.mode]}", "dim")]
        self.headline(mode, *(self.read_at_cursor(figure) or words))

    def _figure(self, history: History) -> Figure | None:
        layers: list[Layer] = []
        for arm in self.arms(history):
            layers += _layers(arm, self.mode)
        points = [layer for layer in layers if isinstance(layer, Points)]
        if not points:
            return None
        x = log_steps(max(int(each.x[-1]) for each in points))
        losses = [loss for each in points for loss in each.y]
        y = self._scale.fit(self.mode, losses, log=all(not loss <= 0 for loss in losses))
        return Figure(((Panel(x, y, tuple(layers)),),), self.cursor)


def _layers(arm: Arm, mode: str) -> list[Layer]:
    """A network's losses; over several seeds their mean where all were measured, and the range."""
    found: dict[int, list[float]] = {}
    members = arm.seeds or (arm.history,)
    for n, events in (one.mode_curve() for one in members):
        for event in events:
            loss = getattr(event, mode)[event.sizes.index(n)]
            found.setdefault(event.step, []).append(nan if loss is None else loss)
    steps = sorted(step for step, losses in found.items() if len(losses) == len(members))
    if not steps:
        return []
    x = [float(max(step, 1)) for step in steps]
    means = [fmean(found[step]) for step in steps]
    name, ink = clean(arm.name, 12), f"arm-{arm.place}"
    glyph = "×" if arm.dotted else ARM_SHAPES[arm.place]
    label = f"{name} {value(means[-1])}"
    points = Points(x, means, ink, glyph, label, name=name, form=".4g")
    if len(members) == 1:
        return [points]
    low, high = ([pick(found[step]) for step in steps] for pick in (min, max))
    return [Band(x, low, high, f"{ink}-faint"), points]
