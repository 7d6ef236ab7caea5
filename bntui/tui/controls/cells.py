"""Settings side by side: left and right choose one, up and down turn it."""

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip

from bntui.tui.controls.rows import INKS, RowList


class Cells(RowList):
    """The same list in one line, as many rows of it as fit; arrows show that there are more."""

    TURN: ClassVar = "↑ ↓"

    DEFAULT_CSS = "Cells { height: 1; }"
    KEYS: ClassVar = {
        "left": "choose(-1)",
        "right": "choose(1)",
        "home": "choose(-99)",
        "end": "choose(99)",
        "down": "turn(-1)",
        "up": "turn(1)",
        "enter": "enter",
    }

    def _widths(self) -> list[int]:
        """Columns of each cell: a marker, label, blank, value and two blanks."""
        return [len(row.label) + len(row.text) + 4 for row in self._rows]

    def _scroll(self) -> None:
        """Keep the chosen cell visible, between the arrows at either end."""
        widths, room = self._widths(), self.size.width - 2
        top = min(self._top, self._place)
        while top < self._place and sum(widths[top : self._place + 1]) > room:
            top += 1
        while top and sum(widths[top - 1 :]) <= room:
            top -= 1
        if top != self._top:
            self._top = top
            self.refresh()

    def _refresh_rows(self, *places: int) -> None:
        if places:
            self.refresh()

    def _point(self, x: int, y: int) -> None:
        """Choose a cell; a click on the chosen one starts typing."""
        right = 1
        for place, width in enumerate(self._widths()[self._top :], self._top):
            right += width
            if x < right:
                was = place == self._place
                self.action_choose(place - self._place)
                if was:
                    self.action_enter()
                return

    def render_line(self, y: int) -> Strip:
        """The cells from the first that is shown."""
        styles = {ink: self.get_component_rich_style(f"rows--{ink}") for ink in INKS}
        segments = [Segment("‹" if self._top else " ", styles["heading"])]
        for place, row in enumerate(self._rows[self._top :], self._top):
            chosen = place == self._place
            ground = styles["chosen"] if chosen and self.has_focus else self.rich_style
            segments.append(Segment(f"{'▸' if chosen else ' '}{row.label} ", ground))
            segments.append(Segment(row.text, ground + styles["asked" if row.asked else "value"]))
            segments.append(Segment("  ", self.rich_style))
        strip, width = Strip(segments), self.size.width
        if strip.cell_length <= width:
            return strip.adjust_cell_length(width, self.rich_style)
        return Strip.join([strip.crop(0, width - 1), Strip([Segment("›", styles["heading"])])])
