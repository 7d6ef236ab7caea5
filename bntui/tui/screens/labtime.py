"""Keys for time: looking back, replaying, going with the newest step."""

from bntui.tui.screens.labframe import LabFrame
from bntui.tui.widgets.scrub_bar import ScrubBar


class TimeActions(LabFrame):
    """Move the timeline."""

    def action_scrub(self, parts: int) -> None:
        """Look back, or forth again."""
        self.timeline.move(parts, self.history)
        self.draw()

    def action_first_step(self) -> None:
        """Look at the run as it began."""
        self.timeline.seek(0, self.history)
        self.draw()

    def action_live(self) -> None:
        """Go with the newest step."""
        self.timeline.live()
        self.draw()

    def action_replay(self) -> None:
        """Replay, faster with every press."""
        self.timeline.replay(self.history)
        self.draw()

    def on_scrub_bar_sought(self, event: ScrubBar.Sought) -> None:
        """The bar was clicked or dragged."""
        self.timeline.seek(event.step, self.history)
        self.draw()
