"""The app: reads events from a source, sends commands to it, and shows the screens."""

import asyncio
import gc
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from textual import work
from textual._compositor import CompositorUpdate
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from bntui.config.share import share
from bntui.errors import InputError
from bntui.history.as_of import as_of
from bntui.history.history import History
from bntui.history.watched import WatchedRun
from bntui.logs import writer as runlog
from bntui.protocol import Failed, Hello, Pause, Refused, Skipped, Subscribe, Watching
from bntui.sources.base import Source
from bntui.sources.recording import open_log
from bntui.text import clean
from bntui.tui.commands import KeyCommand, Keymap
from bntui.tui.keymap import read_keymap
from bntui.tui.messages import SendCommand
from bntui.tui.palette import Commands
from bntui.tui.screens.lab import COMMANDS, RECORDED, LabScreen
from bntui.tui.snapshot import as_text, copied, has_matplotlib, save_figures, save_svg, with_tilde
from bntui.tui.terminal.driver import BntuiDriver, has_job_control
from bntui.tui.themes import DARK, LIGHT, inks

FRAMES_PER_SECOND = 4.0
"""Enough to see learning happen, and few enough bytes for a slow line."""


LOOK_EVERY, MOST_LOOKS = 0.1, 50
"""Seconds between two looks at a screen that is drawn once, and how many at most."""


@runtime_checkable
class Drawing(Protocol):
    """A screen that draws all that was read when it is asked to, and not only by its clock."""

    def draw(self) -> None:
        """Draw everything."""


class ThemedApp(App[None]):
    """What all apps share: themes, the terminal driver, and the keys that work on every screen.

    `opened` is the log that was chosen among the runs to be shown next.
    """

    TITLE = "bntui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "close", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    COMMANDS: ClassVar = {Commands}

    def __init__(self, fps: float = FRAMES_PER_SECOND, keymap: Keymap | None = None) -> None:
        super().__init__(driver_class=BntuiDriver)
        self.fps, self.keymap = fps, keymap or {}
        self.set_keymap(self.keymap)
        self.opened: Source | None = None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The plots' colours in the current theme."""
        theme = self.current_theme
        return inks(theme.dark, theme.surface or theme.background or "#101216")

    def on_ready(self) -> None:
        """After the first frame: exclude what is loaded by now from garbage collection."""
        if not self.is_headless:
            gc.freeze()
            gc.enable()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Send only what the terminal does not show yet."""
        if isinstance(renderable, CompositorUpdate) and isinstance(self._driver, BntuiDriver):
            renderable = self._driver.difference(renderable)
        super()._display(screen, renderable)

    def on_resize(self) -> None:
        """Redraw everything: a terminal back at its old size may have lost what it showed."""
        self.screen.refresh()

    def action_toggle_theme(self) -> None:
        """Light or dark."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_close(self) -> None:
        """Close the top screen without an answer; close the last one to quit."""
        if len(self.screen_stack) > 1:
            self.screen.dismiss(None)
        else:
            self.exit()

    @property
    def shown(self) -> list[History]:
        """The runs on the topmost screen that shows any."""
        screens = (getattr(screen, "shown", []) for screen in reversed(self.screen_stack))
        return [history for history in next(filter(None, screens), []) if history.hello]

    @property
    def share_string(self) -> str:
        """The configs of the runs shown, each as one string."""
        return " | ".join(share(history.config) for history in self.shown)

    @property
    def copyable(self) -> str:
        """What is copied as text: the share string."""
        return self.share_string

    @property
    def picture(self) -> tuple[str, str]:
        """A picture's file name without its ending, "" if there is nothing to save; its caption."""
        if names := getattr(self.screen, "names", ()):  # watched runs that are compared
            return "compared", f"bntui · {', '.join(names)}"
        newest = max(self.shown, key=lambda history: history.steps, default=None)
        name = f"{newest.config.preset}-step-{newest.steps}" if newest else ""
        return name, f"bntui · {self.share_string}"

    def action_copy(self) -> None:
        """Send text to the terminal's clipboard."""
        if text := self.copyable:
            self.copy_to_clipboard(text)
            self.notify(copied(text, os.environ), markup=False)

    def action_save(self) -> None:
        """Save the screen as SVG and, of a single run of the lab, the notebook's figures."""
        name, caption = self.picture
        if not name:
            return
        try:
            path = save_svg(self, name, caption)
        except OSError as error:
            self._report_unsaved(error)
            return
        self.notify(f"Saved {with_tilde(path)}", markup=False)
        if len(self.shown) == 1 and has_matplotlib():
            (history,) = self.shown
            self._save_figures(as_of(history, history.steps), path)

    @work(thread=True)
    def _save_figures(self, history: History, path: Path) -> None:
        try:
            folder = save_figures(history, path)
        except (InputError, OSError) as error:
            self.call_from_thread(self._report_unsaved, error)
        else:
            words = f"Four figures in {with_tilde(folder)}"
            self.call_from_thread(self.notify, words, markup=False)

    def _report_unsaved(self, error: Exception) -> None:
        self.notify(f"Not saved: {clean(str(error), 200)}", severity="error", markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key of the screen, and Textual's choice of themes."""
        usable: Sequence[KeyCommand] = getattr(screen, "usable", ())
        for command in usable:
            run = partial(self.run_action, command.action, screen)
            yield SystemCommand(command.title, f"{command.help} ({command.key_text})", run)
        yield SystemCommand("Choose a theme", "All of Textual's themes", self.action_change_theme)

    def action_runs(self) -> None:
        """Show the logged runs."""
        from bntui.tui.screens.runs import RunsScreen  # noqa: PLC0415 (the first frame needs none)

        self.push_screen(RunsScreen(runlog.directory(), self.keymap), self._open)

    async def _open(self, paths: list[Path] | None) -> None:
        """Show the chosen run in place of what is shown, or compare several."""
        from bntui.history.comparison import check_comparable  # noqa: PLC0415

        try:
            watched = check_comparable(paths or [])
            logs = [(path.stem, open_log(path, follow=True)) for path in paths or []]
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if len(logs) > 1:
            await self.push_screen(_comparison(logs, self.fps, watched, self.keymap))
        elif logs:
            await self.open_one(logs[0][1])

    async def open_one(self, source: Source) -> None:
        """Show one run: this app, which shows several, ends for it."""
        self.opened = source
        self.exit()

    def action_suspend_process(self) -> None:
        """Suspend, where a shell can resume it."""
        if has_job_control():
            super().action_suspend_process()
        else:
            self.notify("There is no shell to return to.", severity="warning")


class BntuiApp(ThemedApp):
    """Reads a source into a history, which the lab draws by its own clock.

    A source of a watched run, as its first event says, is shown on a screen of its own.
    """

    DEFAULT_MODE = "lab"

    def __init__(
        self,
        source: Source,
        fps: float = FRAMES_PER_SECOND,
        tour: bool = False,
        keymap: Keymap | None = None,
    ) -> None:
        super().__init__(fps, keymap)
        self.source = source
        self.history = History()
        self.watched_run = WatchedRun()
        self.lab = LabScreen(self.history, fps, tour, keymap)
        self.lab.recording = source.name
        self.lab.set_class(not source.accepts_commands, "-waiting")
        self.add_mode("watched", self._watched_screen)
        self._runs = self._events = 0

    def _watched_screen(self) -> Screen[None]:
        from bntui.tui.screens.watched import WatchedScreen  # noqa: PLC0415 (the lab needs none)

        return WatchedScreen(self.watched_run, self.fps, self.keymap)

    @property
    def drawn_run(self) -> History | WatchedRun:
        """What the screen draws."""
        return self.watched_run if self.current_mode == "watched" else self.history

    @property
    def copyable(self) -> str:
        """The share string; of a watched run the doctor's findings."""
        if self.current_mode != "watched":
            return super().copyable
        from bntui.tui.screens.watched import findings_text  # noqa: PLC0415 (the lab needs none)

        return findings_text(self.watched_run)

    @property
    def picture(self) -> tuple[str, str]:
        """A picture's name and caption."""
        watching = self.watched_run.watching
        if self.current_mode != "watched" or watching is None:
            return super().picture
        stem = re.sub(r"[^\w-]", "_", watching.name)[:40]
        steps = self.watched_run.steps
        return f"{stem}-step-{steps}", f"bntui · {watching.name} · step {steps:,}"

    def get_default_screen(self) -> Screen[None]:
        """The lab: as a mode from the start, Textual would parse all styles once more for it."""
        return self.lab

    def on_mount(self) -> None:
        """Read a recording before the first frame: its first event chooses the screen.

        The lab is there by then, and its panes are drawn with the first frame.
        """
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)
        if not self.source.accepts_commands:
            self.lab.call_later(self.read_events)

    def on_ready(self) -> None:
        """After the first frame: read what the engine says."""
        if self.source.accepts_commands:
            self.read_events()

    @work(exclusive=True)
    async def read_events(self) -> None:
        """Fold every event. Input refused at the start ends the app; all else is shown."""
        async for event in self.source.events():
            if isinstance(event, Watching):
                await self.switch_mode("watched")
            elif isinstance(event, Hello) or not self._events:
                self.lab.remove_class("-waiting")
                await self.switch_mode("lab")
            self._events += 1
            try:
                self.drawn_run.fold(event)
            except Exception as error:
                self.drawn_run.fold(Skipped(0, f"{type(event).__name__} cannot be read: {error}"))
            self._runs += isinstance(event, Hello)
            if isinstance(event, Hello) and self._runs == 1 and self.lab.is_touring:
                await self.source.send(Pause())
            if isinstance(event, Failed) and event.kind == "input" and self._runs <= 1:
                self.exit(return_code=2)
            if isinstance(event, Refused) and self.source.accepts_commands:
                self.lab.show_refusal(event.reason)
        self.screen.refresh()  # who wrote the events may have written on this terminal as well

    @property
    def exit_code(self) -> int:
        """The engine's failure, if there was one, before the app's own code."""
        failed = self.drawn_run.failed
        if failed is None:
            return self.return_code or 0
        return 2 if failed.kind == "input" else 1

    async def on_send_command(self, event: SendCommand) -> None:
        """Send a command to the source, or refuse it as the engine would."""
        if not self.source.accepts_commands:
            if not isinstance(event.command, Subscribe):
                self._refuse(RECORDED)
        elif self.history.failed:
            self._refuse("The engine has stopped. Press q to quit.")
        else:
            try:
                await self.source.send(event.command)
            except InputError as error:
                self._refuse(str(error))

    def _refuse(self, reason: str) -> None:
        self.history.fold(Refused(reason))
        self.lab.show_refusal(reason)

    async def open_one(self, source: Source) -> None:
        """Show one run in place of this one."""
        while len(self.screen_stack) > 1:  # a comparison
            await self.pop_screen()
        await self.source.close()
        self.source = source
        self.lab.recording = source.name
        self.lab.action_live()
        self.read_events()

    async def on_unmount(self) -> None:
        """Stop the engine."""
        await self.source.close()


class CompareApp(ThemedApp):
    """Several logs overlaid, and nothing else."""

    def __init__(
        self,
        recordings: Sequence[tuple[str, Source]],
        fps: float = FRAMES_PER_SECOND,
        watched: bool = False,
        keymap: Keymap | None = None,
    ) -> None:
        super().__init__(fps, keymap)
        self.watched = watched
        self._recordings = recordings

    def get_default_screen(self) -> Screen[None]:
        """The comparison."""
        return _comparison(self._recordings, self.fps, self.watched, self.keymap)


def _comparison(
    recordings: Sequence[tuple[str, Source]], fps: float, watched: bool, keymap: Keymap
) -> Screen[None]:
    from bntui.history.comparison import WatchedEntry, entries  # noqa: PLC0415
    from bntui.tui.screens.compare import CompareScreen  # noqa: PLC0415
    from bntui.tui.screens.compare_watched import CompareWatchedScreen  # noqa: PLC0415

    if watched:
        return CompareWatchedScreen([WatchedEntry(*each) for each in recordings], fps, keymap)
    return CompareScreen(entries(recordings), fps, keymap)


def compare(recordings: Sequence[tuple[str, Source]], fps: float, watched: bool) -> int:
    """Overlay several logs, of watched runs or of the lab; returns the exit code.

    Raises:
        InputError: The user's keys cannot be used.
    """
    return run_app(CompareApp(recordings, fps, watched, users_keymap()))


def run_app(app: ThemedApp) -> int:
    """Run an app, then the lab on the log that was chosen in it, if any; returns the exit code."""
    app.run()
    if app.opened:
        return asyncio.run(run(app.opened, app.fps, tour=False, theme=app.theme))
    return app.return_code or 0


def users_keymap() -> Keymap:
    """The user's keys, for every screen.

    Raises:
        InputError: They cannot be used.
    """
    return read_keymap(every_screens_commands)


def every_screens_commands() -> list[Sequence[KeyCommand]]:
    """The keys of each screen that has any."""
    from bntui.tui.screens import compare, compare_watched, runs, sweep  # noqa: PLC0415
    from bntui.tui.watched import commands as watched  # noqa: PLC0415

    rooms = (compare, compare_watched, watched, sweep, runs)
    return [COMMANDS, *(room.COMMANDS for room in rooms)]


async def frame(
    recordings: Sequence[tuple[str, Source]],
    size: tuple[int, int],
    ansi: bool,
    watched: bool = False,
) -> str:
    """The lab of one run, or the comparison of several, as text, then how they are configured.

    Raises:
        InputError: There is no run.
    """
    alone = len(recordings) == 1
    app = BntuiApp(recordings[0][1]) if alone else CompareApp(recordings, watched=watched)
    async with app.run_test(size=size):
        app.screen.add_class("-once")
        await settle(app)
        if watched or (isinstance(app, BntuiApp) and app.watched_run.watching):
            return f"{as_text(app, ansi)}\n"
        if not app.shown:
            raise InputError(f"There is no run in {clean(recordings[0][0], 200)}.")
        return f"{as_text(app, ansi)}\n{app.share_string}\n"


async def settle(app: App[Any]) -> None:
    """Wait until everything there is to read was read and drawn, whatever the frame clock does."""
    await app.workers.wait_for_complete()
    before = None
    for _ in range(MOST_LOOKS):
        if isinstance(app.screen, Drawing):
            app.screen.draw()
        await asyncio.sleep(LOOK_EVERY)
        if before == (before := as_text(app, ansi=False)):
            break


async def run(source: Source, fps: float, tour: bool, theme: str = DARK.name) -> int:
    """Open the lab on a source, with the guided tour or without; returns the exit code.

    Raises:
        InputError: The user's keys cannot be used.
    """
    app = BntuiApp(source, fps, tour, users_keymap())
    app.theme = theme
    await app.run_async()
    log = app.history.log
    failed = app.drawn_run.failed
    with suppress(OSError):  # the terminal may be gone
        for sentence in (failed and failed.message, log and runlog.whereabouts(log)):
            if sentence:
                print(f"bntui: {sentence}", file=sys.stderr)  # noqa: T201 (the terminal is ours)
    return app.exit_code
