"""The terminal as Textual drives it, with the manners that long runs over SSH need."""

import asyncio
import os
import signal
import tempfile
from contextlib import suppress
from typing import IO, Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from bntui.text import clean
from bntui.tui.terminal.sgr import thrifty
from bntui.tui.terminal.writer import PatientWriter

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Each would otherwise leave the terminal as the app had set it."""

LAST_FRAMES = 1.0
"""Seconds that a slow terminal has, at the end, to take what is already on its way."""


class PatientDriver(LinuxDriver):
    """Never waits for a slow terminal, keeps others' stderr off it, and knows a stray SIGCONT."""

    _patient: PatientWriter | None = None
    _quiet: "QuietStderr | None" = None

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has yet to take; while there are any, no frame is drawn."""
        return self._patient.backlog if self._patient else 0

    def write(self, data: str) -> None:
        """Take output at once, whatever the terminal does."""
        if self._patient:
            self._patient.write(thrifty(data))

    def start_application_mode(self) -> None:
        """As Textual does, with this driver's own output, and an end in good order for signals."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._app.exit, None, 128 + number)
        self._patient = PatientWriter(2)
        self._patient.start()
        self._quiet = QuietStderr()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's own

    def stop_application_mode(self) -> None:
        """Restore the terminal; frames that it was too slow for are dropped before."""
        if self._patient:
            self._patient.hurry(LAST_FRAMES)
        super().stop_application_mode()

    def close(self) -> None:
        """Let the last words out, then let others speak again."""
        super().close()
        if self._patient:
            self._patient.stop()
        if self._quiet:
            self._quiet.end()
        self._patient = self._quiet = None

    def run_input_thread(self) -> None:
        """Read keys; a terminal that is gone ends the app as SIGHUP does."""
        try:
            super().run_input_thread()
        except OSError:
            self._app.call_later(self._app.exit, None, 128 + signal.SIGHUP)

    def _sigcont_application(self, *_: object) -> None:
        """Come back, but only from a stop: a stray signal changes nothing."""
        if self._must_signal_resume:
            super()._sigcont_application()


def is_behind(app: App[Any]) -> bool:
    """Whether the terminal has yet to take what was drawn: the next frame waits for that."""
    return isinstance(app._driver, PatientDriver) and app._driver.backlog > 0


class QuietStderr:
    """Until its end, what anyone writes to file descriptor 2 is kept and not painted."""

    def __init__(self) -> None:
        self._kept: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed at its end)
        self._real = os.dup(2)
        os.dup2(self._kept.fileno(), 2)

    def end(self) -> None:
        """Give the descriptor back, and say what was kept."""
        os.dup2(self._real, 2)
        os.close(self._real)
        self._kept.seek(0)
        text = clean(self._kept.read(4000).decode(errors="replace"), limit=2000)
        self._kept.close()
        with suppress(OSError):  # the terminal may be gone
            os.write(2, text.encode())
