"""Textual's Linux driver with non-blocking output, clean exit on signals, stderr captured."""

import os
import select
import signal
import tempfile
import termios
from contextlib import suppress
from threading import Thread
from typing import IO, Any

from textual._compositor import CompositorUpdate
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from bntui.sources.signals import ENDING
from bntui.text import clean
from bntui.tui.terminal.sgr import compact
from bntui.tui.terminal.shown import Difference, Shown
from bntui.tui.terminal.writer import NonBlockingWriter

DRAIN_SECONDS = 1.0
"""How long a slow terminal may take, at the end, to accept pending output."""


HANGUP_MILLISECONDS = 500
"""Between two looks at whether the app has ended."""


class BntuiDriver(LinuxDriver):
    """Never waits for a slow terminal, captures stderr, and ignores a stray SIGCONT."""

    _writer: NonBlockingWriter | None = None
    _captured: "CapturedStderr | None" = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._shown = Shown()

    @property
    def backlog(self) -> int:
        """Bytes not yet accepted by the terminal; while there are any, no frame is drawn."""
        return self._writer.backlog if self._writer else 0

    def write(self, data: str) -> None:
        """Queue output without waiting for the terminal."""
        if self._writer:
            self._writer.write(compact(data))

    def difference(self, update: CompositorUpdate) -> Difference:
        """What of `update` the terminal does not show yet."""
        return Difference(update, self._shown)

    def start_application_mode(self) -> None:
        """Install signal handlers, non-blocking output and stderr capture, then start."""
        self._shown.forget()
        for number in ENDING:
            signal.signal(number, self._exit_on_signal)
        self._writer = NonBlockingWriter(2)
        self._writer.start()
        self._captured = CapturedStderr()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's own

    def stop_application_mode(self) -> None:
        """Restore the terminal; drop frames that it was too slow for.

        Until `close` ctrl+c does not discard output: it would discard the codes that restore it.
        """
        if self._writer:
            self._writer.drain(DRAIN_SECONDS)
        before = self.attrs_before
        if before is not None:
            self.attrs_before = [*before[:3], before[3] | termios.NOFLSH, *before[4:]]
        super().stop_application_mode()
        self.attrs_before = before

    def close(self) -> None:
        """Write what is pending, then release the terminal and stderr."""
        super().close()
        if self._writer:
            self._writer.stop()
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        if self._captured:
            self._captured.restore()
        self._writer = self._captured = None

    def _exit_on_signal(self, number: int, _frame: object) -> None:
        """End the app; do nothing while it ends already, so that the terminal is restored.

        Unlike a handler of the event loop, this one outlives the loop.
        """
        if not self._app._exit:
            self._loop.call_soon_threadsafe(self._app.exit, None, 128 + number)

    def run_input_thread(self) -> None:
        """Read keys; a terminal that disappears ends the app as SIGHUP does."""
        Thread(target=self._await_hangup, daemon=True, name="bntui-hangup").start()
        try:
            super().run_input_thread()
        except OSError:
            self._hang_up()

    def _await_hangup(self) -> None:
        """Where the terminal does not control the process it sends no signal when it goes.

        Reading from it then gives nothing, at once and for ever.
        """
        poller = select.poll()
        poller.register(self.fileno, 0)  # a hang-up is reported in any case
        while not self.exit_event.is_set():
            if happened := poller.poll(HANGUP_MILLISECONDS):
                if any(event & select.POLLHUP for _, event in happened):
                    self._hang_up()
                return

    def _hang_up(self) -> None:
        self._app.call_later(self._app.exit, None, 128 + signal.SIGHUP)

    def _sigcont_application(self, *_: object) -> None:
        """Resume after a stop; ignore a stray signal."""
        if self._must_signal_resume:
            super()._sigcont_application()


def has_job_control() -> bool:
    """Whether a shell in this session started the process, and can resume it with fg."""
    parent = os.getppid()
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except ProcessLookupError:
        return False


def is_behind(app: App[Any]) -> bool:
    """Whether the terminal has not yet accepted the last frame: the next one waits."""
    return isinstance(app._driver, BntuiDriver) and app._driver.backlog > 0


class CapturedStderr:
    """Redirects file descriptor 2 to a file, so that libraries cannot write over the screen."""

    def __init__(self) -> None:
        self._kept: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by restore)
        self._real = os.dup(2)
        os.dup2(self._kept.fileno(), 2)

    def restore(self) -> None:
        """Restore the descriptor and print what was captured."""
        os.dup2(self._real, 2)
        os.close(self._real)
        self._kept.seek(0)
        text = clean(self._kept.read(4000).decode(errors="replace"), limit=2000)
        self._kept.close()
        with suppress(OSError):  # the terminal may be gone
            os.write(2, text.encode())
