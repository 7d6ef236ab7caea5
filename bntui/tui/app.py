"""The app: events in from a source, commands out to it, one screen over both."""

import gc
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from textual import work
from textual.app import App, SystemCommand
from textual.screen import Screen

from bntui.errors import InputError
from bntui.history.history import History
from bntui.logs import writer as runlog
from bntui.protocol import Failed, Hello, Look, Refused
from bntui.sources.base import Source
from bntui.sources.recording import Recording, open_log
from bntui.tui.commands import COMMANDS
from bntui.tui.screens.lab import LabScreen
from bntui.tui.terminal.driver import PatientDriver
from bntui.tui.themes import DARK, LIGHT, inks

FRAMES_PER_SECOND = 4.0
"""Enough to see learning happen, and few enough bytes for a slow line."""


class ThemedApp(App[None]):
    """What both apps have: colours, and good manners towards signals."""

    TITLE = "bntui"
    CSS_PATH = Path(__file__).with_name("app.tcss")

    def __init__(self) -> None:
        super().__init__(driver_class=PatientDriver)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The plots' colours for whichever theme is chosen."""
        theme = self.current_theme
        return inks(theme.dark, theme.surface or theme.background or "#101216")

    def on_ready(self) -> None:
        """The first frame is up: what is loaded by now stays, and is not searched for garbage."""
        if not self.is_headless:
            gc.freeze()
            gc.enable()

    def on_resize(self) -> None:
        """Draw all anew: a terminal back at its old size may have lost what it showed between."""
        self.screen.refresh()

    def action_toggle_theme(self) -> None:
        """Light or dark."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name


class BntuiApp(ThemedApp):
    """Reads a source into a history, which the lab draws by its own clock."""

    def __init__(self, source: Source, fps: float = FRAMES_PER_SECOND, tour: bool = False) -> None:
        super().__init__()
        self.source = source
        self.history = History()
        self.lab = LabScreen(self.history, fps, tour)
        self._runs = 0

    def get_default_screen(self) -> Screen[None]:
        """The lab."""
        return self.lab

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every command of the lab, beside Textual's own choice of theme."""
        if screen is self.lab:
            for command in COMMANDS:
                run = partial(screen.run_action, command.action)
                yield SystemCommand(command.title, f"{command.help} ({command.key_text})", run)
        yield SystemCommand("Choose a theme", "All of Textual's themes", self.action_change_theme)

    def on_ready(self) -> None:
        """The first frame is up: now start the engine."""
        self.read_events()

    @work(exclusive=True)
    async def read_events(self) -> None:
        """Fold whatever comes; input refused at the start ends the app, all else is shown."""
        async for event in self.source.events():
            self.history.fold(event)
            self._runs += isinstance(event, Hello)
            if isinstance(event, Failed) and event.kind == "input" and self._runs <= 1:
                self.exit(return_code=2)
            if isinstance(event, Refused) and self.source.accepts_commands:
                self._refused(event.reason)

    @property
    def exit_code(self) -> int:
        """What the process ends with: the engine's fault, if there was one, before the app's."""
        failed = self.history.failed
        if failed is None:
            return self.return_code or 0
        return 2 if failed.kind == "input" else 1

    async def on_lab_screen_send(self, event: LabScreen.Send) -> None:
        """Pass a command on, or say that nobody hears it."""
        if not self.source.accepts_commands:
            if not isinstance(event.command, Look):
                self._refuse("This is a recording: it takes no commands.")
        elif self.history.failed:
            self._refuse("The engine has stopped; q leaves.")
        else:
            try:
                await self.source.send(event.command)
            except InputError as error:
                self._refuse(str(error))

    def _refused(self, reason: str) -> None:
        """Say why the engine did not obey, unless the control panel does."""
        if not self.lab.panel.is_shown:
            self.notify(reason, severity="warning", markup=False)

    def _refuse(self, reason: str) -> None:
        self.lab.panel.forget_sent()
        self.notify(reason, severity="warning", markup=False)

    def action_runs(self) -> None:
        """The logged runs."""
        from bntui.tui.screens.runs import RunsScreen  # noqa: PLC0415 (the first frame needs none)

        self.push_screen(RunsScreen(runlog.directory()), self._open)

    async def _open(self, paths: list[Path] | None) -> None:
        """Show the run that was chosen in place of this one, or compare several."""
        from bntui.history.comparison import entries  # noqa: PLC0415
        from bntui.tui.screens.compare import CompareScreen  # noqa: PLC0415

        try:
            logs = [(path.stem, open_log(path, follow=True)) for path in paths or []]
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if len(logs) > 1:
            await self.push_screen(CompareScreen(entries(logs), self.lab.fps))
        elif logs:
            await self.source.close()
            self.source = logs[0][1]
            self.lab.timeline.live()
            self.read_events()

    async def on_unmount(self) -> None:
        """Leave no engine behind."""
        await self.source.close()


class CompareApp(ThemedApp):
    """Several logs overlaid, and nothing else."""

    def __init__(
        self, recordings: Sequence[tuple[str, Recording]], fps: float = FRAMES_PER_SECOND
    ) -> None:
        from bntui.history.comparison import entries  # noqa: PLC0415

        super().__init__()
        self._runs, self._fps = entries(recordings), fps

    def get_default_screen(self) -> Screen[None]:
        """The comparison."""
        from bntui.tui.screens.compare import CompareScreen  # noqa: PLC0415

        return CompareScreen(self._runs, self._fps)


def compare(recordings: Sequence[tuple[str, Recording]], fps: float) -> int:
    """Overlay several logs; returns the exit code."""
    app = CompareApp(recordings, fps)
    app.run()
    return app.return_code or 0


def run(source: Source, fps: float, tour: bool) -> int:
    """Open the lab on a source, with the guided tour or without; returns the exit code."""
    app = BntuiApp(source, fps, tour)
    app.run()
    if failed := app.history.failed:
        print(f"bntui: {failed.message}", file=sys.stderr)  # noqa: T201 (the terminal is ours again)
    return app.exit_code
