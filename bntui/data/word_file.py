"""Word files, one word per line: checked and read within bounded memory.

Needs no torch, so that a bad file is refused before torch is loaded.
"""

import codecs
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from bntui.errors import InputError
from bntui.text import clean, quoted

LIMIT = 16 * 2**20
"""Bytes read of a larger file, up to the end of a line."""

_HEAD = 64 * 2**10
_CHUNK = 2**20


class Words(NamedTuple):
    """The words of a file; `bytes_read < bytes_total` if only its head was used."""

    words: list[str]
    bytes_read: int
    bytes_total: int


def check(path: Path) -> None:
    """Check a file's type and its first 64 KiB.

    Raises:
        InputError: The file is missing, not a regular file, unreadable, empty, or not UTF-8 text.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _refusal(path, "is a directory")
        if not stat.S_ISREG(mode):
            raise _refusal(path, "is not a regular file")
        with _opened(path) as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise _refusal(path, "does not exist") from None
    except (OSError, ValueError) as error:
        raise _refusal(path, f"cannot be read ({_reason(error)})") from None
    if not head:
        raise _refusal(path, "is empty")
    _decode(path, head, whole=len(head) < _HEAD)


def read_words(path: Path, progress: Callable[[int, int], None]) -> Words:
    """The words of a file, stripped; blank lines are left out, duplicates kept.

    Lines end in CR, LF or both; a byte order mark is dropped. A `.` within a word is kept, and is
    the same symbol as the boundary of words.

    Args:
        path: The file.
        progress: Called after every MiB with the bytes read and the bytes in all.

    Raises:
        InputError: As in `check`, or the file has no words.
    """
    check(path)
    try:
        data, total = _read(path, progress)
    except OSError as error:
        raise _refusal(path, f"cannot be read ({_reason(error)})") from None
    if len(data) > LIMIT:
        del data[_last_line_end(path, data) :]
    read = len(data)
    text = _decode(path, data, whole=True)
    del data
    words = [word for line in text.replace("\r", "\n").split("\n") if (word := line.strip())]
    if not words:
        raise _refusal(path, "has only blank lines")
    return Words(words, read, total)


def _opened(path: Path) -> IO[bytes]:
    """The file, never waited for: what has nothing to read now (`/proc/kmsg`) is as if empty."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")


def _read(path: Path, progress: Callable[[int, int], None]) -> tuple[bytearray, int]:
    """The file's bytes, cut somewhat beyond LIMIT, and its size."""
    data = bytearray()
    with _opened(path) as file:
        total = path.stat().st_size
        while len(data) <= LIMIT and (chunk := file.read(_CHUNK)):
            data += chunk
            total = max(total, len(data))
            progress(min(len(data), LIMIT), total)
    return data, total


def _last_line_end(path: Path, data: bytearray) -> int:
    """The end of the last complete line within LIMIT."""
    end = max(data.rfind(b"\n", 0, LIMIT), data.rfind(b"\r", 0, LIMIT)) + 1
    if end == 0:
        raise _refusal(path, f"begins with a line longer than {LIMIT // 2**20} MiB")
    return end


def _decode(path: Path, data: bytes | bytearray, whole: bool) -> str:
    """Decode UTF-8; unless `data` is the whole file, its last character may be cut."""
    if b"\0" in data:
        raise _refusal(path, "is binary (it has a zero byte)")
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(data, final=whole)
    except UnicodeDecodeError as error:
        raise _refusal(path, f"is not UTF-8 (byte {error.start + 1:,})") from None


def _reason(error: OSError | ValueError) -> str:
    """The system's error message, without the path."""
    return clean(getattr(error, "strerror", None) or str(error))


def _refusal(path: Path, problem: str) -> InputError:
    name = quoted(path)
    return InputError(f"--data {name} {problem}; it takes a UTF-8 text file, one word per line.")
