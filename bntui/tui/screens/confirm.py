"""Confirmation before a run is replaced: the settings that change."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class ConfirmScreen(ModalScreen[bool]):
    """Dismissed with True to restart with `changes`; `share` is the new config as one string."""

    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; }
    ConfirmScreen > VerticalScroll {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "answer(True)", "OK"),
        ("escape,q", "answer(False)", "Cancel"),
        ("ctrl+c,ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, changes: list[str], share: str) -> None:
        super().__init__()
        self._changes, self._share = changes, share

    def compose(self) -> ComposeResult:
        """One line per change, then the whole config."""
        with VerticalScroll() as page:
            page.border_title = "Restart from step 0"
            page.border_subtitle = "Enter: OK · Esc: cancel"
            lines = "\n".join(self._changes) or "The same run, unchanged."
            yield Static(Content.assemble(lines, "\n\n", (self._share, "dim")))

    def action_answer(self, restart: bool) -> None:
        """OK or cancel."""
        self.dismiss(restart)
