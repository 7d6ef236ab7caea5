"""Settings in rows: those of the networks that run, or those of a new one."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from bntui.config.settings import SETTINGS, Setting
from bntui.history.history import History
from bntui.protocol import Command
from bntui.tui.controls.rows import Row, RowList
from bntui.tui.controls.settings_state import ACTIONS, HELP, SettingsState
from bntui.tui.messages import SendCommand
from bntui.tui.panes.base import Part


class Fields(Vertical):
    """Shows confirmed values; a value that is only sent is marked until it is confirmed."""

    DEFAULT_CSS = """
    Fields { height: auto; }
    Fields > Horizontal { height: 2; padding: 0 1; }
    Fields Input {
        display: none; width: 16; height: 1; border: none; padding: 0 1; margin-right: 1;
        background: $boost;
    }
    Fields Input.-shown { display: block; }
    Fields .words { width: 1fr; height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Close")]

    class Entered(Message):
        """Enter on a row that is not a setting."""

    class Left(Message):
        """Close them."""

    def __init__(self, state: SettingsState, rows: Callable[[], list[Row]], view: RowList) -> None:
        super().__init__()
        self._state = state
        self._typing: Setting | None = None
        self._rows, self._view = rows, view
        self._input = Input(compact=True, select_on_focus=False)
        self._words = Static("", classes="words", markup=False)
        self._parts: list[Part] = []

    def compose(self) -> ComposeResult:
        """The rows; the input line and words about the chosen row."""
        yield self._view
        with Horizontal():
            yield self._input
            yield self._words

    def open(self) -> None:
        """Show the settings and take the keyboard."""
        self._stop_typing()
        self._show()

    def draw(self, history: History) -> None:
        """Show the settings as `history` has them."""
        self._state.update(history)
        self._show()

    def _show(self) -> None:
        self._view.show(self._rows())
        self._explain()

    def on_row_list_chosen(self) -> None:
        """Another row: another explanation."""
        self._state.unconfirmed.problem = ""
        self._explain()

    def on_row_list_turned(self, event: RowList.Turned) -> None:
        """The next value, or the one before."""
        self._ask(self._state.turn(event.name, event.by))

    async def on_row_list_entered(self, event: RowList.Entered) -> None:
        """Type a value, or take the next choice; the rows still get keys until typing begins."""
        if self._typing and event.typed:
            self._input.insert_text_at_cursor(event.typed)
            return
        if self._typing:
            await self._input.action_submit()
            return
        setting = SETTINGS.get(event.name)
        if event.name in ACTIONS:
            self.post_message(self.Entered())
        elif setting and setting.is_typed:
            self._type(setting, event.typed)
        else:
            self._ask(self._state.turn(event.name, 1))

    def _ask(self, command: Command | None) -> None:
        if command:
            self.post_message(SendCommand(command))
        self._show()

    def _type(self, setting: Setting, begun: str) -> None:
        self._typing = setting
        self._input.value = begun or setting.editable(self._state.now(setting))
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
            self.refuse(str(error))
            return
        self._stop_typing()
        self._ask(self._state.put(setting, value))

    def _stop_typing(self) -> None:
        self._typing, self._state.unconfirmed.problem = None, ""
        self._input.remove_class("-shown")
        self._view.focus()

    def refuse(self, reason: str) -> None:
        """Say why a value, or all together, are not accepted."""
        self._state.unconfirmed.problem = reason
        self._explain()

    def action_leave(self) -> None:
        """Cancel typing, or close."""
        was_typing = self._typing
        self._stop_typing()
        if was_typing:
            self._explain()
        else:
            self.post_message(self.Left())

    def _explain(self) -> None:
        parts = [*self._about(self._view.chosen), self._keys()]
        if parts != self._parts:
            self._parts = parts
            self._words.update(Content.assemble(*parts))

    def _about(self, name: str) -> list[Part]:
        """What the current row takes and what its value teaches, or why a value was refused."""
        if problem := self._state.unconfirmed.problem:
            return [(f"{problem} ", "bold $error")]
        setting = SETTINGS.get(name)
        if setting is None:
            return [f"{HELP[name]}. "] if name else []
        now = self._state.now(setting)
        lesson = setting.lessons.get(now) if setting.changes == "live" else None
        takes = setting.takes.rstrip(".")
        return [(f"{lesson} ", "$warning")] if lesson else [f"{setting.label}: {takes}. "]

    def _keys(self) -> Part:
        if self._typing:
            return "Enter: OK · Esc: cancel", "dim"
        if self._view.chosen in ACTIONS:
            return "Esc: close", "dim"
        setting = SETTINGS.get(self._view.chosen)
        typed = " · Enter: type" if setting and setting.is_typed else ""
        return f"{self._view.TURN} change{typed} · Esc: close", "dim"
