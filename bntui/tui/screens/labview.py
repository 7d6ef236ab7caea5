"""Keys for the panes: which are seen, and what each shows."""

from bntui import protocol
from bntui.history.arm import Trace
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
        if self.pages.on_page:
            self.pages.zoomed = False
            self.pages.home.focus()
        else:
            self.pages.zoomed = not self.pages.zoomed
            self.lay_out()

    def action_lab(self) -> None:
        """From a page back to the lab."""
        self.pages.home.focus()

    def action_turn(self, by: int) -> None:
        """Show what has no room on the current page."""
        self.pages.current.turn(by)
        self.show(self.pages.current)

    def action_arm(self) -> None:
        """The next network, in every pane that shows one of them."""
        self.pages.next_arm(self.history)
        self.draw()

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
        trace = self._trace()
        self.pages.statistics.next_unit(len(trace.units) if trace else 0)
        self.show(self.pages.statistics)

    def action_units(self, by: int) -> None:
        """Statistics: ask the engine to watch other units."""
        if trace := self._trace():
            hidden = self.history.config.hidden
            first = (trace.units[0] + by) % hidden if trace.units else 0
            self.ask(protocol.Watch(trace.layer, list(range(first, min(first + 5, hidden)))))

    def _trace(self) -> Trace | None:
        arm = self.pages.statistics.chosen(self.history)
        return arm.history.trace if arm else None

    def action_layer(self, by: int = 1) -> None:
        """The next hidden layer, in every pane that shows one of them."""
        trace, depth = self._trace(), self.history.config.depth
        if depth > 1:
            self.pages.hidden_layer = (self.pages.hidden_layer + by) % depth
            if trace and not self.pages.on_page:
                self.ask(protocol.Watch(self.pages.hidden_layer, trace.units))
            self.draw()

    def action_mode(self) -> None:
        """Train/eval: the other mode."""
        modes = self.pages.modes
        modes.mode = MODES[1 - MODES.index(modes.mode)]
        self.show(modes)

    def action_batch_size(self) -> None:
        """Train/eval, or the inference page where that is seen: the next batch size."""
        inference, modes = self.pages.inference, self.pages.modes
        pane = inference if self.pages.current is inference else modes
        pane.next_size()
        self.show(pane)

    def action_ratio(self) -> None:
        """Updates: of the update or of the gradient to the data."""
        self.pages.updates.next_ratio()
        self.show(self.pages.updates)

    def action_recalibrate(self) -> None:
        """Ask for precise statistics in place of the running ones."""
        if arm := self.pages.inference.chosen(self.history):
            self.ask(protocol.Recalibrate(arm.name))
        elif self.history.hello:
            self.notify("No network here has BatchNorm: there is nothing to recalibrate.")
