"""Which panes are seen: the lab's four side by side, or one alone."""

from textual.containers import Container

from bntui.history import History
from bntui.tui.panes.activations import ActivationsPane
from bntui.tui.panes.loss import LossPane
from bntui.tui.panes.modes import ModesPane
from bntui.tui.panes.pane import Pane
from bntui.tui.panes.statistics import StatisticsPane


class Pages(Container):
    """The panes, the current one, and whether it is alone: zoomed, or where there is no room."""

    DEFAULT_CSS = """
    Pages { layout: grid; grid-size: 2 2; grid-gutter: 0 1; height: 1fr; }
    Pages.-single { layout: vertical; }
    Pages.-single Pane { display: none; }
    Pages.-single Pane.-current { display: block; }
    """

    def __init__(self) -> None:
        self.loss = LossPane(id="loss")
        self.activations = ActivationsPane(id="activations")
        self.statistics = StatisticsPane(id="statistics")
        self.modes = ModesPane(id="modes")
        self.panes: list[Pane] = [self.loss, self.activations, self.statistics, self.modes]
        super().__init__(*self.panes, id="panes")
        self.current: Pane = self.loss
        self.zoomed = self.narrow = False

    @property
    def single(self) -> bool:
        """Whether the current pane is alone."""
        return self.zoomed or self.narrow

    @property
    def place(self) -> int:
        """That of the current pane among all."""
        return self.panes.index(self.current)

    @property
    def seen(self) -> list[Pane]:
        """The panes on the screen."""
        return [self.current] if self.single else self.panes

    def bring(self, pane: Pane) -> None:
        """Make `pane` the current one."""
        self.current = pane
        self.lay_out()

    def lay_out(self) -> None:
        """Lay the panes out as they are to be seen."""
        self.set_class(self.single, "-single")
        for pane in self.panes:
            pane.set_class(pane is self.current, "-current")

    def next(self, by: int) -> Pane:
        """The pane `by` places on from the current one, and round."""
        return self.panes[(self.place + by) % len(self.panes)]

    def draw(self, view: History) -> None:
        """Draw what is seen."""
        for pane in self.seen:
            pane.draw(view)
