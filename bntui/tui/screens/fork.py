"""The fork chooser: which arm is copied, which knob differs, and to what."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from bntui.config.schema import Knob
from bntui.history.history import History
from bntui.history.standing import standing
from bntui.protocol import Fork
from bntui.tui.controls.increments import turned
from bntui.tui.controls.rows import Row, RowList
from bntui.tui.controls.setting_table import LABELS, read, text

FORKED: tuple[Knob, ...] = ("lr", "momentum", "eps", "norm")
"""What may differ; all arms see the same batches, so the batch size may not."""

WORDS = (
    "A copy of the arm as it is now learns on beside it, from the same batches. A fork in which "
    "nothing differs stays equal, bit for bit."
)


class ForkScreen(ModalScreen[Fork | None]):
    """Gives the fork that is wanted, or None."""

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
        ("escape,q,f", "leave", "Leave"),
        ("ctrl+c,ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self._arms = list(history.arms)
        self._arm = next((n for n in self._arms if history.arms[n].norm != "none"), self._arms[0])
        self._knob: Knob | None = "lr"
        self._value: float | None = None
        self._rows = RowList()
        self._input = Input(compact=True, select_on_focus=False)
        self._words = Static(WORDS, classes="words", markup=False)

    def compose(self) -> ComposeResult:
        """Three rows, a place to type in, a word of explanation."""
        with Vertical() as box:
            box.border_title = "Fork"
            box.border_subtitle = "enter forks · escape leaves"
            yield self._rows
            yield self._input
            yield self._words

    def on_mount(self) -> None:
        """Show what is chosen."""
        self._show()
        self._rows.focus()

    @property
    def _knobs(self) -> list[Knob | None]:
        return [None, *(knob for knob in FORKED if self._arm in standing(self._history, knob))]

    def _now(self) -> float:
        """The value wanted; at first the next step on from the arm's own."""
        if self._value is not None:
            return self._value
        if self._knob is None:
            return 0.0
        own = standing(self._history, self._knob)[self._arm]
        value = turned(self._knob, own, 1)
        return float(value) if isinstance(value, int | float) else own

    def _show(self) -> None:
        if self._knob not in self._knobs:
            self._knob, self._value = None, None
        value = text(self._knob, self._now()) if self._knob else "–"
        self._rows.show(
            [
                Row("arm", "copy of", self._arm),
                Row("knob", "differs in", LABELS[self._knob] if self._knob else "nothing"),
                Row("value", "value", value, typed=self._knob not in {None, "norm"}),
            ]
        )

    def on_row_list_turned(self, event: RowList.Turned) -> None:
        """Left or right."""
        if event.name == "arm":
            self._arm = self._arms[(self._arms.index(self._arm) + event.by) % len(self._arms)]
            self._value = None
        elif event.name == "knob":
            knobs = self._knobs
            self._knob = knobs[(knobs.index(self._knob) + event.by) % len(knobs)]
            self._value = None
        elif self._knob:
            value = turned(self._knob, self._now(), event.by)
            self._value = float(value) if isinstance(value, int | float) else None
        self._show()

    def on_row_list_entered(self, event: RowList.Entered) -> None:
        """A typed value begins, or the fork is wanted as it stands."""
        if not event.typed:
            self.dismiss(Fork(self._arm, self._knob, self._now()))
        elif event.name == "value":
            self._input.value = event.typed
            self._input.cursor_position = 1
            self._input.add_class("-shown")
            self._input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the typed value if it can be, else say why not."""
        try:
            value = read(self._knob or "lr", event.value)
        except ValueError as error:
            self._words.update(str(error))
            return
        self._value = float(value) if isinstance(value, int | float) else None
        self._stop_typing()

    def _stop_typing(self) -> None:
        self._words.update(WORDS)
        self._input.remove_class("-shown")
        self._rows.focus()
        self._show()

    def action_leave(self) -> None:
        """Out of typing, or out of here."""
        if self._input.has_class("-shown"):
            self._stop_typing()
        else:
            self.dismiss(None)
