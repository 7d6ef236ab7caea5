"""Keys for the run: each asks the engine, and the screen changes when its State comes back."""

from bntui import protocol
from bntui.tui.screens.labframe import LabFrame

USUAL_PACE = 500.0
"""Steps per second at which a person sees learning happen."""


class RunActions(LabFrame):
    """Pause, step, restart, pace."""

    def action_pause(self) -> None:
        """Pause a running engine, let a paused one go on."""
        state = self.history.state
        if state and state.state == "finished":
            self.notify("This run is finished: r begins it again.")
        else:
            running = state and state.state == "running"
            self.ask(protocol.Pause() if running else protocol.Resume())

    def action_step(self) -> None:
        """One training step."""
        self.ask(protocol.Step())

    def action_restart(self) -> None:
        """The same run again."""
        if self.history.hello:
            self.ask(protocol.Start(self.history.config))

    def action_faster(self) -> None:
        """Double the pace."""
        if self.history.state and self.history.state.pace:
            self.ask(protocol.SetPace(min(self.history.state.pace * 2, 1e6)))

    def action_slower(self) -> None:
        """Half the pace; from full speed, the usual pace."""
        if self.history.state:
            pace = self.history.state.pace
            self.ask(protocol.SetPace(max(pace / 2, 0.1) if pace else USUAL_PACE))

    def action_full_speed(self) -> None:
        """Full speed, or back to the usual pace."""
        if self.history.state:
            self.ask(protocol.SetPace(None if self.history.state.pace else USUAL_PACE))
