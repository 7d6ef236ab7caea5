"""A user's script, run and watched in a process of its own.

The script writes to files beside its log, not to pipes: nothing that happens to the screen can
block or end it, and to let it go on alone is to stop reading. It has a session of its own, since
the terminal belongs to the screen; ctrl+c, which is a key there, is sent on to its process group as
a terminal would, so that worker processes get it too.
"""

import asyncio
import codecs
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, Literal

from bntui import __version__
from bntui.errors import InputError
from bntui.logs.reader import CHUNK, Decoder, open_regular
from bntui.logs.writer import already_exists, directory, output_paths
from bntui.protocol import (
    PROTOCOL,
    AnyEvent,
    Command,
    Ended,
    Failed,
    Log,
    Output,
    State,
    Watching,
)
from bntui.sources.local import ending, last_line
from bntui.text import quoted

CHILD = (sys.executable, "-P", "-m", "bntui.watch.child")
"""Runs a script and logs what its models do."""

POLL_EVERY = 0.1
"""Seconds between two looks at the files."""

BEHIND = 2**20
"""Bytes of output that may wait to be shown; more are left out, and said to be."""

LINE = 4096
"""Characters of a line, at most, in one event."""

STOPPING = ((signal.SIGINT, 5.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0))
"""How a script is stopped: signals, and the seconds it has to follow each."""


class ScriptSource:
    """A script, once `start` was called.

    Args:
        arguments: SCRIPT or -m MODULE, and what follows.
        log: The run's new log; its output goes beside it, to files ending in .out and .err.
        options: Options of the child, see `bntui.watch.child`.
        name: What the script is called.
        stdin: The script's standard input, a file descriptor that is closed here once passed on; by
            default it is empty.
    """

    accepts_commands = False

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        name: str,
        options: Sequence[str] = (),
        stdin: int | None = None,
    ) -> None:
        self.name, self.log = name, log
        self.output, self.errors = output_paths(log)
        self._command = [*CHILD, "--log", str(log), *options, *arguments]
        self._stdin = stdin
        self._process: subprocess.Popen[bytes] | None = None
        self._detached = self._closing = False
        self.failure = ""
        """How the script failed, in a sentence, once `events` has said so."""

    @property
    def pid(self) -> int:
        """The script's process."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether the script was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int:
        """The script's, as a shell gives it: 128 + its number if a signal ended it."""
        code = self._process.returncode if self._process else None
        return 0 if code is None else code if code >= 0 else 128 - code

    def start(self) -> None:
        """Start the script.

        Raises:
            NameTakenError: The log, or a file beside it, is there already.
            InputError: It cannot be made.
        """
        if os.path.lexists(self.log):
            raise already_exists(self.log)
        try:
            if self.log.parent == directory():
                self.log.parent.mkdir(parents=True, exist_ok=True)
            for path in (self.output, self.errors):
                if os.path.lexists(path):
                    raise already_exists(path)
            with self.output.open("xb") as output, self.errors.open("xb") as errors:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL if self._stdin is None else self._stdin,
                    stdout=output,
                    stderr=errors,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                    start_new_session=True,
                )
        except FileExistsError:
            raise already_exists(self.output) from None
        except OSError as error:
            name, reason = quoted(error.filename), error.strerror
            raise InputError(
                f"{name} cannot be written ({reason}); --log takes a new file."
            ) from None
        if self._stdin is not None:
            os.close(self._stdin)

    async def events(self) -> AsyncIterator[AnyEvent]:
        """What the log says and the script prints, as it comes, then how the script ended."""
        process = self._process
        if process is None:
            raise RuntimeError("start() was not called")
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        yield Watching(PROTOCOL, __version__, started, self.name, [], [], script=self.name)
        yield Log(str(self.log))
        with (
            closing(Tail(self.log)) as run,
            closing(Text(self.output, "stdout")) as output,
            closing(Text(self.errors, "stderr")) as errors,
        ):
            decoder = Decoder()
            while not self._detached:
                has_ended = process.poll() is not None  # before the last look at its files
                data = run.read()
                found = bool(data)
                for event in chain(output.read(), errors.read(), decoder.feed(data)):
                    found = True
                    yield event
                if has_ended and not found:
                    break
                await asyncio.sleep(0 if found else POLL_EVERY)
            has_log = run.position > 0
        if self._detached:
            return
        if process.returncode and not self._closing:
            self.failure = self._explain(process.returncode)
            yield Failed("crash", self.failure)
        elif not has_log:
            yield State("finished", 0, None)  # nothing was watched: no log says so
        yield Ended()

    def _explain(self, code: int) -> str:
        last = ""
        with suppress(OSError), open_regular(self.errors) as errors:
            last = last_line(errors)
        return f"{self.name} {ending(code)}{': ' if last else '.'}{last}"

    def interrupt(self) -> None:
        """Send ctrl+c to the script."""
        self._signal(signal.SIGINT)

    def detach(self) -> None:
        """Let the script go on by itself: `close` leaves it alone."""
        self._detached = True

    async def send(self, command: Command) -> None:
        """Ignore it: a script takes no commands."""

    async def close(self) -> None:
        """Stop the script unless it is detached: as ctrl+c does, then by force."""
        self._closing = True
        for number, seconds in STOPPING:
            if self._detached or not self.is_running:
                return
            self._signal(number)
            try:
                async with asyncio.timeout(seconds):
                    while self.is_running:
                        await asyncio.sleep(POLL_EVERY / 10)
            except TimeoutError:
                continue
            except asyncio.CancelledError:
                self._signal(signal.SIGKILL)
                raise

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running:
            os.killpg(self.pid, number)


class Tail:
    """What is appended to a file, which may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self.position = 0

    def read(self) -> bytes:
        """What has come, up to a bound."""
        try:
            self._file = self._file or open_regular(self._path)
            data = self._file.read(CHUNK)
        except OSError:
            return b""
        self.position += len(data)
        return data

    def skip(self) -> int:
        """Leave out what is too much to show, and return how many bytes that is."""
        size = os.fstat(self._file.fileno()).st_size if self._file else 0
        left_out = size - CHUNK - self.position
        if self._file is None or left_out < BEHIND:
            return 0
        self.position = self._file.seek(size - CHUNK)
        return left_out

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()


class Text:
    """Text that is appended to a file, as `Output` events of a line or a part of one."""

    def __init__(self, path: Path, stream: Literal["stdout", "stderr"]) -> None:
        self._tail = Tail(path)
        self._path = path
        self._stream: Literal["stdout", "stderr"] = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def read(self) -> Iterator[Output]:
        """The lines that have come."""
        for line in self._decode(self._tail.read()).splitlines(keepends=True):
            for start in range(0, len(line), LINE):
                yield self._output(line[start : start + LINE])
        if left_out := self._tail.skip():
            yield self._output(f"\n[{left_out:,} bytes are only in {self._path.name}]\n")

    def _output(self, text: str) -> Output:
        return Output(self._stream, text)

    def close(self) -> None:
        """Close the file."""
        self._tail.close()
