"""Which panes are shown: the lab's four side by side, one of them alone, or a page."""

from bntui.history.history import History
from bntui.tui.pane_grid import PaneGrid
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
from bntui.tui.watched.lab_doctor import LabDoctor, LabDoctorPane

PANES: tuple[type[Pane], ...] = (
    *(LossPane, ActivationsPane, StatisticsPane, ModesPane),
    *(LayersPane, UpdatesPane, UnitsPane, InferencePane, ChecksPane, LabDoctorPane),
)


class Pages(PaneGrid[Pane]):
    """The lab's panes, and what is chosen for all of them.

    `hidden_layer` counts from 0.
    """

    def __init__(self, history: History) -> None:
        self.loss = LossPane(id="loss")
        self.statistics = StatisticsPane(id="statistics")
        self.modes = ModesPane(id="modes")
        self.doctor = LabDoctor()
        super().__init__(
            [self.loss, ActivationsPane(id="activations"), self.statistics, self.modes],
            [
                LayersPane(id="layers"),
                UpdatesPane(id="updates"),
                UnitsPane(id="units"),
                InferencePane(id="inference"),
                ChecksPane(id="checks"),
                LabDoctorPane(self.doctor, id="doctor"),
            ],
        )
        for pane in self.panes:
            pane.history = history
        self.hidden_layer = 0

    def next_network(self, history: History) -> None:
        """Choose the next network among those that the current pane can show."""
        names = [arm.name for arm in self.current.arms(history)]
        if chosen := self.current.chosen(history):
            name = names[(names.index(chosen.name) + 1) % len(names)]
            for pane in self.panes:
                pane.arm = name

    def choose_layer(self, layer: int) -> None:
        """Choose a hidden layer for all panes."""
        self.hidden_layer = layer
        for pane in self.panes:
            pane.hidden_layer = layer

    def draw(self, view: History) -> None:
        """Draw the panes that are shown."""
        depth = view.config.depth
        if self.hidden_layer >= depth:  # a new run has fewer
            self.choose_layer(self.hidden_layer % depth)
        for pane in self.shown:
            pane.cursor = None if self.cursor is None else min(self.cursor, view.steps)
            pane.redraw(view)
