"""Recorded runs: from a log, which may still grow, or from standard input."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from bntui.errors import InputError
from bntui.logs.reader import CHUNK, Decoder, is_growing, open_file, was_truncated
from bntui.protocol import AnyEvent, Command, Ended, Skipped
from bntui.text import clean

POLL_EVERY = 0.1
"""Seconds between two polls of a log that may grow."""


STDIN = "standard input"


class Recording:
    """The events of an open log; with `follow` also those that are appended later.

    `Ended` is emitted where there is no more to read and no writer holds the lock.
    """

    accepts_commands = False

    def __init__(self, file: IO[bytes], follow: bool, name: str = STDIN) -> None:
        self._file, self._follow, self.name = file, follow, name
        self._decoder = Decoder()

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Every event, an `Ended` wherever the end is reached, and why no more can be read."""
        last: AnyEvent | None = None
        while not self._file.closed:
            try:
                found = self._next()
            except OSError as error:
                reason = clean(error.strerror or str(error))
                found = Skipped(0, f"the log cannot be read: {reason}")
            if isinstance(found, bytes):
                last = None
                for part in self._decoder.parts(found):
                    for event in part:
                        yield event
                    await asyncio.sleep(0)
                continue
            if found and found != last:
                last = found
                yield found
            if not self._follow:
                return
            await asyncio.sleep(POLL_EVERY)

    def _next(self) -> bytes | AnyEvent | None:
        """The next bytes of the log; what there is to say where there are none; None: wait."""
        if data := self._file.read(CHUNK):
            return data
        if self._follow and was_truncated(self._file):
            self._decoder = Decoder()
            return Skipped(0, "the log was cut short while it was read; from its start again")
        return None if is_growing(self._file) else Ended()

    async def send(self, command: Command) -> None:
        """Ignore it: a recording accepts no commands."""

    async def close(self) -> None:
        """Close the file."""
        self._file.close()


class PipedRecording:
    """The events that come through a pipe, as they come."""

    accepts_commands = False
    name = STDIN

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._decoder = Decoder()

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Every event, and an `Ended` when the other side closes."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, self._pipe)
        while data := await reader.read(CHUNK):
            for part in self._decoder.parts(data):
                for event in part:
                    yield event
                await asyncio.sleep(0)
        yield Ended()

    async def send(self, command: Command) -> None:
        """Ignore it: a recording accepts no commands."""

    async def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()


def open_log(path: Path, follow: bool) -> Recording:
    """A log as a source of events.

    Raises:
        InputError: It is missing, unreadable, a directory, or no run log.
    """
    return Recording(open_file(path), follow, path.stem)


def open_stdin(with_keyboard: bool = True) -> Recording | PipedRecording:
    """Events from standard input, whose place the terminal's keyboard takes.

    Raises:
        InputError: Standard input is a terminal, closed, or neither a pipe nor a file, or there is
            no terminal to take its place.
    """
    if os.isatty(0):
        raise InputError("Standard input is a terminal; bntui open - takes events through a pipe.")
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        raise InputError("Standard input is closed; bntui open - takes events from it.") from None
    is_file = stat.S_ISREG(mode)
    if not (is_file or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        raise InputError(
            "Standard input is a device or a directory; bntui open - takes events through a pipe."
        )
    file = os.fdopen(os.dup(0), "rb", buffering=0)
    if with_keyboard:
        take_keyboard("bntui run trains without")
    return Recording(file, follow=False) if is_file else PipedRecording(file)


def take_keyboard(otherwise: str) -> None:
    """Make the terminal standard input.

    Raises:
        InputError: There is none; the sentence ends in what can be done instead.
    """
    try:
        keyboard = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise InputError(f"There is no terminal to draw the screen in; {otherwise}.") from None
    os.dup2(keyboard, 0)
    os.close(keyboard)
