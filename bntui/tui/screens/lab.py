"""The lab: a status line, panes, the keys."""

from time import monotonic
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import BindingType

from bntui import protocol
from bntui.config.schema import MOST_ARMS, RunConfig
from bntui.history.findings import Finding, findings
from bntui.history.history import History
from bntui.tui.commands import (
    LAB_COMMANDS,
    PAUSE,
    KeyCommand,
    Keymap,
    for_bar,
    rebound,
    with_panes,
)
from bntui.tui.controls.cells import Cells
from bntui.tui.controls.fields import Fields
from bntui.tui.controls.settings_state import SettingsState
from bntui.tui.messages import SendCommand
from bntui.tui.pages import PANES, Pages
from bntui.tui.panes.pane import Pane
from bntui.tui.screens.fork import ForkScreen
from bntui.tui.screens.help import HelpScreen
from bntui.tui.screens.new_network import NewNetworkScreen
from bntui.tui.screens.panes import ROOM_FOR_ALL, PaneScreen
from bntui.tui.terminal.driver import is_behind
from bntui.tui.watched.lab_doctor import LabDoctorPane
from bntui.tui.widgets.findings_line import FindingsLine
from bntui.tui.widgets.key_bar import KeyBar
from bntui.tui.widgets.scrub_bar import ScrubBar
from bntui.tui.widgets.status import Status
from bntui.tui.widgets.tour import Tour

USUAL_PACE = 500.0
"""Steps per second of the fixed pace that + and - change to."""

ROOM_FOR_TOUR = 30
"""Rows of the terminal below which the tour has the place of the time bar."""

RECORDED = "This is a recording: it takes no commands."

COMMANDS = with_panes(LAB_COMMANDS, (pane.COMMANDS for pane in PANES))
"""Every key of the lab: its own and its panes'."""


class LabScreen(PaneScreen[Pane]):
    """The screen of a run of the lab's engine, which takes commands.

    It shows what the engine's events confirmed: a key only sends a command.
    """

    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def __init__(
        self, history: History, fps: float, tour: bool = False, keymap: Keymap | None = None
    ) -> None:
        self.recording = ""
        self.commands = rebound(COMMANDS, keymap or {})
        self.pages = Pages(history)
        self._findings = FindingsLine()
        super().__init__(self.pages, history, self._findings)
        self.fps = fps
        self._with_tour = tour
        self.history = history
        self._settings = SettingsState()
        self._strip = Fields(self._settings, self._settings.live_rows, Cells())
        self._drawn_version = -1
        self._subscribed: tuple[protocol.Hello | None, protocol.Subscribe] = (
            None,
            protocol.Subscribe([]),
        )
        self._status = Status()
        self._scrub_bar = ScrubBar()
        self._key_bar = KeyBar(*self._bar())

    def compose(self) -> ComposeResult:
        """Status, tabs (only beside a single pane), panes, keys; and a notice for tiny sizes."""
        yield self._status
        yield self.tabs
        yield self.pages
        yield self._scrub_bar
        yield self._findings
        yield self._key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Start the frame clock."""
        self._status.show(self.history, self.timeline.at, self.view)
        self.pages.current.focus()
        self.set_interval(1 / self.fps, self._tick)
        if self._with_tour:
            self.add_class("-touring")
            self.mount(Tour(self.history), before=self._scrub_bar)

    # Layout

    def on_resize(self) -> None:
        """Choose the layout that the terminal has room for."""
        width, height = self.app.size
        self.set_class(width < ROOM_FOR_ALL[0] or height < ROOM_FOR_ALL[1], "-narrow")
        self.set_class(height < ROOM_FOR_TOUR, "-low")
        self.fit_to(width, height)

    # Drawing

    @property
    def view(self) -> History:
        """The run as of the step that the timeline shows."""
        return self.timeline.view(self.history)

    @property
    def shown(self) -> list[History]:
        """The run that is shown, as of its step."""
        return [self.view]

    @property
    def is_behind(self) -> bool:
        """Whether events came in since the last frame."""
        return self._drawn_version != self.history.version

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        if self.timeline.tick(1 / self.fps, self.history):
            self.draw()
        elif self.is_behind:
            self.draw() if self.timeline.at is None else self._draw_frame(self.view)
        elif self._findings.is_due(monotonic()):
            self._draw_findings(self.view)

    def draw(self) -> None:
        """Draw everything that is shown, as of the timeline's step."""
        view = self.view
        self._draw_frame(view)
        self.pages.draw(view)

    def _draw_frame(self, view: History) -> None:
        """Draw what surrounds the panes, which is about the newest step."""
        self._drawn_version = self.history.version
        self._status.show(self.history, self.timeline.at, view, self.recording)
        self._key_bar.show(*self._bar())
        for tour in self.query(Tour):
            tour.draw()
        self._scrub_bar.show(self.timeline, self.history)
        self.set_class(self.timeline.at is not None, "-scrubbing")
        self._subscribe()
        if self.has_class("-settings"):
            self._strip.draw(self.history)
        self._draw_findings(view)

    @property
    def usable(self) -> list[KeyCommand]:
        """The keys that do something: a recording takes no commands."""
        return list(self._offered.values())

    @property
    def _offered(self) -> dict[str, KeyCommand]:
        return {
            keys: command
            for keys, command in self.commands.items()
            if not (self.recording and command.needs_engine)
        }

    def _bar(self) -> tuple[list[KeyCommand], int]:
        """What the key bar shows, the pause first, and how many of these always."""
        pane = self.pages.current
        own = (PAUSE, *pane.COMMANDS, *pane.RELATED)
        shown, always = for_bar(self._offered, own, self.timeline.at is not None)
        state = self.history.state.state if self.history.state else ""
        if title := {"paused": "Resume", "finished": "Train on"}.get(state):
            shown = [replace(c, title=title) if c.name == PAUSE.name else c for c in shown]
        return shown, always

    def _draw_findings(self, view: History) -> None:
        """Update the findings line; a replay's passing steps do not choose another finding."""
        if self._findings.display:
            state = self.history.state.state if self.history.state else ""
            step = self.timeline.at if self.timeline.speed is None else None
            self._findings.show(self._found(view), monotonic(), (step, state))

    def _found(self, view: History) -> list[Finding]:
        """What holds at the step that is shown: by the doctor's rules, then by comparison."""
        return [*self.pages.doctor.findings(view, view is self.history), *findings(view)]

    def _subscribe(self) -> None:
        """Ask for the current pane's on-demand measurements when these, or the run, change."""
        probes = list(self.pages.current.PROBES)
        look = protocol.Subscribe(probes, self.pages.hidden_layer if probes else 0)
        hello, subscribed = self._subscribed
        is_new_run = bool(probes) and hello is not self.history.hello
        if self.history.hello and (look != subscribed or is_new_run):
            self._subscribed = (self.history.hello, look)
            self.send(look)

    def send(self, command: protocol.Command) -> None:
        """Send a command to the engine."""
        self.post_message(SendCommand(command))

    def show_refusal(self, reason: str) -> None:
        """Say why a command was refused, unless the settings do."""
        if not self.has_class("-settings"):
            self.notify(reason, severity="warning", markup=False)

    # Keys: panes

    def action_focus_pane(self, name: str) -> None:
        """Focus the pane of that id."""
        self.pages.choose(next(pane for pane in self.pages.panes if pane.id == name))

    def action_lab(self) -> None:
        """Hide the cursor; without one, from a page back to the lab."""
        if not self.hide_cursor():
            self.pages.home.focus()

    def action_turn(self, by: int) -> None:
        """Turn the pages of the current pane."""
        self.pages.current.turn(by)
        self.pages.current.redraw(self.view)

    def action_next_network(self) -> None:
        """Choose the next network for every pane that shows one of them."""
        self.pages.next_network(self.history)
        self.draw()

    def action_layer(self, by: int) -> None:
        """Choose another hidden layer for every pane that shows one of them."""
        depth = self.history.config.depth
        if depth > 1:
            self.pages.choose_layer((self.pages.hidden_layer + by) % depth)
            watch = self.pages.statistics.watched(self.pages.hidden_layer)
            if watch and not self.pages.on_page:
                self.send(watch)
            self.draw()

    def on_lab_doctor_pane_followed(self, event: LabDoctorPane.Followed) -> None:
        """From a finding to the four panes at its first step."""
        self.timeline.seek(event.step, self.history)
        self.pages.home.focus()
        self.draw()

    # Keys: the run

    def action_pause(self) -> None:
        """Pause or resume; train a finished run on."""
        state = self.history.state
        is_running = state and state.state == "running"
        self.send(protocol.Pause() if is_running else protocol.Resume())

    def action_step(self) -> None:
        """Make one training step."""
        self.send(protocol.Step())

    def action_restart(self) -> None:
        """Restart the same run."""
        if self.history.hello:
            self.send(protocol.Start(self.history.config))

    def action_faster(self) -> None:
        """Double a fixed pace."""
        self._turn_pace(2)

    def action_slower(self) -> None:
        """Half a fixed pace."""
        self._turn_pace(0.5)

    def _turn_pace(self, factor: float) -> None:
        """Multiply the pace; from one that is not fixed, change to the usual one."""
        if self.history.state:
            pace = self.history.state.pace
            if isinstance(pace, float):
                pace = min(max(pace * factor, 0.1), 1e6)
            else:
                pace = USUAL_PACE
            self.send(protocol.SetPace(pace))

    def action_full_speed(self) -> None:
        """Full speed, or back to the pace along the log axis."""
        if self.history.state:
            self.send(protocol.SetPace("log" if self.history.state.pace is None else None))

    # Keys: settings, forks, undo

    async def action_controls(self) -> None:
        """Show the settings that can change in mid-run, or hide them."""
        if self.recording:
            self.notify(RECORDED)
            return
        self.toggle_class("-settings")
        if self.has_class("-settings"):
            self._settings.update(self.history)
            if not self._strip.is_attached:
                await self.mount(self._strip, before=self._scrub_bar)
            self._strip.open()
        else:
            self.pages.current.focus()

    async def on_fields_left(self) -> None:
        """Hide the settings."""
        await self.action_controls()

    def on_fields_entered(self) -> None:
        """From them to those that need a new network."""
        self.action_new_network()

    def action_new_network(self) -> None:
        """Choose what needs a new network, then start a run of it."""
        if self.recording:
            self.notify(RECORDED)
            return

        def start(config: RunConfig | None) -> None:
            if config:
                self.send(protocol.Start(config))

        self._settings.update(self.history)
        self.app.push_screen(NewNetworkScreen(self._settings), start)

    def action_fork(self) -> None:
        """Choose what to fork."""
        if self.recording:
            self.notify(RECORDED)
            return
        if not self.history.arms:
            return
        if self.timeline.at is not None:
            self.notify(
                f"Weights are kept of the newest step alone, {self.history.steps:,}; press end to "
                "fork there."
            )
            return
        if len(self.history.arms) >= MOST_ARMS:
            self.notify(f"At most {MOST_ARMS} networks. Press u to undo the last fork.")
            return

        def fork(wanted: protocol.Fork | None) -> None:
            if wanted:
                self.send(wanted)

        self.app.push_screen(ForkScreen(self.history), fork)

    def action_undo(self) -> None:
        """Undo the newest change, fork or recalibration."""
        self.send(protocol.Undo())

    # Keys: time

    @property
    def schedule(self) -> list[int]:
        """Where networks were measured: only there every pane has something of its own to show."""
        return self.history.measured_at

    def action_replay(self) -> None:
        """Replay, faster with every press."""
        self.timeline.replay(self.history)
        self.draw()

    def on_scrub_bar_sought(self, event: ScrubBar.Sought) -> None:
        """The bar was clicked or dragged."""
        self.timeline.seek(event.step, self.history)
        self.draw()

    # Help and tour

    @property
    def is_touring(self) -> bool:
        """Whether the guided tour is shown."""
        return bool(self.query(Tour))

    def action_help(self) -> None:
        """Explain the current pane, list the present findings and the keys."""
        found = [finding.sentence() for finding in self._found(self.view)]
        recorded = bool(self.recording)
        self.app.push_screen(HelpScreen(self.pages.current, self.usable, found, recorded))

    def on_tour_at(self, event: Tour.At) -> None:
        """Do what the card is about, and point at a pane without giving it the keyboard."""
        for command in event.commands:
            self.send(command)
        pointed = [pane for pane in self.pages.panes if pane.id == event.card.pane]
        for pane in self.pages.panes:
            pane.set_class(pane in pointed, "-pointed")
        for pane in pointed or [self.pages.home]:
            self.pages.bring(pane)
        self.lay_out()
        self.draw()

    def on_tour_over(self) -> None:
        """Focus the first pane, unless something else was focused meanwhile."""
        self.remove_class("-touring")
        for tour in self.query(Tour):
            if tour.has_focus:
                self.pages.loss.focus()
            tour.remove()
            state = self.history.state
            waits = state is None or state.state == "paused"
            if self.history.hello and waits and not self.history.steps:
                self.send(protocol.Resume())
        for pane in self.pages.panes:
            pane.remove_class("-pointed")
