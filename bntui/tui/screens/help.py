"""Every key, and what the focused pane shows."""

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from bntui.tui.commands import COMMANDS
from bntui.tui.panes.pane import Pane, Part


class HelpScreen(ModalScreen[None]):
    """Shown over the lab; any of its keys closes it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,q,enter", "dismiss", "Close"),
        ("ctrl+c,ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self._pane = pane

    def compose(self) -> ComposeResult:
        """The pane's words, then the keys by group."""
        with VerticalScroll() as page:
            page.border_title = "Help"
            page.border_subtitle = "escape closes"
            yield Static(Content.assemble(*_about(self._pane), *_keys()))


def _about(pane: Pane) -> list[Part]:
    return [(f"{pane.TITLE}\n", "bold"), f"{pane.HELP}\n"]


def _keys() -> list[Part]:
    parts: list[Part] = []
    for group, commands in groupby(COMMANDS, key=lambda command: command.group):
        parts.append((f"\n{group}\n", "bold"))
        parts += [f"  {c.key_text:<16}{c.help}\n" for c in commands]
    return parts
