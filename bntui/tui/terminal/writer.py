"""Non-blocking output: a slow terminal gets fewer frames, not a frozen app."""

import os
import select
import termios
from contextlib import suppress
from threading import Condition, Thread

PIECE = 4096
RETRY_SECONDS = 0.1
"""How long to wait before retrying a terminal that accepts nothing."""

CANCEL = b"\x18\x1b\\\x1b[0m"
"""CAN, ST and SGR 0: end a sequence that was cut off, and reset its colour."""


class NonBlockingWriter(Thread):
    """Queues text and writes it from a thread, as fast as the terminal reads.

    Opens the terminal anew, non-blocking, so that nothing changes for other users of the original
    descriptor.
    """

    def __init__(self, terminal: int) -> None:
        super().__init__(daemon=True, name="bntui-output")
        self._terminal = _reopened(terminal)
        self._pending = bytearray()
        self._changed = Condition()
        self._stopped = False

    @property
    def backlog(self) -> int:
        """Bytes not yet accepted by the terminal."""
        return len(self._pending)

    def write(self, text: str) -> None:
        """Queue text; it is written when the terminal is ready."""
        with self._changed:
            if not self._stopped:
                self._pending += text.encode("utf-8", "replace")
            self._changed.notify_all()

    def run(self) -> None:
        """Write until stopped or until the terminal disappears."""
        with suppress(OSError):
            while self._wait_for_text():
                if select.select([], [self._terminal], [], RETRY_SECONDS)[1]:
                    self._write_piece()
        with self._changed:
            self._stopped = True
            self._pending.clear()
            self._changed.notify_all()
        os.close(self._terminal)

    def _wait_for_text(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._stopped)
            return not self._stopped

    def _write_piece(self) -> None:
        with self._changed:
            try:
                written = os.write(self._terminal, self._pending[:PIECE])
            except BlockingIOError:
                self._changed.wait(RETRY_SECONDS)
                return
            del self._pending[:written]
            self._changed.notify_all()

    def drain(self, seconds: float) -> None:
        """Wait until pending text is written; drop what is not written in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._pending, seconds):
                with suppress(termios.error):
                    termios.tcflush(self._terminal, termios.TCOFLUSH)
                self._pending[:] = CANCEL

    def stop(self, seconds: float = 0.5) -> None:
        """Write pending text, if the terminal accepts it in time, and end the thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, seconds)
            self._stopped = True
            self._changed.notify_all()
        self.join()


def _reopened(terminal: int) -> int:
    """The same terminal, non-blocking; where it has no name, a duplicate that may block."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return os.dup(terminal)
