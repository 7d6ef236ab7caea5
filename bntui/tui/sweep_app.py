"""The app around a sweep: its map, and the logs of its runs."""

import sys
from pathlib import Path

from textual.screen import Screen

from bntui.errors import InputError
from bntui.history.comparison import MOST_RUNS, entries
from bntui.sources.recording import open_log
from bntui.sweep.source import SweepSource
from bntui.sweep.store import SweepStore
from bntui.tui.app import FRAMES_PER_SECOND, ThemedApp, run_app, users_keymap
from bntui.tui.commands import Keymap
from bntui.tui.screens.compare import CompareScreen
from bntui.tui.screens.sweep import SweepScreen


class SweepApp(ThemedApp):
    """Shows one sweep, and the runs of a cell together."""

    def __init__(
        self, source: SweepSource, fps: float = FRAMES_PER_SECOND, keymap: Keymap | None = None
    ) -> None:
        super().__init__(fps, keymap)
        self.sweep = SweepScreen(source, fps, self.keymap)

    def get_default_screen(self) -> Screen[None]:
        """The sweep."""
        return self.sweep

    async def on_sweep_screen_open_logs(self, event: SweepScreen.OpenLogs) -> None:
        """Overlay the logs of a cell's runs."""
        store = SweepStore(Path(self.sweep.progress.directory))
        try:
            logs = [
                (key, open_log(store.log_path(key), follow=False)) for key in event.keys[:MOST_RUNS]
            ]
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if logs:
            await self.push_screen(CompareScreen(entries(logs), self.fps, self.keymap))
        else:
            self.notify("No run of this cell is finished yet.")

    def action_runs(self) -> None:
        """Not while the sweep runs: another run would take its screen."""
        progress = self.sweep.progress
        if progress.plan and len(progress.outcomes) >= progress.job_count:
            super().action_runs()
        else:
            self.notify("The sweep is running; bntui runs, in another terminal, lists the runs.")


def show_sweep(source: SweepSource, fps: float) -> int:
    """Open a sweep's screen; returns the exit code: 1 if the sweep ended before its last run.

    Raises:
        InputError: The user's keys cannot be used.
    """
    app = SweepApp(source, fps, users_keymap())
    code = run_app(app)
    progress = app.sweep.progress
    if progress.ended:
        print(f"bntui: {progress.ended}", file=sys.stderr)  # noqa: T201 (the terminal is ours again)
    if progress.plan:
        left = progress.job_count - len(progress.outcomes)
        more = f" {left:,} runs are left; the same command runs them." if left else ""
        print(f"bntui sweep --open {progress.name} shows it again.{more}")  # noqa: T201
    return code or int(bool(progress.ended))
