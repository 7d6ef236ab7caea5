"""What every screen of panes does: its layout by the terminal's size, keys for panes and time."""

from typing import Any, Generic

from textual import events
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from bntui.tui.pane_grid import PaneGrid
from bntui.tui.panes.base import BasePane, PaneT
from bntui.tui.plotting.plot import Plot
from bntui.tui.timeline import Stepped, Timeline
from bntui.tui.widgets.tabs import PaneTabs

ROOM_FOR_ALL = (80, 24)
ROOM_FOR_ONE = (40, 12)
ROOM_FOR_FINDINGS = 22


class PaneScreen(Screen[None], Generic[PaneT]):
    """Four panes side by side where there is room, one with tabs where there is not, and pages.

    `grid` holds the panes, `stepped` is the run that the timeline moves through, `finding` the line
    that goes where there is little room. A subclass yields `tabs` and `too_small` as well.
    """

    def __init__(self, grid: PaneGrid[PaneT], stepped: Stepped, finding: Widget) -> None:
        super().__init__()
        self.grid = grid
        self.timeline = Timeline()
        self.tabs = PaneTabs(grid.panes)
        self.too_small = Static("", id="too-small", markup=False)
        self._stepped, self._finding = stepped, finding
        self._fitted = (0, 0)

    @property
    def view(self) -> Any:
        """What the panes draw: the run as of the timeline's step."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw everything that is shown, as of the timeline's step."""
        raise NotImplementedError

    # Layout

    def _compositor_refresh(self) -> None:
        """In a batch, such as an app's start, render later: Textual sends nothing of it then."""
        if self.app._batch_count:
            self.refresh()
        else:
            super()._compositor_refresh()

    def fit_to(self, width: int, height: int) -> None:
        """Lay out for a terminal's size, once: Textual says a size up to three times."""
        if self._fitted == (width, height):
            return
        self._fitted = (width, height)
        self.grid.narrow = width < ROOM_FOR_ALL[0] or height < ROOM_FOR_ALL[1]
        is_tiny = width < ROOM_FOR_ONE[0] or height < ROOM_FOR_ONE[1]
        self.set_class(is_tiny, "-tiny")
        self._finding.display = height >= ROOM_FOR_FINDINGS and not is_tiny
        self.too_small.update(
            f"bntui needs at least {ROOM_FOR_ONE[0]} x {ROOM_FOR_ONE[1]};\n"
            f"this terminal has {width} x {height}."
        )
        self.lay_out()
        self.call_after_refresh(self.draw)

    def lay_out(self) -> None:
        """Arrange panes and tabs; panes ask to be drawn once they have their size."""
        self.grid.lay_out()
        self.tabs.display = self.grid.single and not self.has_class("-tiny")
        self.tabs.choose(self.grid.current)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focused pane is the current one, the one that zoom and narrow terminals show."""
        if not self.grid.is_attached:  # focus still moves while the screen is taken apart
            return
        for pane in self.grid.panes:
            if pane is event.widget:
                self.grid.bring(pane)
                self.lay_out()
                self.draw()

    def on_pane_resized(self, event: BasePane.Resized) -> None:
        """Draw a pane for its new size."""
        if event.pane in self.grid.shown:
            event.pane.redraw(self.view)

    def on_pane_tabs_chosen(self, event: PaneTabs.Chosen) -> None:
        """A tab was clicked."""
        self.grid.choose(event.pane)

    # Keys: panes

    async def action_pane_command(self, action: str) -> None:
        """Run a pane's own key, wherever the focus is."""
        await self.grid.owner(action).run_action(action)

    def on_pane_changed(self, event: BasePane.Changed) -> None:
        """Draw after a pane's own key; bring the pane forward where it is hidden."""
        if event.pane not in self.grid.shown:
            event.pane.focus()
        event.pane.redraw(self.view)

    def action_cursor(self, by: int) -> None:
        """Read all plots over steps at a step, or move on from there."""
        if self.grid.move_cursor(by, self._stepped.steps):
            self.draw()
        else:
            self.notify("No plot over steps is shown here.")

    def on_plot_pointed(self, event: Plot.Pointed) -> None:
        """The mouse chose the step at which plots are read."""
        self.grid.cursor = event.step
        self.draw()

    def hide_cursor(self) -> bool:
        """Hide the cursor; False where there is none."""
        was_shown, self.grid.cursor = self.grid.cursor is not None, None
        if was_shown:
            self.draw()
        return was_shown

    def action_next_pane(self, by: int) -> None:
        """Focus the pane `by` places on."""
        self.grid.choose(self.grid.next(by))

    def action_zoom(self) -> None:
        """The current pane alone, or all."""
        if self.grid.on_page:
            self.grid.zoomed = False
            self.grid.home.focus()
        else:
            self.grid.zoomed = not self.grid.zoomed
            self.lay_out()

    # Keys: time

    @property
    def schedule(self) -> list[int]:
        """The steps that scrubbing stops at, in order: those of which there is something to see."""
        raise NotImplementedError

    def action_scrub(self, by: int) -> None:
        """Move back (negative) or forward along the schedule."""
        self.timeline.move_along(self.schedule, by, self._stepped)
        self.draw()

    def action_scrub_steps(self, by: int) -> None:
        """Move by steps."""
        here = self._stepped.steps if self.timeline.at is None else self.timeline.at
        self.timeline.seek(here + by, self._stepped)
        self.draw()

    def action_first_step(self) -> None:
        """Show the first step."""
        self.timeline.seek(0, self._stepped)
        self.draw()

    def action_live(self) -> None:
        """Follow the newest step."""
        self.timeline.live()
        self.draw()
