"""The keys at the bottom: one row where there is room, two on a narrow terminal."""

from textual.content import Content
from textual.widgets import Static

from bntui.tui.commands import COMMANDS, Command

NO_BREAK = "\N{NO-BREAK SPACE}"


class KeyBar(Static):
    """The commands that are always shown; a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar { height: auto; max-height: 2; padding: 0 1; background: $panel; link-style: none;
             link-color: $foreground; }
    """

    def __init__(self) -> None:
        items = [_item(command) for command in COMMANDS if command.shown]
        super().__init__(Content.from_markup("  ".join(items)))


def _item(command: Command) -> str:
    """Markup that keeps a key and its title on one row."""
    title = command.title.replace(" ", NO_BREAK)
    key = f"[bold $ink-arm-0]{command.key_text}[/]"
    return f"[@click=screen.{command.action}]{key}{NO_BREAK}{title}[/]"
