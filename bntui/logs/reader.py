"""Reading a run log: bytes to events, plain or gzipped, whole or still growing."""

import errno
import fcntl
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import IO

from bntui.errors import InputError
from bntui.protocol import AnyEvent, Skipped
from bntui.protocol.codec import event_reader
from bntui.text import clean, quoted

CHUNK = 2**17

HEARTBEAT = 10.0
"""Seconds since its last change after which a log is cut off, where files cannot be locked."""


MOST_UNPACKED, FREELY_UNPACKED = 50, 2**26
"""How many times its packed size a log may unpack to, beyond 64 MiB. A run in which no weight moves
reaches 17; the format allows 1,032. Events are decoded one by one, and what is kept of them is
bounded but for the columns: of a loss at most 28 bytes for 2 of the log, in four networks."""


class Decoder:
    """Decodes bytes to events; gzip is unpacked, and damage to it reported once."""

    def __init__(self) -> None:
        self._reader = event_reader()
        self._begun = self._damaged = False
        self._unpacker: zlib._Decompress | None = None
        self._packed_bytes = self._unpacked_bytes = 0

    def feed(self, data: bytes) -> Iterator[AnyEvent]:
        """The events completed by `data`."""
        for part in self.parts(data):
            yield from part

    def parts(self, data: bytes) -> Iterator[Iterator[AnyEvent]]:
        """The same, piece by piece of the unpacked data, each to be used up before the next.

        A little gzip can hold very much: between two pieces a reader gives way to others.
        """
        if not self._begun:
            self._begun = True
            self._unpacker = zlib.decompressobj(wbits=31) if is_gzip(data) else None
        if self._unpacker is None:
            yield self._reader.feed(data)
        elif not self._damaged:
            self._packed_bytes += len(data)
            try:
                for plain in self._unpack(data):
                    self._count(plain)
                    yield self._reader.feed(plain)
            except zlib.error as error:
                self._damaged = True
                reason = f"the compressed data is damaged: {error}"
                yield iter([Skipped(self._reader.line + 1, reason)])

    def _count(self, plain: bytes) -> None:
        """Keep account of what is unpacked.

        Raises:
            zlib.error: It is more than a log can hold.
        """
        self._unpacked_bytes += len(plain)
        most = max(FREELY_UNPACKED, MOST_UNPACKED * self._packed_bytes)
        if self._unpacked_bytes > most:
            raise zlib.error(f"it unpacks to more than {MOST_UNPACKED} times its size")

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
    """Whether a run still writes to this log: it holds a lock, or changes the file every second."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return abs(time() - os.fstat(file.fileno()).st_mtime) < HEARTBEAT
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def was_truncated(file: IO[bytes]) -> bool:
    """Whether a log is shorter than what was read of it; if so, go to its start."""
    truncated = os.fstat(file.fileno()).st_size < file.tell()
    if truncated:
        file.seek(0)
    return truncated


def open_regular(path: Path) -> IO[bytes]:
    """A regular file, open for reading: a FIFO would wait for a writer, a device have no end.

    Raises:
        OSError: It cannot be opened, or is something else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(descriptor, "rb")


def open_file(path: Path) -> IO[bytes]:
    """A log, open for reading.

    Raises:
        InputError: It is missing, unreadable, no regular file, or no run log.
    """
    name = quoted(path)
    try:
        if path.is_dir():
            raise InputError(f"{name} is a directory; bntui open takes a run log.")
        file = open_regular(path)
        head = file.read(2)
        file.seek(0)
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error))
        raise InputError(f"{name} cannot be read ({reason}); bntui open takes a run log.") from None
    if head and not head.startswith(b"{") and not is_gzip(head):
        file.close()
        raise InputError(f"{name} is no run log; bntui open takes what bntui run --json writes.")
    return file


def read_log(path: Path) -> Iterator[AnyEvent]:
    """Every event of a log, once.

    Raises:
        InputError: As in `open_file`.
    """
    with open_file(path) as file:
        decoder = Decoder()
        while data := file.read(CHUNK):
            yield from decoder.feed(data)
