"""Which panes are shown: four side by side, one of them alone, or a page."""

from typing import Generic

from textual.containers import Container

from bntui.tui.panes.base import AnyPane, PaneT, owner
from bntui.tui.plotting.plot import Plot


class PaneGrid(Container, Generic[PaneT]):
    """The panes of a screen, and the current one.

    The `four` share the room; a page, one of those `beyond`, has it all, and is mounted when it is
    first needed. `zoomed` and `narrow` show one of the four alone. `cursor` is the step at which
    plots are read, if any.
    """

    DEFAULT_CSS = "PaneGrid { layout: grid; grid-size: 2 2; grid-gutter: 0 1; height: 1fr; }"

    def __init__(self, four: list[PaneT], beyond: list[PaneT]) -> None:
        self.four, self.beyond = four, beyond
        self.panes = [*four, *beyond]
        super().__init__(*four, id="panes")
        self.current = self.home = four[0]
        self.zoomed = self.narrow = False
        self.cursor: int | None = None

    @property
    def on_page(self) -> bool:
        """Whether a page is shown, and not the four."""
        return self.current in self.beyond

    @property
    def single(self) -> bool:
        """Whether the current pane is alone."""
        return self.zoomed or self.narrow or self.on_page

    @property
    def shown(self) -> list[PaneT]:
        """The panes on the screen."""
        return [self.current] if self.single else self.four

    def choose(self, pane: AnyPane) -> None:
        """Focus `pane`, which makes it the current one."""
        self._mount_first(pane)
        pane.focus()

    def bring(self, pane: PaneT) -> None:
        """Make `pane` the current one; leaving a page leads back to the last of the four."""
        self._mount_first(pane)
        self.current = pane
        if not self.on_page:
            self.home = pane

    def lay_out(self) -> None:
        """Arrange the panes that are shown.

        Without classes: a change of class has Textual match every rule for all that is within.
        """
        self.styles.layout = "vertical" if self.single else "grid"
        for pane in self.panes:
            pane.display = pane in self.shown

    def move_cursor(self, by: int, steps: int) -> bool:
        """Move the cursor by columns of the current pane's plot, or of another that is shown.

        The first move shows it at the newest of `steps`. False where no pane shows a plot over
        steps.
        """
        here = steps if self.cursor is None else min(self.cursor, steps)
        moved = by if self.cursor is not None else 0
        plots = (plot for pane in (self.current, *self.shown) for plot in pane.query(Plot))
        beside = (plot.step_beside(here, moved) for plot in plots)
        found = next((step for step in beside if step is not None), None)
        if found is None:
            return False
        self.cursor = min(found, steps)
        return True

    def next(self, by: int) -> PaneT:
        """The pane `by` places after the current one, among the four or among the pages."""
        among = self.beyond if self.on_page else self.four
        return among[(among.index(self.current) + by) % len(among)]

    def owner(self, action: str) -> PaneT:
        """The pane whose key has that action: the current one first."""
        pane = owner(action, [self.current, *self.panes])
        self._mount_first(pane)
        return pane

    def _mount_first(self, pane: AnyPane) -> None:
        if not pane.is_attached:
            self.mount(pane)
