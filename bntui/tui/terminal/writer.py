"""Output that never makes the app wait: a slow terminal gets fewer frames, not a frozen app."""

import os
import select
import termios
from contextlib import suppress
from threading import Condition, Thread

PIECE = 4096
LOOK_EVERY = 0.1
"""Seconds after which a terminal that takes nothing is tried again."""

CANCEL = b"\x18\x1b\\\x1b[0m"
"""CAN and ST: whatever sequence was cut off is over; and so is its colour."""


class PatientWriter(Thread):
    """Takes text at once and writes it as fast as the terminal reads.

    It opens the terminal for itself, without blocking, so that nothing changes for others who
    share the old descriptor.
    """

    def __init__(self, terminal: int) -> None:
        super().__init__(daemon=True, name="bntui-output")
        self._terminal = _reopened(terminal)
        self._pending = bytearray()
        self._changed = Condition()
        self._over = False

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has yet to take."""
        return len(self._pending)

    def write(self, text: str) -> None:
        """Take text; it goes out when the terminal is ready."""
        with self._changed:
            if not self._over:
                self._pending += text.encode("utf-8", "replace")
            self._changed.notify_all()

    def run(self) -> None:
        """Write until stopped, or until the terminal is gone."""
        with suppress(OSError):
            while self._wait_for_text():
                if select.select([], [self._terminal], [], LOOK_EVERY)[1]:
                    self._write_piece()
        with self._changed:
            self._over = True
            self._pending.clear()
            self._changed.notify_all()
        os.close(self._terminal)

    def _wait_for_text(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._over)
            return not self._over

    def _write_piece(self) -> None:
        with self._changed:
            try:
                written = os.write(self._terminal, self._pending[:PIECE])
            except BlockingIOError:
                self._changed.wait(LOOK_EVERY)
                return
            del self._pending[:written]
            self._changed.notify_all()

    def hurry(self, seconds: float) -> None:
        """Let the terminal take what is pending; what it has not taken in time is dropped."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._pending, seconds):
                with suppress(termios.error):
                    termios.tcflush(self._terminal, termios.TCOFLUSH)
                self._pending[:] = CANCEL

    def stop(self, seconds: float = 0.5) -> None:
        """Write the last words, if the terminal takes them in time, and end."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, seconds)
            self._over = True
            self._changed.notify_all()
        self.join()


def _reopened(terminal: int) -> int:
    """The same terminal, not blocking; where it has no name, a copy that may."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return os.dup(terminal)
