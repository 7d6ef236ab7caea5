"""Keys for turning knobs, forking and taking back; nothing changes before the engine says so."""

from bntui import protocol
from bntui.config.schema import MOST_ARMS
from bntui.config.share import share
from bntui.tui.controls.panel import Panel
from bntui.tui.screens.confirm import ConfirmScreen
from bntui.tui.screens.fork import ForkScreen
from bntui.tui.screens.labframe import LabFrame


class KnobActions(LabFrame):
    """The control panel, forks, undo."""

    def action_controls(self) -> None:
        """Show the control panel, or hide it."""
        self.panel.toggle()
        if not self.panel.is_shown:
            self.pages.current.focus()
        self.fit()

    def on_panel_asked(self, event: Panel.Asked) -> None:
        """A knob was turned."""
        self.ask(event.command)

    def on_panel_wanted(self, event: Panel.Wanted) -> None:
        """Begin again with another config, if that is confirmed."""

        def begin(confirmed: bool | None) -> None:
            if confirmed:
                self.ask(protocol.Start(event.config))

        self.app.push_screen(ConfirmScreen(event.changes, share(event.config)), begin)

    def on_panel_left(self) -> None:
        """Back to the panes; where the panel hides them, it goes."""
        if self.panel.has_class("-over"):
            self.action_controls()
        else:
            self.pages.current.focus()

    def action_fork(self) -> None:
        """Choose what to fork."""
        if not self.history.arms:
            return
        if len(self.history.arms) >= MOST_ARMS:
            self.notify(f"{MOST_ARMS} arms are the most; u takes the last fork back.")
            return

        def fork(wanted: protocol.Fork | None) -> None:
            if wanted:
                self.ask(wanted)

        self.app.push_screen(ForkScreen(self.history), fork)

    def action_undo(self) -> None:
        """Take back the newest change, fork or recalibration."""
        self.ask(protocol.Undo())
