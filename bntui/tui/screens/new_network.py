"""What needs a new network: settings are collected here, confirmed, and make one start."""

import shlex
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from bntui.config.limits import check
from bntui.config.schema import RunConfig
from bntui.config.share import share
from bntui.errors import InputError
from bntui.tui.controls.fields import Fields
from bntui.tui.controls.rows import RowList
from bntui.tui.controls.settings_state import SettingsState
from bntui.tui.screens.confirm import ConfirmScreen


class NewNetworkScreen(ModalScreen[RunConfig | None]):
    """Dismissed with the config to start, or None; `state` keeps what was chosen until then."""

    DEFAULT_CSS = """
    NewNetworkScreen { align: center middle; }
    NewNetworkScreen > Vertical {
        width: 76; max-width: 100%; height: 28; max-height: 100%;
        background: $surface; border: round $primary;
    }
    NewNetworkScreen Fields { height: 1fr; }
    NewNetworkScreen .share { height: auto; max-height: 2; padding: 0 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q,K", "leave", "Cancel"),
        ("ctrl+c,ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, state: SettingsState) -> None:
        super().__init__()
        self._state = state
        self._fields = Fields(state, state.new_rows, RowList())

    def compose(self) -> ComposeResult:
        """The settings, and the config of the run that is shown."""
        history = self._state.history
        known = (history.hello and history.hello.share) or share(history.config)
        with Vertical() as box:
            box.border_title, box.border_subtitle = "New network", "End, Enter: start it"
            yield self._fields
            yield Static(
                f"This run: bntui --share {shlex.quote(known)}", classes="share", markup=False
            )

    def on_mount(self) -> None:
        """Choose the first setting."""
        self._fields.open()

    def on_fields_entered(self) -> None:
        """Confirm the changes, if they go together."""
        config = self._state.next_config.config(self._state.history)
        try:
            check(config)
        except InputError as error:
            self._fields.refuse(str(error).replace("--", ""))
            return

        def start(confirmed: bool | None) -> None:
            if confirmed:
                self.dismiss(config)

        changes = self._state.next_config.changes(self._state.history)
        self.app.push_screen(ConfirmScreen(changes, share(config)), start)

    def on_fields_left(self) -> None:
        """Close without a start."""
        self.dismiss(None)

    def action_leave(self) -> None:
        """The same, with the keys of this screen."""
        self._fields.action_leave()
