"""A bar for the whole run, with a mark at the step that the panes show."""

from math import inf

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bntui.history.history import History
from bntui.tui.timeline import Timeline

TEXT_WIDTH = 40
"""Columns at the right that say in words what the bar shows."""


class ScrubBar(Widget):
    """Shows a timeline; the mouse moves its mark."""

    DEFAULT_CSS = "ScrubBar { height: 1; padding: 0 1; background: $panel; color: $foreground; }"

    class Sought(Message):
        """A step was chosen with the mouse."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[int | None, int, int, str] = (None, 0, 1, "")
        self._dragged = False

    def show(self, timeline: Timeline, history: History) -> None:
        """Mark the timeline's step."""
        total = history.total
        shown = (timeline.at, history.steps, total, _words(timeline))
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """What is done as a thick line with a mark on it, what is to come as a thin one."""
        at, done, total, words = self._shown
        length = self._length
        filled = min(round(done / total * length), length)
        mark = min(round((done if at is None else at) / total * (length - 1)), length - 1)
        line = "━" * filled + "┄" * (length - filled)
        line = line[:mark] + "●" + line[mark + 1 :]
        bold = Style(bold=at is not None)
        base = self.rich_style
        segments = [Segment(line, base), Segment(words.rjust(TEXT_WIDTH)[:TEXT_WIDTH], base + bold)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    @property
    def _length(self) -> int:
        return max(self.size.width - TEXT_WIDTH, 2)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Seek, and follow the mouse while its button is down."""
        self._dragged = True
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Seek while dragging."""
        if self._dragged:
            self._seek(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Stop dragging."""
        self._dragged = False
        self.release_mouse()

    def _seek(self, x: int) -> None:
        total = self._shown[2]
        place = (x - self.styles.padding.left) / max(self._length - 1, 1)
        self.post_message(self.Sought(round(min(max(place, 0.0), 1.0) * total)))


def _words(timeline: Timeline) -> str:
    if timeline.at is None:
        return "live · ← → look back · p replay"
    speed = timeline.speed
    if speed is None:
        return f"as of {timeline.at:,} · end live · p replay"
    return f"as of {timeline.at:,} · replay {'max' if speed == inf else f'{speed:g}x'}"
