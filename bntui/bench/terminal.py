"""A program on a pseudo-terminal of its own: what it writes is read, timed and counted."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from time import monotonic
from types import TracebackType
from typing import Self

PATIENCE = 60.0
"""Seconds after which a text that does not come is given up."""


class Terminal:
    """Runs `command` in `size` (columns, rows), as a terminal emulator that takes everything would.

    Attributes:
        taken: Bytes that the program has written so far.
    """

    def __init__(self, *command: str, size: tuple[int, int]) -> None:
        self._command, self._size = command, size
        self.taken = 0
        self._text = bytearray()

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        columns, rows = self._size
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        hidden = {"COLUMNS", "LINES", "NO_COLOR"}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        # Where no first start can be remembered there is no tour, behind which the lab would wait.
        kept["XDG_STATE_HOME"] = os.devnull
        self._process = subprocess.Popen(
            self._command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(theirs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        while self._process.poll() is None:
            self.read(0.05)
        os.close(self._ours)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What comes next within `seconds`."""
        if not select.select([self._ours], [], [], max(seconds, 0))[0]:
            return b""
        try:
            data = os.read(self._ours, 2**16)
        except OSError:  # Linux, where nobody holds the other side any more
            return b""
        self.taken += len(data)
        self._text += data
        return data

    def read_for(self, seconds: float) -> None:
        """Take in everything for so long."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            self.read(left)
        self._text.clear()

    def read_to_end(self) -> None:
        """Take in everything until the program ends."""
        while self._process.poll() is None:
            self.read(0.1)

    def wait_for(self, text: str) -> None:
        """Take in everything until `text` is written from here on.

        Raises:
            TimeoutError: It does not come.
        """
        end, sought = monotonic() + PATIENCE, text.encode()
        while sought not in self._text:
            if monotonic() > end or self._process.poll() is not None:
                raise TimeoutError(f"{text!r} was not written by {' '.join(self._command)}")
            self.read(0.5)
        del self._text[: self._text.find(sought) + len(sought)]
