"""The keys at the bottom: all of them on a high terminal, what fits into a row on a low one."""

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from bntui.tui.commands import KeyCommand

ROOM_FOR_TWO = 30
"""Rows of the terminal from which the bar may take two."""


class KeyBar(Static):
    """The keys of these commands; a click does what the key does.

    Where not all have room, the last `always` stay. From `room_for_two` rows of the terminal on
    there may be two rows.
    """

    DEFAULT_CSS = """
    KeyBar { height: 1; max-height: 2; padding: 0 1; background: $panel; link-style: none;
             link-color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(
        self, commands: list[KeyCommand], always: int, room_for_two: int = ROOM_FOR_TWO
    ) -> None:
        super().__init__()
        self._commands, self._always = commands, always
        self._room_for_two = room_for_two

    def show(self, commands: list[KeyCommand], always: int) -> None:
        """Show other commands."""
        if commands != self._commands:
            self._commands, self._always = commands, always
            self._fill()

    def on_mount(self) -> None:
        """Fill the bar."""
        self._fill()

    def on_resize(self) -> None:
        """Pack the keys again."""
        self._fill()

    def _fill(self) -> None:
        """Pack the keys into the bar's width, as far as it is laid out, else the terminal's."""
        width = self.size.width or self.app.size.width - 2
        most = 1 if self.app.size.height < self._room_for_two else 2
        shown = fitting(self._commands, self._always, width, most)
        lines = (Content("  ").join(map(_content, row)) for row in shown)
        self.styles.height = len(shown)  # an automatic height stays when a bar changes as it opens
        self.update(Content("\n").join(lines), layout=False)


def fitting(
    commands: list[KeyCommand], always: int, width: int, most: int
) -> list[list[KeyCommand]]:
    """The first commands and the last `always`, in at most so many rows."""
    first, last = commands[:-always], commands[-always:]
    while first and len(rows([*first, *last], width)) > most:
        first.pop()
    return rows([*first, *last], width)


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


def _content(command: KeyCommand) -> Content:
    is_apps = "." in command.action.partition("(")[0]
    action = command.action if is_apps else f"screen.{command.action}"
    click = Style.from_meta({"@click": action})
    return Content.assemble(
        (command.key_text, click + Style(bold=True)), (f" {command.title}", click)
    )
