"""A row of tabs beside a pane that is alone."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from bntui.tui.panes.base import AnyPane, Part


class PaneTabs(Static):
    """The panes' names with their number keys, as long as there is room; a click chooses one."""

    DEFAULT_CSS = "PaneTabs { height: 1; text-wrap: nowrap; }"

    class Chosen(Message):
        """A pane's tab was clicked."""

        def __init__(self, pane: AnyPane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, panes: Sequence[AnyPane]) -> None:
        super().__init__(markup=False)
        self._panes = panes
        self._chosen = panes[0]
        self._labels: list[str] = []

    def choose(self, pane: AnyPane) -> None:
        """Mark the tab of `pane`."""
        index = self._panes.index(pane)
        self._chosen = pane
        self._labels = labels(self._panes, index, self.app.size.width)
        parts: list[Part] = [
            (label, "bold reverse" if i == index else "dim") for i, label in enumerate(self._labels)
        ]
        self.update(Content.assemble(*parts), layout=False)

    def on_resize(self) -> None:
        """Fit the names to the new width."""
        self.choose(self._chosen)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        end = 0
        for index, label in enumerate(self._labels):
            end += len(label)
            if event.x < end:
                self.post_message(self.Chosen(self._panes[index]))
                return


def labels(panes: Sequence[AnyPane], chosen: int, width: int) -> list[str]:
    """Whole titles, short ones, or numbers alone beside the chosen one's: what fits `width`."""
    numbers = [(place + 1) % 10 for place in range(len(panes))]
    whole = [f" {i} {pane.TITLE} " for i, pane in zip(numbers, panes, strict=True)]
    short = [f" {i} {pane.SHORT}" for i, pane in zip(numbers, panes, strict=True)]
    bare = [whole[i] if i == chosen else f" {numbers[i]}" for i in range(len(panes))]
    return next((each for each in (whole, short) if sum(map(len, each)) <= width), bare)
