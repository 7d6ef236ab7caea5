"""Which panes are seen: the lab's four side by side, one of them alone, or a page."""

from textual.containers import Container

from bntui.history.history import History
from bntui.tui.panes.activations import ActivationsPane
from bntui.tui.panes.checks import ChecksPane
from bntui.tui.panes.inference import InferencePane
from bntui.tui.panes.layers import LayersPane
from bntui.tui.panes.loss import LossPane
from bntui.tui.panes.modes import ModesPane
from bntui.tui.panes.pane import Pane
from bntui.tui.panes.statistics import StatisticsPane
from bntui.tui.panes.units import UnitsPane
from bntui.tui.panes.updates import UpdatesPane


class Pages(Container):
    """The panes, the current one, and what is chosen for all of them.

    The lab's own four share the room; a page has it all. `zoomed` and `narrow` show one of the
    four alone. `arm` is the chosen network's name, `hidden_layer` counts from 0.
    """

    DEFAULT_CSS = "Pages { layout: grid; grid-size: 2 2; grid-gutter: 0 1; height: 1fr; }"

    def __init__(self) -> None:
        self.loss = LossPane(id="loss")
        self.activations = ActivationsPane(id="activations")
        self.statistics = StatisticsPane(id="statistics")
        self.modes = ModesPane(id="modes")
        self.layers_page = LayersPane(id="layers")
        self.updates = UpdatesPane(id="updates")
        self.units = UnitsPane(id="units")
        self.inference = InferencePane(id="inference")
        self.checks = ChecksPane(id="checks")
        self.lab: list[Pane] = [self.loss, self.activations, self.statistics, self.modes]
        self.beyond: list[Pane] = [
            *(self.layers_page, self.updates, self.units, self.inference, self.checks)
        ]
        self.panes = [*self.lab, *self.beyond]
        super().__init__(*self.panes, id="panes")
        self.current: Pane = self.loss
        self.home: Pane = self.loss
        self.zoomed = self.narrow = False
        self.arm = ""
        self.hidden_layer = 0

    @property
    def on_page(self) -> bool:
        """Whether a page is seen, and not the lab."""
        return self.current in self.beyond

    @property
    def single(self) -> bool:
        """Whether the current pane is alone."""
        return self.zoomed or self.narrow or self.on_page

    @property
    def place(self) -> int:
        """That of the current pane among all."""
        return self.panes.index(self.current)

    @property
    def seen(self) -> list[Pane]:
        """The panes on the screen."""
        return [self.current] if self.single else self.lab

    def bring(self, pane: Pane) -> None:
        """Make `pane` the current one; the lab's are gone back to."""
        self.current = pane
        if not self.on_page:
            self.home = pane

    def lay_out(self) -> None:
        """Arrange the panes as they are to be seen.

        Without classes: a change of class has Textual match every rule for all that is within.
        """
        self.styles.layout = "vertical" if self.single else "grid"
        for pane in self.panes:
            pane.display = pane in self.seen

    def next(self, by: int) -> Pane:
        """`by` places on from the current pane, and round: among the lab's, or among the pages."""
        among = self.beyond if self.on_page else self.lab
        return among[(among.index(self.current) + by) % len(among)]

    def next_arm(self, history: History) -> None:
        """Choose the next network among those that the current pane can show."""
        names = [arm.name for arm in self.current.arms(history)]
        chosen = self.current.chosen(history)
        if chosen:
            self.arm = names[(names.index(chosen.name) + 1) % len(names)]

    def draw(self, view: History) -> None:
        """Draw what is seen."""
        for pane in self.seen:
            self.draw_one(pane, view)

    def draw_one(self, pane: Pane, view: History) -> None:
        """Draw a pane with what is chosen for all."""
        self.hidden_layer %= view.config.depth
        pane.arm, pane.hidden_layer = self.arm, self.hidden_layer
        pane.draw(view)
