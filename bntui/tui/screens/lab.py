"""The lab: a status line, panes, the keys."""

from typing import ClassVar

from textual.binding import BindingType

from bntui.history.findings import findings
from bntui.tui.commands import COMMANDS
from bntui.tui.screens.help import HelpScreen
from bntui.tui.screens.labknobs import KnobActions
from bntui.tui.screens.labrun import RunActions
from bntui.tui.screens.labtime import TimeActions
from bntui.tui.screens.labview import ViewActions


class LabScreen(RunActions, KnobActions, TimeActions, ViewActions):
    """Four panes side by side where there is room, one with tabs where there is not."""

    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def action_help(self) -> None:
        """The current pane explained, what there is to see now, and the keys."""
        found = [finding.sentence() for finding in findings(self.view)]
        self.app.push_screen(HelpScreen(self.pages.current, found))

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
