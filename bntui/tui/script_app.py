"""The app around a script that bntui watch has started."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from bntui.sources.script import ScriptSource
from bntui.tui.app import BntuiApp, users_keymap
from bntui.tui.commands import Keymap
from bntui.tui.screens.leave import Answer, LeaveScreen


class ScriptApp(BntuiApp):
    """Shows a script's run; ctrl+c is the script's, and leaving asks what becomes of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(self, source: ScriptSource, fps: float, keymap: Keymap | None = None) -> None:
        super().__init__(source, fps, keymap=keymap)
        self._script = source

    @property
    def exit_code(self) -> int:
        """The script's, unless a signal ended the app."""
        return self.return_code or self._script.exit_code

    def action_interrupt(self) -> None:
        """Send ctrl+c to the script; quit once it has ended."""
        if self._script.is_running:
            self._script.interrupt()
            self.notify(f"Sent ctrl+c to {self._script.name}.", markup=False)
        else:
            self.action_close()

    def action_close(self) -> None:
        """Close the top screen; before the last one, ask what becomes of the script."""
        if len(self.screen_stack) > 1 or not self._script.is_running:
            super().action_close()
        else:
            self.push_screen(LeaveScreen(self._script.name), self._leave)

    def _leave(self, answer: Answer | None) -> None:
        if answer == "continue":
            self._script.detach()
        if answer is not None:
            self.exit()

    def action_runs(self) -> None:
        """Not while the script runs: another run would take its screen."""
        if self._script.is_running:
            self.notify("The script is running; bntui runs, in another terminal, lists the others.")
        else:
            super().action_runs()


def show_script(source: ScriptSource, fps: float) -> int:
    """Start a script and show it until the user leaves; returns the exit code.

    Raises:
        InputError: The user's keys cannot be used.
    """
    app = ScriptApp(source, fps, users_keymap())
    source.start()
    app.run()
    return app.exit_code
