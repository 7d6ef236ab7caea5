"""A row of tabs for terminals with room for one pane."""

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from bntui.tui.panes.pane import Part


class PaneTabs(Static):
    """The panes' names with their number keys; a click chooses one."""

    DEFAULT_CSS = "PaneTabs { height: 1; text-wrap: nowrap; }"

    class Chosen(Message):
        """Tab `index` was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, titles: list[str]) -> None:
        super().__init__(markup=False)
        self._labels = [f" {i} {title} " for i, title in enumerate(titles, 1)]

    def choose(self, index: int) -> None:
        """Mark tab `index`."""
        parts: list[Part] = [
            (label, "bold reverse" if i == index else "dim") for i, label in enumerate(self._labels)
        ]
        self.update(Content.assemble(*parts), layout=False)

    def on_click(self, event: events.Click) -> None:
        """Find the tab under the mouse."""
        end = 0
        for index, label in enumerate(self._labels):
            end += len(label)
            if event.x < end:
                self.post_message(self.Chosen(index))
                return
