"""The lab: a status line, four panes, the keys."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from bntui import protocol
from bntui.history import History
from bntui.tui.commands import COMMANDS
from bntui.tui.driver import is_behind
from bntui.tui.keybar import KeyBar
from bntui.tui.panes.activations import ActivationsPane
from bntui.tui.panes.loss import LossPane
from bntui.tui.panes.modes import MODES, ModesPane
from bntui.tui.panes.pane import Pane
from bntui.tui.panes.statistics import StatisticsPane
from bntui.tui.screens.help import HelpScreen
from bntui.tui.scrubbar import ScrubBar
from bntui.tui.status import Status
from bntui.tui.tabs import PaneTabs
from bntui.tui.timeline import Timeline

USUAL_PACE = 500.0
"""Steps per second at which a person sees learning happen."""
ROOM_FOR_ALL = (100, 30)
ROOM_FOR_ONE = (40, 12)


class LabScreen(Screen[None]):
    """Four panes side by side where there is room, one with tabs where there is not."""

    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    class Send(Message):
        """Ask for a command to be sent to whatever the events come from."""

        def __init__(self, command: protocol.Command) -> None:
            super().__init__()
            self.command = command

    def __init__(self, history: History, fps: float) -> None:
        super().__init__()
        self.fps = fps
        self._history = history
        self._drawn = -1
        self._zoomed = False
        self.loss = LossPane(id="loss")
        self.activations = ActivationsPane(id="activations")
        self.statistics = StatisticsPane(id="statistics")
        self.modes = ModesPane(id="modes")
        self._panes: list[Pane] = [self.loss, self.activations, self.statistics, self.modes]
        self._current: Pane = self.loss
        self.timeline = Timeline()
        self._status = Status()
        self._scrub_bar = ScrubBar()
        self._tabs = PaneTabs([pane.TITLE for pane in self._panes])

    def compose(self) -> ComposeResult:
        """Status, tabs (only beside a single pane), panes, keys; and the word for no room."""
        yield self._status
        yield self._tabs
        yield Container(*self._panes, id="panes")
        yield self._scrub_bar
        yield KeyBar()
        yield Static("", id="too-small", markup=False)

    def on_mount(self) -> None:
        """Start the frame clock."""
        self._status.show(self._history)
        self._current.focus()
        self.set_interval(1 / self.fps, self._tick)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout that the terminal has room for."""
        width, height = event.size
        tiny = width < ROOM_FOR_ONE[0] or height < ROOM_FOR_ONE[1]
        self.set_class(tiny, "-tiny")
        self.set_class(width < ROOM_FOR_ALL[0] or height < ROOM_FOR_ALL[1], "-narrow")
        self.query_one("#too-small", Static).update(
            f"bntui needs at least {ROOM_FOR_ONE[0]} x {ROOM_FOR_ONE[1]};\n"
            f"this terminal has {width} x {height}."
        )
        self.call_after_refresh(self._draw)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focused pane is the current one, the one that zoom and narrow terminals show."""
        if isinstance(event.widget, Pane):
            self._bring(event.widget)

    def _bring(self, pane: Pane) -> None:
        self._current = pane
        for other in self._panes:
            other.set_class(other is pane, "-current")
        self._tabs.choose(self._panes.index(pane))
        self._draw()

    @property
    def is_behind(self) -> bool:
        """Whether anything came since the last frame."""
        return self._drawn != self._history.version

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        if self.timeline.tick(1 / self.fps, self._history):
            self._draw()
        elif self.is_behind:
            self._draw() if self.timeline.at is None else self._draw_frame()

    def _draw_frame(self) -> None:
        """What is about the newest step, wherever the panes stand."""
        self._drawn = self._history.version
        self._status.show(self._history)
        self._scrub_bar.show(self.timeline, self._history)
        self.set_class(self.timeline.at is not None, "-scrubbing")

    def _draw(self) -> None:
        self._draw_frame()
        view = self.timeline.view(self._history)
        for pane in self._panes:
            if pane is self._current or not (self._zoomed or self.has_class("-narrow")):
                pane.draw(view)

    def on_pane_tabs_chosen(self, event: PaneTabs.Chosen) -> None:
        """A tab was clicked."""
        self._panes[event.index].focus()

    def _show(self, pane: Pane) -> None:
        """Draw after a pane's own key; bring it forward where it cannot be seen."""
        if self._zoomed or self.has_class("-narrow"):
            pane.focus()
        pane.draw(self.timeline.view(self._history))

    # The run: each asks the engine; the screen changes when the engine's State comes back.

    def _ask(self, command: protocol.Command) -> None:
        self.post_message(self.Send(command))

    def action_pause(self) -> None:
        """Pause a running engine, let a paused one go on."""
        state = self._history.state
        if state and state.state == "finished":
            self.notify("This run is finished: r begins it again.")
        else:
            running = state and state.state == "running"
            self._ask(protocol.Pause() if running else protocol.Resume())

    def action_step(self) -> None:
        """One training step."""
        self._ask(protocol.Step())

    def action_restart(self) -> None:
        """The same run again."""
        if self._history.hello:
            self._ask(protocol.Start(self._history.hello.config))

    def action_faster(self) -> None:
        """Double the pace."""
        if self._history.state and self._history.state.pace:
            self._ask(protocol.SetPace(min(self._history.state.pace * 2, 1e6)))

    def action_slower(self) -> None:
        """Half the pace; from full speed, the usual pace."""
        if self._history.state:
            pace = self._history.state.pace
            self._ask(protocol.SetPace(max(pace / 2, 0.1) if pace else USUAL_PACE))

    def action_full_speed(self) -> None:
        """Full speed, or back to the usual pace."""
        if self._history.state:
            self._ask(protocol.SetPace(None if self._history.state.pace else USUAL_PACE))

    # Time.

    def action_scrub(self, parts: int) -> None:
        """Look back, or forth again."""
        self.timeline.move(parts, self._history)
        self._draw()

    def action_first_step(self) -> None:
        """Look at the run as it began."""
        self.timeline.seek(0, self._history)
        self._draw()

    def action_live(self) -> None:
        """Go with the newest step."""
        self.timeline.live()
        self._draw()

    def action_replay(self) -> None:
        """Replay, faster with every press."""
        self.timeline.replay(self._history)
        self._draw()

    def on_scrub_bar_sought(self, event: ScrubBar.Sought) -> None:
        """The bar was clicked or dragged."""
        self.timeline.seek(event.step, self._history)
        self._draw()

    # Panes.

    def action_pane(self, name: str) -> None:
        """Focus the pane of that id."""
        self.query_one(f"#{name}", Pane).focus()

    def action_next_pane(self, by: int) -> None:
        """Focus the pane `by` places on."""
        place = self._panes.index(self._current) + by
        self._panes[place % len(self._panes)].focus()

    def action_zoom(self) -> None:
        """The current pane alone, or all."""
        self._zoomed = not self._zoomed
        self.set_class(self._zoomed, "-zoomed")
        self.call_after_refresh(self._draw)

    # What a pane shows.

    def action_log_scale(self) -> None:
        """Loss: log or linear."""
        self.loss.log_scale = not self.loss.log_scale
        self._show(self.loss)

    def action_window(self) -> None:
        """Loss: last 500 steps or all."""
        self.loss.last = not self.loss.last
        self._show(self.loss)

    def action_moment(self) -> None:
        """Statistics: means or variances."""
        self.statistics.moment = "var" if self.statistics.moment == "mean" else "mean"
        self._show(self.statistics)

    def action_unit(self) -> None:
        """Statistics: all units or the next one."""
        self.statistics.next_unit(len(self._history.trace.units) if self._history.trace else 0)
        self._show(self.statistics)

    def action_units(self, by: int) -> None:
        """Statistics: ask the engine to watch other units."""
        trace, hello = self._history.trace, self._history.hello
        if trace and hello:
            hidden = hello.config.hidden
            first = (trace.units[0] + by) % hidden if trace.units else 0
            self._ask(protocol.Watch(trace.layer, list(range(first, min(first + 5, hidden)))))

    def action_layer(self) -> None:
        """The next hidden layer, in the activations and the statistics alike."""
        trace, hello = self._history.trace, self._history.hello
        if hello and hello.config.depth > 1:
            self.activations.hidden_layer = (self.activations.hidden_layer + 1) % hello.config.depth
            if trace:
                self._ask(protocol.Watch(self.activations.hidden_layer, trace.units))
            self._draw()

    def action_mode(self) -> None:
        """Train/eval: the other mode."""
        self.modes.mode = MODES[1 - MODES.index(self.modes.mode)]
        self._show(self.modes)

    def action_batch_size(self) -> None:
        """Train/eval: the next batch size."""
        self.modes.next_size()
        self._show(self.modes)

    # The app.

    def action_help(self) -> None:
        """Keys, and what the current pane shows."""
        self.app.push_screen(HelpScreen(self._current))

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
