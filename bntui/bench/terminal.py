"""A program on a pseudo-terminal of its own: what it writes is read, timed, counted and shown."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from time import monotonic
from types import TracebackType
from typing import Self

from bntui.bench.figure import UnavailableError

KITTY = re.compile(rb"\x1b\[[<>=?]\d*u")
"""Codes of the kitty keyboard protocol, which pyte does not know: it would print their tails."""
PATIENCE = 60.0
"""Seconds after which a text that does not come is given up."""


class Terminal:
    """Runs `command` in `size` (columns, rows), as a terminal emulator that takes everything would.

    Attributes:
        taken: Bytes that the program has written so far.

    Raises:
        UnavailableError: pyte, which emulates the terminal, is not installed.
    """

    def __init__(self, *command: str, size: tuple[int, int]) -> None:
        self._command, self._size = command, size
        self.taken = 0
        try:
            import pyte  # noqa: PLC0415 (an extra)
        except ImportError:
            raise UnavailableError("pyte is not installed: pip install 'bntui[bench]'") from None
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._text = bytearray()
        """Written, and not on the screen yet."""
        self._lines = [""] * size[1]

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
        self._show()

    def read_to_end(self) -> None:
        """Take in everything until the program ends."""
        while self._process.poll() is None:
            self.read(0.1)

    def wait_for(self, text: str) -> None:
        """Take in everything until the screen shows `text`.

        Raises:
            TimeoutError: It does not.
        """
        end = monotonic() + PATIENCE
        while not self._shows(text):
            if monotonic() > end or self._process.poll() is not None:
                raise TimeoutError(f"{text!r} was not shown by {' '.join(self._command)}")
            self.read(0.5)

    def _shows(self, text: str) -> bool:
        self._show()
        return any(text in line for line in self._lines)

    def _show(self) -> None:
        self._stream.feed(KITTY.sub(b"", self._text))
        self._text.clear()
        for y in self._screen.dirty:
            row = self._screen.buffer[y]
            self._lines[y] = "".join(row[x].data for x in range(self._size[0]))
        self._screen.dirty.clear()
