"""A list of rows with a label and a value; up and down choose one, left and right change it."""

from typing import ClassVar

from msgspec import Struct
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

INKS = ("label", "value", "asked", "heading", "chosen")
LABEL = 16
"""Columns of a label, including the marker before it."""


class Row(Struct, frozen=True):
    """A line of the list; without a name it is a heading.

    `asked`: the value is sent but not confirmed; `typed`: a value can be typed.
    """

    name: str
    label: str
    text: str = ""
    asked: bool = False
    typed: bool = False


class RowList(Widget, can_focus=True):
    """Shows rows and posts a message for each key; it changes no values itself."""

    TURN: ClassVar = "← →"
    """The keys that change a value, as the screen names them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{ink}" for ink in INKS}
    DEFAULT_CSS = """
    RowList { height: 1fr; }
    RowList > .rows--label { color: $foreground; }
    RowList > .rows--value { color: $primary; }
    RowList > .rows--asked { color: $warning; text-style: italic; }
    RowList > .rows--heading { color: $text-muted; }
    RowList > .rows--chosen { background: $primary 25%; }
    """
    KEYS: ClassVar[dict[str, str]] = {
        "up": "choose(-1)",
        "down": "choose(1)",
        "pageup": "choose(-99)",
        "home": "choose(-99)",
        "pagedown": "choose(99)",
        "end": "choose(99)",
        "left": "turn(-1)",
        "right": "turn(1)",
        "enter": "enter",
    }
    """Actions by key. Textual runs a binding only after a key has passed every parent, later than
    the digit that was typed after it.
    """

    class Chosen(Message):
        """Another row was chosen."""

    class Turned(Message):
        """Change the chosen row's value by `by` increments."""

        def __init__(self, name: str, by: int) -> None:
            super().__init__()
            self.name, self.by = name, by

    class Entered(Message):
        """Enter on a row, or the first character of a typed value."""

        def __init__(self, name: str, typed: str = "") -> None:
            super().__init__()
            self.name, self.typed = name, typed

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._place, self._top = 0, 0

    @property
    def chosen(self) -> str:
        """The name of the chosen row; empty if there is none."""
        return self._rows[self._place].name if self._place < len(self._rows) else ""

    def show(self, rows: list[Row]) -> None:
        """Show `rows`; the chosen row stays chosen by name, and only changed rows are redrawn."""
        before, name = self._rows, self.chosen
        self._rows = rows
        names = [row.name for row in rows]
        nearest = min(self._place, len(rows) - 1)
        self._place = names.index(name) if name and name in names else self._from(nearest, 1)
        self._scroll()
        if len(before) != len(rows):
            self.refresh()
            return
        changed = (y for y, (one, other) in enumerate(zip(before, rows, strict=True))
                   if one != other)  # fmt: skip
        self._refresh_rows(*changed)

    def action_choose(self, by: int) -> None:
        """Move by so many rows, past headings."""
        before = self._place
        wanted = min(max(self._place + by, 0), len(self._rows) - 1)
        self._place = self._from(wanted, 1 if by > 0 else -1)
        self._refresh_rows(before, self._place)
        self._scroll()
        self.post_message(self.Chosen())

    def _from(self, place: int, by: int) -> int:
        """The row at `place`, or the nearest one that is not a heading, first in that direction."""
        for direction in (by, -by):
            here = place
            while 0 <= here < len(self._rows):
                if self._rows[here].name:
                    return here
                here += direction
        return 0

    def _scroll(self) -> None:
        """Keep the chosen row visible, with a heading just above it."""
        height = max(self.size.height, 1)
        first = self._place - (1 if self._place and not self._rows[self._place - 1].name else 0)
        top = min(max(self._top, self._place - height + 1), first)
        top = max(min(top, len(self._rows) - height), 0)
        if top != self._top:
            self._top = top
            self.refresh()

    def _refresh_rows(self, *places: int) -> None:
        regions = [Region(0, place - self._top, self.size.width, 1) for place in places]
        if seen := [region for region in regions if 0 <= region.y < self.size.height]:
            self.refresh(*seen)

    def action_turn(self, by: int) -> None:
        """Change the value."""
        if self.chosen:
            self.post_message(self.Turned(self.chosen, by))

    def action_enter(self) -> None:
        """Type a value."""
        if self.chosen:
            self.post_message(self.Entered(self.chosen))

    async def on_key(self, event: events.Key) -> None:
        """Act on the list's own keys; a digit starts typing a value."""
        row = self._rows[self._place] if self._rows else None
        if action := self.KEYS.get(event.key):
            event.stop()
            await self.run_action(action)
        elif row and row.typed and event.character and event.character in "0123456789.":
            event.stop()
            self.post_message(self.Entered(self.chosen, event.character))

    def on_resize(self) -> None:
        """Keep the chosen row visible."""
        self._scroll()

    def on_focus(self) -> None:
        """Redraw the chosen row's marker."""
        self._refresh_rows(self._place)

    on_blur = on_focus

    def on_mouse_scroll_down(self) -> None:
        """The next row."""
        self.action_choose(1)

    def on_mouse_scroll_up(self) -> None:
        """The previous row."""
        self.action_choose(-1)

    def on_click(self, event: events.Click) -> None:
        """Choose what is there, or change it."""
        self._point(event.x, event.y)

    def _point(self, x: int, y: int) -> None:
        """Choose a row; its arrows change it, a click on the chosen row's value starts typing."""
        place = y + self._top
        if place >= len(self._rows) or not self._rows[place].name:
            return
        was = place == self._place
        self.action_choose(place - self._place)
        if x == LABEL:
            self.action_turn(-1)
        elif x == self.size.width - 1:
            self.action_turn(1)
        elif was and x > LABEL:
            self.action_enter()

    def render_line(self, y: int) -> Strip:
        """One row."""
        place, width = y + self._top, self.size.width
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        more = " "
        if y == self.size.height - 1 and place < len(self._rows) - 1:
            more = "▼"
        elif y == 0 and self._top:
            more = "▲"
        return Strip(self._segments(self._rows[place], place == self._place, width, more))

    def _segments(self, row: Row, chosen: bool, width: int, more: str) -> list[Segment]:
        """A row's label and value; `more` is the sign that rows beyond it are hidden."""
        styles = {ink: self.get_component_rich_style(f"rows--{ink}") for ink in INKS}
        if not row.name:
            label = row.label[: max(width - 2, 0)].ljust(max(width - 2, 0))
            return [Segment(f"{label}{more} "[:width], styles["heading"])]
        marked = chosen and self.has_focus
        ground = styles["chosen"] if marked else self.rich_style
        left, right = ("‹ ", f"{more}›") if marked else ("  ", f"{more} ")
        room = max(width - LABEL - 4, 0)
        text = row.text if len(row.text) <= room else "…" + row.text[len(row.text) - room + 1 :]
        ink = styles["asked" if row.asked else "value"]
        return [
            Segment(f"{'▸' if chosen else ' '} {row.label}"[:LABEL].ljust(LABEL), ground),
            Segment(
                f"{left}{text.ljust(room)}{right}", ground + ink if not marked else ink + ground
            ),
        ]
