"""What the lab is made of, how it is laid out, and the clock by which it is drawn."""

from time import monotonic

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from bntui import protocol
from bntui.history.history import History
from bntui.tui.controls.panel import Panel
from bntui.tui.pages import Pages
from bntui.tui.panes.pane import Pane
from bntui.tui.terminal.driver import is_behind
from bntui.tui.timeline import Timeline
from bntui.tui.widgets.findings_line import FindingsLine
from bntui.tui.widgets.key_bar import KeyBar
from bntui.tui.widgets.scrub_bar import ScrubBar
from bntui.tui.widgets.status import Status
from bntui.tui.widgets.tabs import PaneTabs
from bntui.tui.widgets.tour import Tour

ROOM_FOR_ALL = (100, 30)
ROOM_FOR_ONE = (40, 12)
ROOM_FOR_FINDINGS = 30
PANEL_WIDTH = 42


class LabFrame(Screen[None]):
    """The lab without its keys: status, tabs, panes, scrub bar, key bar."""

    class Send(Message, namespace="lab_screen"):
        """Ask for a command to be sent to whatever the events come from."""

        def __init__(self, command: protocol.Command) -> None:
            super().__init__()
            self.command = command

    def __init__(self, history: History, fps: float, tour: bool = False) -> None:
        super().__init__()
        self.fps = fps
        self._tour = tour
        self.history = history
        self.pages = Pages()
        self.panel = Panel()
        self.timeline = Timeline()
        self._drawn = -1
        self._looked: tuple[protocol.Hello | None, protocol.Look] = (None, protocol.Look([]))
        self._status = Status()
        self._findings = FindingsLine()
        self._scrub_bar = ScrubBar()
        self._tabs = PaneTabs(self.pages.panes)

    def compose(self) -> ComposeResult:
        """Status, tabs (only beside a single pane), panes, keys; and the word for no room."""
        yield self._status
        yield self._tabs
        yield Horizontal(self.pages, self.panel, id="middle")
        yield self._scrub_bar
        yield self._findings
        yield KeyBar()
        yield Static("", id="too-small", markup=False)

    def on_mount(self) -> None:
        """Start the frame clock."""
        self._status.show(self.history)
        self.pages.current.focus()
        self.set_interval(1 / self.fps, self._tick)
        if self._tour:
            self.mount(Tour())

    def on_resize(self) -> None:
        """Choose the layout that the terminal has room for."""
        self.fit()

    def fit(self) -> None:
        """Lay out for the terminal's size, with the control panel or without."""
        width, height = self.app.size
        over = width < ROOM_FOR_ALL[0]
        room = width if over or not self.panel.is_shown else width - PANEL_WIDTH
        self.pages.narrow = room < ROOM_FOR_ALL[0] or height < ROOM_FOR_ALL[1]
        self.panel.set_class(over, "-over")
        self.set_class(width < ROOM_FOR_ONE[0] or height < ROOM_FOR_ONE[1], "-tiny")
        self.set_class(over or height < ROOM_FOR_ALL[1], "-narrow")
        self._findings.display = height >= ROOM_FOR_FINDINGS
        self.query_one("#too-small", Static).update(
            f"bntui needs at least {ROOM_FOR_ONE[0]} x {ROOM_FOR_ONE[1]};\n"
            f"this terminal has {width} x {height}."
        )
        self.lay_out()
        self.call_after_refresh(self.draw)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focused pane is the current one, the one that zoom and narrow terminals show."""
        if isinstance(event.widget, Pane):
            self.pages.bring(event.widget)
            self.lay_out()
            self.draw()

    def on_tour_at(self, event: Tour.At) -> None:
        """Point at a pane without giving it the keyboard."""
        pointed = [pane for pane in self.pages.panes if pane.id == event.place.pane]
        for pane in self.pages.panes:
            pane.set_class(pane in pointed, "-pointed")
        for pane in pointed:
            self.pages.bring(pane)
        hidden = {self.pages.statistics, self.pages.modes} & set(pointed)
        self.query_one(Tour).set_class(bool(hidden) and not self.pages.single, "-high")
        self.lay_out()

    def on_tour_over(self) -> None:
        """Back to the first pane, unless the keyboard went elsewhere by itself."""
        for tour in self.query(Tour):
            if tour.has_focus:
                self.pages.loss.focus()
            tour.remove()
        for pane in self.pages.panes:
            pane.remove_class("-pointed")

    def on_pane_tabs_chosen(self, event: PaneTabs.Chosen) -> None:
        """A tab was clicked."""
        self.pages.panes[event.index].focus()

    def lay_out(self) -> None:
        """Lay out what is to be seen; panes ask to be drawn once they have their size."""
        self.pages.lay_out()
        self._tabs.display = self.pages.single
        self._tabs.choose(self.pages.place)

    def on_pane_resized(self, event: Pane.Resized) -> None:
        """Draw a pane for the size that it has now."""
        if event.pane in self.pages.seen:
            self.pages.draw_one(event.pane, self.view)

    @property
    def is_behind(self) -> bool:
        """Whether anything came since the last frame."""
        return self._drawn != self.history.version

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        if self.timeline.tick(1 / self.fps, self.history):
            self.draw()
        elif self.is_behind:
            self.draw() if self.timeline.at is None else self._draw_frame()

    def _draw_frame(self) -> None:
        """What is about the newest step, wherever the panes stand."""
        self._drawn = self.history.version
        self._status.show(self.history)
        self._scrub_bar.show(self.timeline, self.history)
        self.set_class(self.timeline.at is not None, "-scrubbing")
        self._look()
        if self.panel.is_shown:
            self.panel.draw(self.history)
        self._tell_findings()

    def _tell_findings(self) -> None:
        """Say what is found, now and then; during a replay the step looked at is no news."""
        state = self.history.state.state if self.history.state else ""
        looked_at = self.timeline.at if self.timeline.speed is None else None
        now, at = monotonic(), (looked_at, state)
        if self._findings.display and self._findings.is_due(now, at):
            self._findings.show(self.view, now, at)

    def draw(self) -> None:
        """Draw everything that is seen, where the timeline stands."""
        self._draw_frame()
        self.pages.draw(self.view)

    def _look(self) -> None:
        """Say what is seen that is measured for the screen alone: when that changes, or the run."""
        probes = list(self.pages.current.PROBES)
        look = protocol.Look(probes, self.pages.hidden_layer if probes else 0)
        run, said = self._looked
        if self.history.hello and (look != said or (probes and run is not self.history.hello)):
            self._looked = (self.history.hello, look)
            self.ask(look)

    @property
    def view(self) -> History:
        """The run as of where the timeline stands."""
        return self.timeline.view(self.history)

    def show(self, pane: Pane) -> None:
        """Draw after a pane's own key; bring it forward where it cannot be seen."""
        if pane not in self.pages.seen:
            pane.focus()
        self.pages.draw_one(pane, self.view)

    def ask(self, command: protocol.Command) -> None:
        """Send a command; the screen changes when the engine's answer comes back."""
        self.post_message(self.Send(command))
