"""A real program on a real pseudo-terminal, its output read by a terminal emulator."""

import fcntl
import os
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

from bntui.bench.terminal import KITTY
from bntui.cli.first_start import MARKER
from tests.forking import bntui, can_fork, forked
from tests.patience import PATIENCE, eventually

BNTUI = str(Path(sys.executable).with_name("bntui"))
STATE = Path(os.environ["XDG_DATA_HOME"]) / "state"
(STATE / "bntui").mkdir(parents=True)
(STATE / "bntui" / MARKER).touch()
TOURED = {"XDG_STATE_HOME": str(STATE)}
"""The environment of someone who has seen the guided tour."""

LEFT_ON = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "focus reports": (b"\x1b[?1004h", b"\x1b[?1004l"),
    "kitty keys": (b"\x1b[>", b"\x1b[<u"),
}


class Terminal:
    """`bntui` (or another program) in a terminal of `columns` x `rows`.

    `bntui` is forked from the test process, with the code `patch` executed first, unless `fresh` or
    the environment asks for a new interpreter.
    """

    def __init__(
        self,
        *args: str,
        program: str = BNTUI,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        patch: str = "",
        fresh: bool = False,
    ) -> None:
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        environment = {**os.environ, "TERM": "xterm-256color", **TOURED, **(env or {})}
        for name in ("COLUMNS", "LINES"):  # of the terminal that the tests run in
            environment.pop(name, None)

        fork = program == BNTUI and not fresh and can_fork(environment)
        assert fork or not patch
        start = forked(bntui(*args, patch=patch), environment) if fork else None

        def begin() -> None:
            """Set the size before the program starts, so that it never sees another one."""
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where pytest runs with "&"
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            if start:
                start()

        self.child = pexpect.spawn(
            program,
            list(args),
            dimensions=(rows, columns),
            env=environment,
            timeout=PATIENCE,
            preexec_fn=begin,
        )
        self.child.delaybeforesend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.child.close(force=True)

    def read(self, patience: float = 0.2, most: int = 65536) -> bool:
        """Take in what was written, at most so many bytes; False at the end of the program."""
        try:
            data = self.child.read_nonblocking(most, patience)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.sent += data
        self._stream.feed(KITTY.sub(b"", data))
        return True

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def wait_for(self, sentence: str) -> str:
        """Read until the screen shows `sentence`, or fail with what it shows."""
        self.read_until(lambda: sentence in self.text, f"{sentence!r} is not on the screen")
        return self.text

    def wait_until_gone(self, sentence: str) -> None:
        """Read until the screen does not show `sentence` any more."""
        self.read_until(lambda: sentence not in self.text, f"{sentence!r} stays")

    def read_until(self, happened: Callable[[], bool], complaint: str = "it never comes") -> None:
        """Read until that has happened, or fail with what the screen shows."""
        end = time.monotonic() + PATIENCE
        while not happened():
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"{complaint}:\n{self.text}")

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as when a person drags the window's edge."""
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def wait(self) -> int:
        """Read to the end; the exit code, or minus the signal that ended it."""
        end = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < end, f"the program did not end:\n{self.text}"
        self.child.wait()
        status: int | None = self.child.exitstatus
        return status if status is not None else -self.child.signalstatus

    def left_on(self) -> list[str]:
        """The terminal modes that were switched on and not off again."""
        modes = [
            name
            for name, (on, off) in LEFT_ON.items()
            if self.sent.rfind(on) > self.sent.rfind(off)
        ]
        return [*modes, *(["raw mode"] if self.is_raw() else [])]

    def is_raw(self) -> bool:
        """Whether keys are neither echoed nor gathered into lines."""
        flags = termios.tcgetattr(self.child.child_fd)[3]
        return not flags & (termios.ECHO | termios.ICANON)

    def engines(self) -> list[int]:
        """The processes that the program has started."""
        pid = self.child.pid
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_gone(pid: int) -> bool:
    """Whether the process ends and is waited for by its parent."""
    return eventually(lambda: not Path(f"/proc/{pid}").exists())
