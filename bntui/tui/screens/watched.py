"""A watched run: a status line, panes and pages, a findings line, the keys."""

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from bntui.doctor.finding import Finding
from bntui.doctor.unjudged import unjudged
from bntui.history.watched import WatchedRun, as_of
from bntui.tui.commands import KeyCommand, Keymap, for_bar, rebound
from bntui.tui.pane_grid import PaneGrid
from bntui.tui.screens.help import HelpScreen
from bntui.tui.screens.panes import PaneScreen
from bntui.tui.terminal.driver import is_behind
from bntui.tui.watched.commands import BEYOND, COMMANDS, FOUR
from bntui.tui.watched.distances import DistancesPane
from bntui.tui.watched.doctor import DoctorPane, examined, layer_of, sentence
from bntui.tui.watched.pane import LayerRows, WatchedPane
from bntui.tui.watched.selection import COLUMNS, Selection
from bntui.tui.watched.status import FoundLine, WatchedStatus
from bntui.tui.watched.view import View, last_step
from bntui.tui.widgets.key_bar import KeyBar

EXAMINE_EVERY = 1.0
"""Seconds between two examinations by the doctor while the run goes on."""
SHARE = 20
"""Times as long as one took at least: of hundreds of layers it takes some tenths of a second."""

STOPS = 100
"""Of a scrub from end to end, where a layer has more samples."""


class WatchedScreen(PaneScreen[WatchedPane]):
    """The screen of a watched run, which takes no commands."""

    DEFAULT_CSS = """
    WatchedScreen { layout: vertical; }
    WatchedScreen PaneTabs { display: none; }
    WatchedScreen > Input {
        display: none; height: 1; border: none; padding: 0 1; background: $panel;
    }
    WatchedScreen > #too-small {
        display: none; width: 100%; height: 100%; content-align: center middle;
    }
    WatchedScreen.-tiny > * { display: none; }
    WatchedScreen.-tiny > #too-small { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def __init__(self, run: WatchedRun, fps: float, keymap: Keymap) -> None:
        self.commands = rebound(COMMANDS, keymap)
        four, beyond = ([pane(id=pane.__name__.lower()) for pane in k] for k in (FOUR, BEYOND))
        self._found = FoundLine()
        super().__init__(PaneGrid[WatchedPane](four, beyond), run, self._found)
        self.run, self.fps = run, fps
        self.selection = Selection()
        self._drawn_version = -1
        self._view = View(run)
        self._findings: Sequence[Finding] = ()
        self._unjudged: Sequence[str] = ()
        self._examined_at, self._examined_version = float("-inf"), -1
        self._examine_every = EXAMINE_EVERY
        self._status = WatchedStatus()
        self._key_bar = KeyBar(*self._bar())
        self._filter = Input(
            placeholder="part of a name, class, mode or rule; Enter: keep, Esc: all"
        )

    def compose(self) -> ComposeResult:
        """Status, tabs (only beside a single pane), panes, filter, finding, keys."""
        yield self._status
        yield self.tabs
        yield self.grid
        yield self._filter
        yield self._found
        yield self._key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Start the frame clock."""
        self.grid.current.focus()
        self.set_interval(1 / self.fps, self._tick)

    # Layout

    def on_resize(self) -> None:
        """Choose the layout that the terminal has room for."""
        self.fit_to(*self.app.size)

    # Drawing

    @property
    def view(self) -> View:
        """What the panes draw."""
        return self._view

    @property
    def is_behind(self) -> bool:
        """Whether events came in since the last frame."""
        return self._drawn_version != self.run.version

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        is_live = self.timeline.at is None
        if is_live and (self.is_behind or (self._is_unexamined and self._may_examine)):
            self.draw()
        elif self.is_behind:
            self._draw_frame()
        elif self._found.display:
            self._found.show(self._findings, self.run, self._unjudged)

    @property
    def _is_unexamined(self) -> bool:
        return self._examined_version != self.run.version

    @property
    def _may_examine(self) -> bool:
        ended = self.run.ended and self._is_unexamined  # nothing will come any more: now
        return ended or monotonic() - self._examined_at >= self._examine_every

    def draw(self) -> None:
        """Draw everything that is shown, as of the timeline's step."""
        at = self.timeline.at
        run = self.run if at is None else as_of(self.run, at)
        if at is not None:
            self._examine(run)
            self._examined_at = float("-inf")
        elif self._may_examine:
            began = monotonic()
            self._examine(run)
            self._examined_at = monotonic()
            self._examine_every = max(EXAMINE_EVERY, SHARE * (self._examined_at - began))
            self._examined_version = run.version
        view = self.selection.view(run, self._findings, last_step(self.run))
        cursor = self.grid.cursor
        as_known = run.steps if at is None else at
        cursor = None if cursor is None else min(cursor, as_known)
        self._view = replace(view, cursor=cursor, unjudged=self._unjudged)
        self._draw_frame()
        for pane in self.grid.shown:
            pane.redraw(self._view)

    def _examine(self, run: WatchedRun) -> None:
        self._findings, self._unjudged = examined(run), unjudged(run)

    def _draw_frame(self) -> None:
        """Draw what surrounds the panes."""
        self._drawn_version = self.run.version
        self._status.show(self.run, self.timeline.at)
        self._key_bar.show(*self._bar())
        self._found.show(self._findings, self.run, self._unjudged)

    @property
    def usable(self) -> list[KeyCommand]:
        """The keys of this screen."""
        return list(self.commands.values())

    def _bar(self) -> tuple[list[KeyCommand], int]:
        pane = self.grid.current
        own = (*pane.COMMANDS, *pane.RELATED)
        return for_bar(self.commands, own, self.timeline.at is not None)

    # Keys: panes

    def action_focus_pane(self, number: int) -> None:
        """Focus the pane or page of that number."""
        self.grid.choose(self.grid.panes[number - 1])

    def action_home_pane(self) -> None:
        """Hide the cursor; without one, from a page back to the four; then list all layers."""
        if self.hide_cursor():
            return
        if self.grid.on_page:
            self.grid.home.focus()
        elif self.selection.query:
            self._filter.value = ""

    # Keys: layers

    def action_move(self, by: int) -> None:
        """Select another layer for every pane; or, on a page with a list of its own, move there."""
        if self.grid.current.move(by):
            self.grid.current.redraw(self._view)
        else:
            self.selection.move(by, self._view.order)
            self.draw()

    def action_turn(self, by: int) -> None:
        """Move by a page."""
        self.action_move(by * max(self.grid.current.size.height - 2, 1))

    def on_layer_rows_chosen(self, event: LayerRows.Chosen) -> None:
        """A layer was clicked."""
        self.selection.layer = event.layer
        self.draw()

    def action_follow(self) -> None:
        """Go from a finding to its layer, at the step since which it holds."""
        current = self.grid.current
        finding = current.chosen if isinstance(current, DoctorPane) else None
        layer = layer_of(self._view, finding) if finding else None
        if finding is None or layer is None:
            return
        self._filter.value = ""
        self.selection.layer = self._view.run.layers.index(layer)
        if finding.since is not None and self.timeline.at is None:
            self.timeline.seek(finding.since, self.run)
        self.query_one(DistancesPane).focus()

    def action_sort(self, by: int) -> None:
        """Sort the layers by another column, and select the first: the worst, mostly."""
        self.selection.sort = (self.selection.sort + by) % len(COLUMNS)
        self.draw()
        if self.selection.sort:
            self.selection.move(-len(self._view.order), self._view.order)
            self.draw()

    def action_filter(self) -> None:
        """Type a filter."""
        self._filter.display = True
        self._filter.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """List the layers that fit."""
        self.selection.query = event.value
        self.draw()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._leave_filter()

    def on_key(self, event: events.Key) -> None:
        """Escape in the filter lists all layers again."""
        if event.key == "escape" and self._filter.has_focus:
            event.stop()
            event.prevent_default()
            self._filter.value = ""
            self._leave_filter()

    def _leave_filter(self) -> None:
        self._filter.display = bool(self.selection.query)
        self.grid.current.focus()

    def action_linear(self) -> None:
        """Steps evenly spaced, or each tenfold as wide as the next."""
        self.selection.linear = not self.selection.linear
        self.draw()

    # Keys: time

    @property
    def schedule(self) -> list[int]:
        """Every sample of the selected layer, or, of many, about `STOPS` evenly spread ones."""
        layer = self.selection.layer
        sampled = self.run.layers[layer].sizes.steps if layer < len(self.run.layers) else ()
        return [0, *sampled][:: max(len(sampled) // STOPS, 1)]

    def action_live(self) -> None:
        """Follow the newest step, examined at once."""
        self._examined_at = float("-inf")
        super().action_live()

    # Help

    def action_help(self) -> None:
        """Explain the current pane (on the doctor's page, the rule), and list findings and keys."""
        self.app.push_screen(HelpScreen(self.grid.current, self.usable, _holding(self._findings)))


def findings_text(run: WatchedRun) -> str:
    """The findings that hold in a run, a line each."""
    return "\n".join(_holding(examined(run))) or "No finding so far."


def _holding(findings: Sequence[Finding]) -> list[str]:
    return [sentence(finding) for finding in findings if finding.resolved is None]
