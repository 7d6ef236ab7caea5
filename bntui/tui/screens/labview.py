"""Keys for the panes: which are seen, and what each shows."""

from bntui import protocol
from bntui.tui.panes.modes import MODES
from bntui.tui.panes.pane import Pane
from bntui.tui.screens.labframe import LabFrame


class ViewActions(LabFrame):
    """Choose panes, and what they show."""

    def action_pane(self, name: str) -> None:
        """Focus the pane of that id."""
        self.query_one(f"#{name}", Pane).focus()

    def action_next_pane(self, by: int) -> None:
        """Focus the pane `by` places on."""
        self.pages.next(by).focus()

    def action_zoom(self) -> None:
        """The current pane alone, or all."""
        self.pages.zoomed = not self.pages.zoomed
        self.lay_out()

    def action_log_scale(self) -> None:
        """Loss: log or linear."""
        loss = self.pages.loss
        loss.log_scale = not loss.log_scale
        self.show(loss)

    def action_window(self) -> None:
        """Loss: last 500 steps or all."""
        self.pages.loss.last = not self.pages.loss.last
        self.show(self.pages.loss)

    def action_moment(self) -> None:
        """Statistics: means or variances."""
        statistics = self.pages.statistics
        statistics.moment = "var" if statistics.moment == "mean" else "mean"
        self.show(statistics)

    def action_unit(self) -> None:
        """Statistics: all units or the next one."""
        trace = self.history.trace
        self.pages.statistics.next_unit(len(trace.units) if trace else 0)
        self.show(self.pages.statistics)

    def action_units(self, by: int) -> None:
        """Statistics: ask the engine to watch other units."""
        trace, hello = self.history.trace, self.history.hello
        if trace and hello:
            hidden = hello.config.hidden
            first = (trace.units[0] + by) % hidden if trace.units else 0
            self.ask(protocol.Watch(trace.layer, list(range(first, min(first + 5, hidden)))))

    def action_layer(self) -> None:
        """The next hidden layer, in the activations and the statistics alike."""
        trace, hello = self.history.trace, self.history.hello
        activations = self.pages.activations
        if hello and hello.config.depth > 1:
            activations.hidden_layer = (activations.hidden_layer + 1) % hello.config.depth
            if trace:
                self.ask(protocol.Watch(activations.hidden_layer, trace.units))
            self.draw()

    def action_mode(self) -> None:
        """Train/eval: the other mode."""
        modes = self.pages.modes
        modes.mode = MODES[1 - MODES.index(modes.mode)]
        self.show(modes)

    def action_batch_size(self) -> None:
        """Train/eval: the next batch size."""
        self.pages.modes.next_size()
        self.show(self.pages.modes)
