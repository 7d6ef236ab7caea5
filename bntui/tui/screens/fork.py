"""The fork dialog: which network is copied, which setting differs, and its value."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from bntui.config.settings import LIVE, Setting
from bntui.history.history import History
from bntui.protocol import Fork
from bntui.tui.controls.rows import Row, RowList

FORKED = tuple(setting for setting in LIVE if setting.per_network)
"""Settings in which a fork may differ."""

WORDS = (
    "Trains a copy of the network beside it, on the same batches. With no difference the copy "
    "stays equal, bit for bit."
)


class ForkScreen(ModalScreen[Fork | None]):
    """Dismissed with the fork to make, or None."""

    DEFAULT_CSS = """
    ForkScreen { align: center middle; }
    ForkScreen > Vertical {
        width: 50; max-width: 100%; height: auto; max-height: 100%; background: $surface;
        border: round $primary; padding: 0 1;
    }
    ForkScreen RowList { height: 3; }
    ForkScreen Input { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    ForkScreen Input.-shown { display: block; }
    ForkScreen .words { height: auto; color: $text-muted; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,f", "leave", "Cancel"),
        ("ctrl+c,ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self._arms = list(history.arms)
        self._arm = next((n for n in self._arms if history.arms[n].norm != "none"), self._arms[0])
        self._setting: Setting | None = FORKED[0]
        self._value: object = None
        self._rows = RowList()
        self._input = Input(compact=True, select_on_focus=False)
        self._words = Static(WORDS, classes="words", markup=False)

    def compose(self) -> ComposeResult:
        """Three rows, the input line, an explanation."""
        with Vertical() as box:
            box.border_title = "Fork"
            box.border_subtitle = "Enter: OK · Esc: cancel"
            yield self._rows
            yield self._input
            yield self._words

    def on_mount(self) -> None:
        """Show the first choice."""
        self._show()
        self._rows.focus()

    @property
    def _settings(self) -> list[Setting | None]:
        """Those that do something in the chosen network."""
        norm = self._history.arms[self._arm].norm
        return [None, *(setting for setting in FORKED if setting.applies_to(norm))]

    def _now(self, setting: Setting) -> object:
        """The chosen value; at first the network's own, one increment on."""
        if self._value is not None:
            return self._value
        return setting.turned(self._history.standing(setting.knob)[self._arm], 1)

    def _fork(self) -> Fork:
        if not (setting := self._setting):
            return Fork(self._arm)
        value = self._now(setting)
        return Fork(self._arm, setting.knob, float(value) if isinstance(value, int | float) else 0)

    def _show(self) -> None:
        if self._setting not in self._settings:
            self._setting, self._value = None, None
        setting = self._setting
        self._rows.show(
            [
                Row("arm", "copy of", self._arm),
                Row("setting", "differs in", setting.label if setting else "nothing"),
                Row(
                    "value",
                    "value",
                    setting.show(self._now(setting)) if setting else "–",
                    typed=setting is not None and setting.is_typed,
                ),
            ]
        )

    def on_row_list_turned(self, event: RowList.Turned) -> None:
        """Left or right."""
        if event.name == "arm":
            self._arm = self._arms[(self._arms.index(self._arm) + event.by) % len(self._arms)]
            self._value = None
        elif event.name == "setting":
            settings = self._settings
            self._setting = settings[(settings.index(self._setting) + event.by) % len(settings)]
            self._value = None
        elif self._setting:
            self._value = self._setting.turned(self._now(self._setting), event.by)
        self._show()

    async def on_row_list_entered(self, event: RowList.Entered) -> None:
        """Type a value, or make the fork; the rows still get keys until typing begins."""
        is_typing = self._input.has_class("-shown")
        if is_typing and event.typed:
            self._input.insert_text_at_cursor(event.typed)
        elif is_typing:
            await self._input.action_submit()
        elif not event.typed:
            self.dismiss(self._fork())
        elif event.name == "value":
            self._input.value = event.typed
            self._input.cursor_position = 1
            self._input.add_class("-shown")
            self._input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the typed value, or say why it is not accepted."""
        if self._setting:
            try:
                self._value = self._setting.read(event.value)
            except ValueError as error:
                self._words.update(str(error))
                return
        self._stop_typing()

    def _stop_typing(self) -> None:
        self._words.update(WORDS)
        self._input.remove_class("-shown")
        self._rows.focus()
        self._show()

    def action_leave(self) -> None:
        """Cancel typing, or the fork."""
        if self._input.has_class("-shown"):
            self._stop_typing()
        else:
            self.dismiss(None)
