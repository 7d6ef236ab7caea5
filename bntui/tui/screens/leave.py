"""The question what becomes of a script whose screen is left."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

Answer = Literal["continue", "stop"]


class LeaveScreen(ModalScreen[Answer | None]):
    """Dismissed with what to do with the script, or None to stay."""

    DEFAULT_CSS = """
    LeaveScreen { align: center middle; }
    LeaveScreen > VerticalScroll {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "dismiss('continue')", "Continue without a screen"),
        ("s", "dismiss('stop')", "Stop"),
        ("escape,q", "dismiss(None)", "Cancel"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._script = name

    def compose(self) -> ComposeResult:
        """The keys and what they do."""
        with VerticalScroll() as page:
            page.border_title = "Quit"
            page.border_subtitle = "Esc: cancel"
            yield Static(
                f"{self._script} is running.\n\n"
                "Enter  Continue without a screen\n"
                "s      Stop it, as ctrl+c does",
                markup=False,
            )
