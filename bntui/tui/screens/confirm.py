"""Before a run is given up for another: what the other one changes."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class ConfirmScreen(ModalScreen[bool]):
    """Gives whether to begin again with `changes`; `share` is the new config as one string."""

    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; }
    ConfirmScreen > VerticalScroll {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "answer(True)", "Begin"),
        ("escape,q", "answer(False)", "Back"),
        ("ctrl+c,ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, changes: list[str], share: str) -> None:
        super().__init__()
        self._changes, self._share = changes, share

    def compose(self) -> ComposeResult:
        """The changes, a line each, and the whole."""
        with VerticalScroll() as page:
            page.border_title = "Begin again from step 0"
            page.border_subtitle = "enter begins · escape goes back"
            lines = "\n".join(self._changes) or "The same run, with nothing changed."
            yield Static(Content.assemble(lines, "\n\n", (self._share, "dim")))

    def action_answer(self, begin: bool) -> None:
        """Enter or escape."""
        self.dismiss(begin)
