"""Base class of the panes of a watched run, and what several of them need."""

from collections.abc import Callable, Sequence
from math import isnan

from textual import events
from textual.message import Message

from bntui.history.watched import LayerHistory, Series
from bntui.tui.panes.base import BasePane, Part
from bntui.tui.plotting.sampling import Sampled, sample
from bntui.tui.plotting.scale import Scale
from bntui.tui.plotting.text_rows import Row, Rows
from bntui.tui.watched.view import View


class WatchedPane(BasePane[View]):
    """Draws a view of a watched run."""

    def move(self, by: int) -> bool:
        """Move what this pane lists; False where the keys are for the layers."""
        return False

    def layer_part(self, view: View, room: int) -> Part:
        """The selected layer's name, cut at its left, in the ink of findings where it has one."""
        layer = view.selected
        if layer is None:
            return ("no BatchNorm layer yet", "dim")
        ink = view.ink(layer)
        return (cut(view.name(layer), room), "bold" if ink == "plain" else f"bold $ink-{ink}")


class LayerRows(Rows):
    """A header and the rows of the layers around the selected one; a click selects another."""

    class Chosen(Message):
        """A layer was clicked."""

        def __init__(self, layer: int) -> None:
            super().__init__()
            self.layer = layer

    def __init__(self) -> None:
        super().__init__()
        self._first = 0
        self._shown: Sequence[int] = ()

    def show_layers(
        self, view: View, room: int, header: Callable[[str], Row], row: Callable[[int], Row]
    ) -> int:
        """Show as many layers as `room` rows hold; returns how many rows are taken.

        `header` makes the first row, with words on which layers are seen; `row` that of a layer.
        """
        place = view.order.index(view.layer) if view.layer in view.order else 0
        most = max(room - 1, 1)
        first = min(max(self._first, place - most + 1), place)
        self._first = max(min(first, len(view.order) - most), 0)
        self._shown = view.order[self._first : self._first + most]
        count = len(view.order)
        seen = f"{self._first + 1}-{self._first + len(self._shown)} of {count}"
        every = f"{count} layer{'s' if count != 1 else ''}"
        self.show([header(seen if count > most else every), *map(row, self._shown)])
        return len(self._shown) + 1

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        at = event.get_content_offset(self)
        if at is not None and 1 <= at.y <= len(self._shown):
            self.post_message(self.Chosen(self._shown[at.y - 1]))


def cut(text: str, width: int) -> str:
    """The end of a name, which tells layers apart."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def name_cell(view: View, index: int, width: int) -> list[tuple[str, str]]:
    """A layer's mark of a finding and its name, in `width` columns."""
    layer = view.run.layers[index]
    mark = ("!" if view.of(layer) else " ", view.ink(layer))
    style = "chosen" if index == view.layer else "plain"
    return [mark, (f"{cut(view.name(layer), width - 2):<{width - 2}}", style), (" ", "plain")]


def curve(series: Series, x: Scale, dots: int, window: int = 0) -> Sampled:
    """A series on `dots` dot columns of an axis over steps."""
    return sample(series.column, x, dots, steps=series.steps, window=window)


def distance_text(layer: LayerHistory) -> str:
    """How far running statistics are from the batch's, in at most six characters."""
    distance = layer.distance
    return "–" if isnan(distance) else f"{distance:.2f}" if distance < 100 else f"{distance:.2g}"
