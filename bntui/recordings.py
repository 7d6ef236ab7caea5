"""Runs that are read, not made: from a log, which may still grow, or from standard input."""

import asyncio
import fcntl
import os
import stat
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from bntui.errors import InputError
from bntui.protocol import AnyEvent, Command, Ended, Skipped
from bntui.text import clean
from bntui.wire import event_reader

CHUNK = 2**17
LOOK_EVERY = 0.1
"""Seconds between two looks at whether a log has grown."""


class Recording:
    """The events of an open log; with `follow` also those that are appended later.

    `Ended` is told where there is no more to read and nobody holds the writer's lock.
    """

    accepts_commands = False

    def __init__(self, file: IO[bytes], follow: bool) -> None:
        self._file, self._follow = file, follow
        self._decoder = Decoder()

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Every event, and an `Ended` wherever the end is reached."""
        told = False
        while not self._file.closed:
            if data := self._file.read(CHUNK):
                told = False
                for event in self._decoder.feed(data):
                    yield event
                await asyncio.sleep(0)
                continue
            if not told and not is_growing(self._file):
                told = True
                yield Ended()
            if not self._follow:
                return
            await asyncio.sleep(LOOK_EVERY)

    async def send(self, command: Command) -> None:
        """A recording hears nothing."""

    async def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class PipedRecording:
    """The events that come through a pipe, as they come."""

    accepts_commands = False

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._decoder = Decoder()

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Every event, and an `Ended` when the other side closes."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, self._pipe)
        while data := await reader.read(CHUNK):
            for event in self._decoder.feed(data):
                yield event
        yield Ended()

    async def send(self, command: Command) -> None:
        """A recording hears nothing."""

    async def close(self) -> None:
        """Let go of the pipe."""
        self._pipe.close()


class Decoder:
    """Bytes to events; gzip is unpacked, damage to it is told once."""

    def __init__(self) -> None:
        self._reader = event_reader()
        self._begun = self._damaged = False
        self._unpacker: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[AnyEvent]:
        """The events completed by `data`."""
        if not self._begun:
            self._begun = True
            self._unpacker = zlib.decompressobj(wbits=31) if is_gzip(data) else None
        if self._unpacker is None:
            yield from self._reader.feed(data)
        elif not self._damaged:
            try:
                for plain in self._unpack(data):
                    yield from self._reader.feed(plain)
            except zlib.error as error:
                self._damaged = True
                yield Skipped(self._reader.line + 1, f"the compressed data is damaged: {error}")

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        """In pieces of bounded size; a gzip file may be several, one after the other."""
        while data and self._unpacker:
            yield self._unpacker.decompress(data, CHUNK)
            data = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            if self._unpacker.eof:
                self._unpacker = zlib.decompressobj(wbits=31)


def is_gzip(data: bytes) -> bool:
    """Whether these first bytes are those of a gzip file."""
    return data.startswith(b"\x1f\x8b")


def is_growing(file: IO[bytes]) -> bool:
    """Whether a run still writes to this log: it holds a lock as long as it lives."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def open_log(path: Path, follow: bool) -> Recording:
    """A log as a source of events.

    Raises:
        InputError: It is missing, unreadable, a directory, or no run log.
    """
    return Recording(_open(path), follow)


def _open(path: Path) -> IO[bytes]:
    name = clean(repr(str(path)), limit=200)
    try:
        if path.is_dir():
            raise InputError(f"{name} is a directory; bntui open takes a run log.")
        file = path.open("rb")
        head = file.read(2)
        file.seek(0)
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error))
        raise InputError(f"{name} cannot be read ({reason}); bntui open takes a run log.") from None
    if head and not head.startswith(b"{") and not is_gzip(head):
        file.close()
        raise InputError(f"{name} is no run log; bntui open takes what bntui run --json writes.")
    return file


def open_stdin() -> Recording | PipedRecording:
    """Events from standard input, whose place the terminal's keyboard takes.

    Raises:
        InputError: Standard input is a terminal, or there is no terminal to take its place.
    """
    if os.isatty(0):
        raise InputError("Standard input is a terminal; bntui open - takes events through a pipe.")
    file = os.fdopen(os.dup(0), "rb", buffering=0)
    try:
        keyboard = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise InputError(
            "There is no terminal to show the events in; bntui run trains without."
        ) from None
    os.dup2(keyboard, 0)
    os.close(keyboard)
    is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    return Recording(file, follow=False) if is_file else PipedRecording(file)


def read_log(path: Path) -> Iterator[AnyEvent]:
    """Every event of a log, once.

    Raises:
        InputError: As in `open_log`.
    """
    with _open(path) as file:
        decoder = Decoder()
        while data := file.read(CHUNK):
            yield from decoder.feed(data)
