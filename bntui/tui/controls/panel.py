"""The control panel: live settings, and the config of the next run."""

import shlex
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from bntui.config.limits import check
from bntui.config.schema import RunConfig
from bntui.config.settings import SETTINGS, Setting
from bntui.config.share import share
from bntui.errors import InputError
from bntui.history.history import History
from bntui.protocol import Command
from bntui.tui.controls.panel_state import HELP, RESTART_ROW, PanelState
from bntui.tui.controls.rows import RowList
from bntui.tui.messages import SendCommand
from bntui.tui.panes.base import Part


class Panel(Vertical):
    """Shows confirmed values; a value that is only sent is marked until it is confirmed."""

    DEFAULT_CSS = """
    Panel {
        width: 42; max-width: 100%; height: 1fr; background: $surface; border-left: tall $panel;
        display: none;
    }
    Panel.-shown { display: block; }
    Panel > .title { height: 1; padding: 0 1; background: $panel; }
    Panel:focus-within > .title { background: $primary 35%; text-style: bold; }
    Panel > Input { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    Panel > Input.-shown { display: block; }
    Panel > .foot { height: auto; max-height: 45%; padding: 0 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Close")]

    class Wanted(Message):
        """Start a new run, once its changes are confirmed."""

        def __init__(self, config: RunConfig, changes: list[str]) -> None:
            super().__init__()
            self.config, self.changes = config, changes

    class Left(Message):
        """Close the panel."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PanelState()
        self._typing: Setting | None = None
        self._rows = RowList()
        self._input = Input(compact=True, select_on_focus=False)
        self._foot = Static("", classes="foot", markup=False)
        self._foot_parts: list[Part] = []

    def compose(self) -> ComposeResult:
        """Title, rows, the input line, and the foot that explains the current row."""
        yield Static("Knobs", classes="title", markup=False)
        yield self._rows
        yield self._input
        yield self._foot

    @property
    def is_shown(self) -> bool:
        """Whether it is on the screen."""
        return self.has_class("-shown")

    def toggle(self) -> None:
        """Show it and take the keyboard, or hide it."""
        self.set_class(not self.is_shown, "-shown")
        self._stop_typing()

    def draw(self, history: History) -> None:
        """Show the settings as `history` has them."""
        self.state.update(history)
        self._show()

    def forget_sent(self) -> None:
        """Drop the values that were sent: they did not reach an engine."""
        self.state.unconfirmed.clear()

    def _show(self) -> None:
        self._rows.show(self.state.rows())
        self._explain()

    def on_row_list_chosen(self) -> None:
        """Another row: another explanation."""
        self._explain()

    def on_row_list_turned(self, event: RowList.Turned) -> None:
        """Left or right."""
        self._ask(self.state.turn(event.name, event.by))

    def on_row_list_entered(self, event: RowList.Entered) -> None:
        """Type a value, take the next choice, or restart."""
        setting = SETTINGS.get(event.name)
        if event.name == RESTART_ROW:
            self._restart()
        elif setting and setting.is_typed:
            self._type(setting, event.typed)
        else:
            self._ask(self.state.turn(event.name, 1))

    def _ask(self, command: Command | None) -> None:
        if command:
            self.post_message(SendCommand(command))
        self._show()

    def _type(self, setting: Setting, begun: str) -> None:
        self._typing = setting
        self._input.value = begun or setting.editable(self.state.now(setting))
        self._input.cursor_position = len(self._input.value)
        self._input.add_class("-shown")
        self._input.focus()
        if not begun:
            self._input.action_select_all()  # what is typed replaces it
        self._explain()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the value, or say why it is not accepted."""
        event.stop()
        if not (setting := self._typing):
            return
        try:
            value = setting.read(event.value)
        except ValueError as error:
            self._refuse(str(error))
            return
        self._stop_typing()
        self._ask(self.state.put(setting, value))

    def _stop_typing(self) -> None:
        self._typing, self.state.unconfirmed.problem = None, ""
        self._input.remove_class("-shown")
        if self.is_shown:
            self._rows.focus()

    def _restart(self) -> None:
        config = self.state.next_config.config(self.state.history)
        try:
            check(config)
        except InputError as error:
            self._refuse(str(error).replace("--", ""))
        else:
            changes = self.state.next_config.changes(self.state.history)
            self.post_message(self.Wanted(config, changes))

    def _refuse(self, reason: str) -> None:
        self.state.unconfirmed.problem = reason
        self._explain()

    def action_leave(self) -> None:
        """Cancel typing, or close the panel."""
        if self._typing:
            self._stop_typing()
            self._explain()
        else:
            self.post_message(self.Left())

    def _explain(self) -> None:
        parts = [*self._words(self._rows.chosen), self._keys(), (self._share(), "dim")]
        if parts != self._foot_parts:
            self._foot_parts = parts
            self._foot.update(Content.assemble(*parts))

    def _words(self, name: str) -> list[Part]:
        """What the current row takes and what its value teaches, or why a value was refused."""
        if problem := self.state.unconfirmed.problem:
            return [(f"{problem}\n", "bold $error")]
        setting = SETTINGS.get(name)
        if setting is None:
            return [f"{HELP[name]}\n"] if name else []
        now = self.state.now(setting)
        lesson = setting.lessons.get(now) if setting.changes == "live" else None
        return [
            f"{setting.label}: {setting.takes}\n",
            (f"{lesson}\n" if lesson else "", "$warning"),
        ]

    def _keys(self) -> Part:
        setting = SETTINGS.get(self._rows.chosen)
        typed = "← → change · Enter: type" if setting and setting.is_typed else "← → change"
        return ("Enter: OK · Esc: cancel\n" if self._typing else f"{typed} · Esc: close\n", "dim")

    def _share(self) -> str:
        history = self.state.history
        known = history.hello.share if history.hello else ""
        return f"bntui --share {shlex.quote(known or share(history.config))}"
