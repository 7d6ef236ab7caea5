"""Two to four runs overlaid: their losses, their train/eval losses, and how they differ."""

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from bntui.config.schema import BN
from bntui.history.comparison import Entry, differences, overlay
from bntui.history.history import History
from bntui.tui.commands import COMPARE_COMMANDS, CURSOR_KEYS, with_panes
from bntui.tui.panes.loss import LossPane
from bntui.tui.panes.overlay import OverlayPane
from bntui.tui.panes.pane import Pane, Part, arm_part, owner
from bntui.tui.plotting.plot import Plot
from bntui.tui.screens.help import HelpScreen
from bntui.tui.terminal.driver import is_behind
from bntui.tui.widgets.key_bar import KeyBar

COMMANDS = with_panes(COMPARE_COMMANDS, (LossPane.COMMANDS, OverlayPane.COMMANDS))
"""Every key of the screen: its own and its panes'."""


class CompareScreen(Screen[None]):
    """One curve a run, of the network `_arm`."""

    DEFAULT_CSS = """
    CompareScreen > .legend { height: auto; padding: 0 1; background: $primary 20%; }
    CompareScreen > Container { height: 1fr; layout: vertical; }
    CompareScreen Pane { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def __init__(self, runs: Sequence[Entry], fps: float) -> None:
        super().__init__()
        self._fps = fps
        self._runs = list(runs)
        self._arm = BN
        self._drawn = (-1, "")
        self._cursor: int | None = None
        self._legend = Static("", classes="legend", markup=False)
        self.loss = LossPane(id="overlay-loss")
        self.modes = OverlayPane(id="overlay-modes")

    def compose(self) -> ComposeResult:
        """The legend above both panes."""
        yield self._legend
        yield Container(self.loss, self.modes)
        yield KeyBar([command for command in COMMANDS if command not in CURSOR_KEYS])

    def on_mount(self) -> None:
        """Read every log, and draw by the clock."""
        for run in self._runs:
            self._read(run)
        self.loss.focus()
        self.set_interval(1 / self._fps, self._tick)

    @work
    async def _read(self, run: Entry) -> None:
        async for event in run.recording.events():
            run.history.fold(event)

    def on_resize(self) -> None:
        """Draw again when the panes have their new sizes."""
        self.call_after_refresh(self._draw)

    async def on_unmount(self) -> None:
        """Close the logs."""
        for run in self._runs:
            await run.recording.close()

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        version = sum(run.history.version for run in self._runs)
        if (version, self._arm) != self._drawn:
            self._drawn = (version, self._arm)
            self._draw()

    def _draw(self) -> None:
        together = overlay(self._runs, self._arm)
        self.loss.cursor = self.modes.cursor = self._cursor
        self._legend.update(Content.assemble(*self._words()))
        self.loss.redraw(together)
        self.modes.redraw(together)

    def _words(self) -> list[Part]:
        """A line a run: its letter and shape, its file, and what differs."""
        found = differences([run.history for run in self._runs])
        lines: list[Part] = [(f"{self._arm} of every run\n", "bold")]
        for i, (run, difference) in enumerate(zip(self._runs, found, strict=True)):
            lines += [arm_part(i, run.letter, ""), f"{run.name}  {difference}\n"]
        return [*lines[:-1], str(lines[-1]).rstrip("\n")]

    @property
    def shown(self) -> list[History]:
        """The runs that are compared."""
        return [run.history for run in self._runs]

    def _current(self) -> Pane:
        return self.modes if self.modes.has_focus else self.loss

    def on_pane_changed(self) -> None:
        """Draw after a pane's own key."""
        self._draw()

    async def action_pane_command(self, action: str) -> None:
        """Run a pane's own key, wherever the focus is."""
        await owner(action, [self._current(), self.loss, self.modes]).run_action(action)

    def action_cursor(self, by: int) -> None:
        """Read both plots at a step, or move on from there."""
        newest = max((run.history.steps for run in self._runs), default=0)
        here, by = (newest, 0) if self._cursor is None else (self._cursor, by)
        plot = self._current().query_one(Plot)
        self._cursor = plot.step_beside(here, by)
        self._draw()

    def on_plot_pointed(self, event: Plot.Pointed) -> None:
        """The mouse chose the step at which plots are read."""
        self._cursor = event.step
        self._draw()

    async def action_leave(self) -> None:
        """Hide the cursor; without one, close the comparison."""
        if self._cursor is None:
            await self.run_action("app.close")
        else:
            self._cursor = None
            self._draw()

    def action_next_network(self) -> None:
        """Show the next network of every run."""
        names = list(dict.fromkeys(name for run in self._runs for name in run.history.arms))
        if names:
            place = names.index(self._arm) if self._arm in names else -1
            self._arm = names[(place + 1) % len(names)]
        self._draw()

    def action_help(self) -> None:
        """Explain the focused pane."""
        self.app.push_screen(HelpScreen(self._current(), COMMANDS))
