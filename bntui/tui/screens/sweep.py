"""A sweep: a heat map or a table of paired differences, the chosen cell beside it, a verdict."""

from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static

from bntui.sweep.progress import Progress
from bntui.sweep.report import claim_sentence, power_sentence
from bntui.sweep.results import LEGEND, sentence
from bntui.sweep.source import SweepSource
from bntui.text import clean
from bntui.tui.commands import (
    APP,
    HELP,
    RUNS,
    SUSPEND,
    THEME,
    VIEW,
    KeyCommand,
    Keymap,
    for_bar,
    rebound,
)
from bntui.tui.screens.help import HelpScreen
from bntui.tui.terminal.driver import is_behind
from bntui.tui.widgets.key_bar import KeyBar
from bntui.tui.widgets.sweep_cell import CellView
from bntui.tui.widgets.sweep_cells import Cells, SweepMap, SweepTable

COMMANDS = (
    KeyCommand("enter", "open", "Open logs", "The logs of the cell's runs, overlaid", VIEW, True),
    KeyCommand("m", "switch", "Map / table", "Heat map or table", VIEW, True),
    KeyCommand("s", "sort", "Sort", "Sort the table: plan, p, difference", VIEW, True),
    RUNS,
    THEME,
    SUSPEND,
    HELP,
    KeyCommand("q,ctrl+c,ctrl+q", "app.close", "Quit", "Stop and quit", APP, True, "q"),
)

NARROW, LOW = 100, 30
"""Columns and rows of the terminal below which the screen is packed."""


class About:
    """The help page."""

    TITLE: ClassVar[str] = "Sweep"
    about = (
        "Each cell is a setting of the grid; its number is the mean difference of the final "
        "evaluation-mode loss (validation where the words are split) between two networks trained "
        "from the same draws on the same batches, and how many seeds are done. Seeds in which a "
        "network diverged are counted, never averaged.\n"
        f"Signs: {LEGEND}.\n"
        "Formula: BCa bootstrap interval of the mean (Efron 1987); exact sign-flip permutation "
        "test (Fisher 1935); Holm over the cells (1979): all false verdicts together have a "
        "probability of at most 5 %.\n"
        "Try: arrow keys choose a cell, whose seeds and loss curves are beside it."
    )
    COMMANDS: ClassVar[tuple[KeyCommand, ...]] = ()
    RELATED: ClassVar[tuple[KeyCommand, ...]] = ()


class SweepScreen(Screen[None]):
    """Draws a sweep from its events."""

    DEFAULT_CSS = """
    SweepScreen > .line { height: 1; padding: 0 1; background: $primary 20%; text-wrap: nowrap;
                          text-overflow: ellipsis; }
    SweepScreen > .verdict { height: auto; max-height: 8; padding: 0 1; }
    SweepScreen.-low > .verdict { max-height: 4; }
    SweepScreen > .legend { height: 1; padding: 0 1; color: $ink-axis; text-wrap: nowrap; }
    SweepScreen > Container { height: 1fr; layout: horizontal; }
    SweepScreen ContentSwitcher { width: 1fr; height: 1fr; }
    SweepScreen CellView { width: 50%; min-width: 46; max-width: 90; height: 1fr;
                           border-left: tall $panel; }
    SweepScreen.-table CellView { width: 47; }
    SweepScreen.-narrow > Container { layout: vertical; }
    SweepScreen.-narrow CellView { width: 100%; max-width: 100%; height: 60%; max-height: 12;
                                   border-left: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    class OpenLogs(Message):
        """The logs of a cell's runs are wanted."""

        def __init__(self, keys: list[str]) -> None:
            super().__init__()
            self.keys = keys

    def __init__(self, source: SweepSource, fps: float, keymap: Keymap) -> None:
        super().__init__()
        self._keys = rebound(COMMANDS, keymap)
        self.progress = Progress()
        self._source, self._fps = source, fps
        self._drawn = -1
        self._place = 0
        self._line = Static("", classes="line", markup=False)
        self._verdict = Static("", classes="verdict", markup=False)
        self._map, self._table = SweepMap(), SweepTable()
        self._map.id, self._table.id = "map", "table"
        self._cell = CellView()

    def compose(self) -> ComposeResult:
        """Progress, verdict, the cells and the chosen one, keys."""
        yield self._line
        yield self._verdict
        yield Static(LEGEND, classes="legend", markup=False)
        with Container():
            with ContentSwitcher(initial="map"):
                yield self._map
                yield self._table
            yield self._cell
        yield KeyBar(*for_bar(self._keys, ()))

    @property
    def usable(self) -> list[KeyCommand]:
        """The keys of this screen."""
        return list(self._keys.values())

    def on_mount(self) -> None:
        """Read the events and draw by the clock."""
        self._map.focus()
        self.read_events()
        self.set_interval(1 / self._fps, self._tick)

    @work(exclusive=True)
    async def read_events(self) -> None:
        """Fold whatever comes."""
        async for event in self._source.events():
            self.progress.fold(event)

    async def on_unmount(self) -> None:
        """Stop a sweep that is still running; what is done is kept."""
        await self._source.close()

    def on_resize(self, event: events.Resize) -> None:
        """Beside each other where there is room, else one above the other."""
        narrow, low = event.size.width < NARROW, event.size.height < LOW
        self.set_class(narrow, "-narrow")
        self.set_class(low, "-low")
        self._cell.set_class(narrow, "-low")
        self.call_after_refresh(self._draw)

    def on_cells_chosen(self, event: Cells.Chosen) -> None:
        """Show the chosen cell, in both views."""
        self._place = event.place
        self._map.choose(event.place)
        self._table.choose(event.place)
        self._draw_cell()

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        if self._drawn != self.progress.version:
            self._drawn = self.progress.version
            self._draw()
        elif self.progress.ended is None:
            self._draw_line()

    def _draw(self) -> None:
        progress = self.progress
        self._draw_line()
        if progress.plan is None:
            words = [*progress.notes, progress.ended or "Starting workers (each loads torch) ..."]
        else:
            words = [sentence(progress.plan, progress.results)]
            if not progress.outcomes:
                words.append(power_sentence(progress.plan))
            words += [*progress.notes, progress.ended or ""]
            if not self.has_class("-low"):
                words.append(f"\n{claim_sentence(progress.plan)}")
            self._map.show(progress.plan, progress.results)
            self._table.show(progress.plan, progress.results)
            self._draw_cell()
        self._verdict.update(clean(" ".join(filter(str.strip, words)), limit=2000))

    def _draw_line(self) -> None:
        title = clean(self.progress.name, limit=60) or "sweep"
        self._line.update(Content.assemble((f"{title}  ", "bold"), self.progress.line))

    def _draw_cell(self) -> None:
        progress = self.progress
        if progress.plan and self._place < len(progress.results):
            one = progress.results[self._place]
            self._cell.show(progress.plan, one, progress.directory, progress.outcomes)

    def action_switch(self) -> None:
        """The map or the table."""
        shown, other = self.query_one(ContentSwitcher), (self._map, self._table)
        now = other[shown.current == "map"]
        shown.current = now.id
        self.set_class(now is self._table, "-table")
        now.focus()
        self.call_after_refresh(self._draw_cell)  # for its new width

    def action_sort(self) -> None:
        """The next order of the table."""
        orders = SweepTable.ORDERS
        order = orders[(orders.index(self._table.order) + 1) % len(orders)]
        if self.query_one(ContentSwitcher).current == "map":
            self.action_switch()
        self._table.sort_by(order)
        self.notify(f"Sorted by {order}.", timeout=2)

    def action_open(self) -> None:
        """Ask for the logs of the chosen cell's first runs."""
        plan = self.progress.plan
        if plan and self._place < len(self.progress.results):
            cell = self.progress.results[self._place].cell
            keys = [job.key for job in plan.jobs() if job.cell == cell]
            self.post_message(self.OpenLogs([key for key in keys if key in self.progress.outcomes]))

    def action_help(self) -> None:
        """Explain the screen."""
        self.app.push_screen(HelpScreen(About(), self.usable))
