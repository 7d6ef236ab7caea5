"""The keys at the bottom: all of them on a high terminal, what fits into a row on a low one."""

from textual import events
from textual.widgets import Static

from bntui.tui.commands import KeyCommand

ROOM_FOR_TWO = 30
"""Rows of the terminal from which the bar may take two."""


class KeyBar(Static):
    """The keys of these commands; a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar { height: auto; max-height: 2; padding: 0 1; background: $panel; link-style: none;
             link-color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, commands: list[KeyCommand]) -> None:
        super().__init__()
        self._commands = commands

    def on_mount(self) -> None:
        """Fill the bar."""
        self._fill(self.app.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Pack the keys again."""
        self._fill(event.size.width)

    def _fill(self, width: int) -> None:
        low = self.app.size.height < ROOM_FOR_TWO
        shown = [one_row(self._commands, width - 2)] if low else rows(self._commands, width - 2)
        self.update("\n".join("  ".join(map(_markup, row)) for row in shown))


def one_row(commands: list[KeyCommand], width: int) -> list[KeyCommand]:
    """The first commands and always the last two, help and quit, in one row."""
    *first, help_, quit_ = commands
    while first and len(rows([*first, help_, quit_], width)) > 1:
        first.pop()
    return [*first, help_, quit_]


def rows(commands: list[KeyCommand], width: int) -> list[list[KeyCommand]]:
    """Commands packed into rows, two blanks between them; none is split."""
    packed: list[list[KeyCommand]] = [[]]
    used = 0
    for command in commands:
        needed = len(command.key_text) + 1 + len(command.title) + 2
        if packed[-1] and used + needed - 2 > width:
            packed.append([])
            used = 0
        packed[-1].append(command)
        used += needed
    return packed


def _markup(command: KeyCommand) -> str:
    action = (
        command.action if "." in command.action.partition("(")[0] else f"screen.{command.action}"
    )
    return f"[@click={action}][bold]{command.key_text}[/] {command.title}[/]"
