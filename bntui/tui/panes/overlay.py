"""Train/eval losses of several runs on one axis."""

from math import nan

from textual.app import ComposeResult

from bntui.history.arm import ArmHistory
from bntui.history.history import History
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.modes import other_mode
from bntui.tui.panes.pane import Pane, Part, arm_part, value
from bntui.tui.plotting.figure import Figure, Panel, Points
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.scale import ScaleKeeper, log_steps


class OverlayPane(Pane):
    """Each run's loss in one mode on all examples it measured; `mode` chooses which."""

    TITLE = "Train / eval"
    HELP = (
        "Each run's loss on all the examples that it measured, in training mode (the batch's "
        "statistics) or in evaluation mode (the running ones).\n"
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
        numbers: list[Part] = [
            arm_part(i, name, value(_losses(arm, self.mode)[-1] if arm.modes else None))
            for i, (name, arm) in enumerate(history.arms.items())
        ]
        figure = self._figure(history)
        self._plot.show(figure)
        mode: Part = (f"{self.mode.upper()} ", f"bold $ink-{self.mode}")
        self.headline(mode, *(self.read_at_cursor(figure) or numbers))

    def _figure(self, history: History) -> Figure | None:
        curves = [
            _points(i, arm, self.mode) for i, arm in enumerate(history.arms.values()) if arm.modes
        ]
        if not curves:
            return None
        x = log_steps(max(int(curve.x[-1]) for curve in curves))
        losses = [loss for curve in curves for loss in curve.y]
        y = self._scale.fit(self.mode, losses, log=all(not loss <= 0 for loss in losses))
        return Figure(((Panel(x, y, tuple(curves)),),), self.cursor)


def _points(index: int, arm: ArmHistory, mode: str) -> Points:
    x = [float(max(event.step, 1)) for event in arm.modes]
    losses, sign = _losses(arm, mode), ARM_SHAPES[index]
    return Points(x, losses, f"arm-{index}", sign, f"{sign} {value(losses[-1])}")


def _losses(arm: ArmHistory, mode: str) -> list[float]:
    """On the most examples measured at each time."""
    losses = [[x for x in getattr(event, mode) if x is not None] for event in arm.modes]
    return [known[-1] if known else nan for known in losses]
