"""The control panel: knobs that are turned while a run goes on, and wishes for a new one."""

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
from bntui.config.share import share
from bntui.errors import InputError
from bntui.history.history import History
from bntui.protocol import Command
from bntui.tui.controls.panel_state import Board
from bntui.tui.controls.rows import RowList
from bntui.tui.controls.setting_table import AT, LABELS, LIVE, is_typed, read, takes, text
from bntui.tui.messages import SendCommand
from bntui.tui.panes.pane import Part


class Panel(Vertical):
    """Shows what events confirmed; what is only asked for is marked until they do."""

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
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave")]

    class Wanted(Message):
        """A new run is wanted, if what it changes is confirmed."""

        def __init__(self, config: RunConfig, changes: list[str]) -> None:
            super().__init__()
            self.config, self.changes = config, changes

    class Left(Message):
        """The keyboard is wanted elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.board = Board()
        self._typing = ""
        self._rows = RowList()
        self._input = Input(compact=True, select_on_focus=False)
        self._foot = Static("", classes="foot", markup=False)
        self._foot_parts: list[Part] = []

    def compose(self) -> ComposeResult:
        """Title, rows, the place to type in, and the foot that explains."""
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
        """Show how the knobs stand in `history`."""
        self.board.look(history)
        self._show()

    def _show(self) -> None:
        self._rows.show(self.board.rows())
        self._explain()

    def on_row_list_chosen(self) -> None:
        """Another row: another explanation."""
        self._explain()

    def on_row_list_turned(self, event: RowList.Turned) -> None:
        """Left or right."""
        self._ask(self.board.turn(event.name, event.by))

    def on_row_list_entered(self, event: RowList.Entered) -> None:
        """Type a value, take the next choice, or begin again."""
        if event.name == "begin":
            self._begin()
        elif is_typed(event.name):
            self._type(event.name, event.typed)
        else:
            self._ask(self.board.turn(event.name, 1))

    def _ask(self, command: Command | None) -> None:
        if command:
            self.post_message(SendCommand(command))
        self._show()

    def _type(self, name: str, begun: str) -> None:
        self._typing = name
        now = self.board.now(name)
        known = "" if now is None and name == "data" else text(name, now)
        self._input.value = begun or known
        self._input.cursor_position = len(self._input.value)
        self._input.add_class("-shown")
        self._input.focus()
        self._explain()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the value if it can be, else say why not."""
        event.stop()
        name = self._typing
        try:
            value = read(name, event.value)
        except ValueError as error:
            self._refuse(str(error))
            return
        self._stop_typing()
        self._ask(self.board.put(name, value))

    def _stop_typing(self) -> None:
        self._typing = self.board.pending.problem = ""
        self._input.remove_class("-shown")
        if self.is_shown:
            self._rows.focus()

    def _begin(self) -> None:
        config = self.board.draft.config(self.board.history)
        try:
            check(config)
        except InputError as error:
            self._refuse(str(error).replace("--", ""))
        else:
            changes = self.board.draft.changes(self.board.history)
            self.post_message(self.Wanted(config, changes))

    def _refuse(self, reason: str) -> None:
        self.board.pending.problem = reason
        self._explain()

    def action_leave(self) -> None:
        """Out of typing, or out of the panel."""
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
        """What the chosen row takes and what its value teaches, or what was refused."""
        if problem := self.board.pending.problem:
            return [(f"{problem}\n", "bold $error")]
        if not name:
            return []
        now = self.board.now(name) if name in LIVE else None
        lesson = AT.get((name, now)) if isinstance(now, int | float) else None
        label = f"{LABELS[name]}: " if name in LABELS else ""
        return [f"{label}{takes(name)}\n", (f"{lesson}\n" if lesson else "", "$warning")]

    def _keys(self) -> Part:
        typed = is_typed(self._rows.chosen)
        keys = "← → turn · enter types" if typed else "← → choose"
        keys = "enter takes it · escape does not" if self._typing else f"{keys} · escape leaves"
        return (f"{keys}\n", "dim")

    def _share(self) -> str:
        hello = self.board.history.hello
        told = hello.share if hello else ""
        return f"bntui --share {shlex.quote(told or share(self.board.config))}"
