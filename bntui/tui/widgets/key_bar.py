"""The keys at the bottom: one row where there is room, two on a narrow terminal."""

from textual import events
from textual.widgets import Static

from bntui.tui.commands import COMMANDS, Command

SHOWN = [command for command in COMMANDS if command.shown]


class KeyBar(Static):
    """The commands that are always shown; a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar { height: auto; max-height: 2; padding: 0 1; background: $panel; link-style: none;
             link-color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def on_mount(self) -> None:
        """Fill the bar."""
        self._fill(self.app.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Pack the keys anew."""
        self._fill(event.size.width)

    def _fill(self, width: int) -> None:
        self.update("\n".join("  ".join(map(_markup, row)) for row in rows(SHOWN, width - 2)))


def rows(commands: list[Command], width: int) -> list[list[Command]]:
    """As many commands a row as have room, two blanks between them; none is split."""
    packed: list[list[Command]] = [[]]
    used = 0
    for command in commands:
        needed = len(command.key_text) + 1 + len(command.title) + 2
        if packed[-1] and used + needed - 2 > width:
            packed.append([])
            used = 0
        packed[-1].append(command)
        used += needed
    return packed


def _markup(command: Command) -> str:
    return f"[@click=screen.{command.action}][bold]{command.key_text}[/] {command.title}[/]"
