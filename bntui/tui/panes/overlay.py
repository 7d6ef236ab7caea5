"""Train/eval losses of several runs on one axis."""

from math import isnan, nan

from textual.app import ComposeResult

from bntui.history.arm import ArmHistory
from bntui.history.history import History
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.modes import other_mode
from bntui.tui.panes.pane import Pane, Part, arm_part, value
from bntui.tui.plotting import axes
from bntui.tui.plotting.plot import ARM_STROKES, Figure, Plot, Series


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
        self.headline((f"{self.mode.upper()} ", f"bold $ink-{self.mode}"), *numbers)
        self._plot.show(self._figure(history))

    def _figure(self, history: History) -> Figure | None:
        curves = [
            Series(
                [float(event.step) for event in arm.modes],
                _losses(arm, self.mode),
                f"arm-{i}",
                ARM_STROKES[i],
            )
            for i, arm in enumerate(history.arms.values())
        ]
        y = [loss for curve in curves for loss in curve.y]
        if all(isnan(loss) for loss in y):
            return None
        stop = max(int(curve.x[-1]) for curve in curves if curve.x)
        return Figure(axes.steps("step", 0, stop), axes.fitting("loss", y), tuple(curves))


def _losses(arm: ArmHistory, mode: str) -> list[float]:
    """On the most examples measured at each time."""
    losses = [[x for x in getattr(event, mode) if x is not None] for event in arm.modes]
    return [known[-1] if known else nan for known in losses]
