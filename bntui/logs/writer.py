"""The run log: a run's event lines in a file, where such files live, and how nothing is lost.

Every line is written as it comes, so a process that is killed loses at most its last line, and a
reader ignores a last line without its end. The writer holds a lock on the file, which distinguishes
a log that is still growing from one that was cut off. Where a reader sees no locks, as through some
mounts, the file's time of change, renewed every second, does.
"""

import fcntl
import os
import re
from contextlib import suppress
from datetime import datetime
from itertools import chain, count
from os.path import samestat
from pathlib import Path
from time import monotonic

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.protocol import LOG_BY_DEFAULT, Log
from bntui.text import clean, quoted

RETRY = 1.0
"""Seconds from a failure to the next attempt, and from one look at the file to the next."""

ROOM = 64 * 2**20
"""Bytes kept in memory while a log cannot be written; beyond them it is given up."""


def directory() -> Path:
    """Where logs live unless `--log` says otherwise."""
    from platformdirs import user_data_path  # noqa: PLC0415 (takes a moment)

    return user_data_path("bntui") / "runs"


def find(name: str) -> Path:
    """A log by its path, or by its name where logs live."""
    known = directory() / f"{name}.jsonl"  # os.path: Path.exists() raises for a name too long
    is_known = "/" not in name and not os.path.exists(name) and os.path.exists(known)  # noqa: PTH110
    return known if is_known else Path(name)


def latest() -> Path:
    """The log that was written to last, among those where logs live.

    Raises:
        InputError: There is none.
    """
    logs = directory().glob("*.jsonl")
    known = {path: path.stat().st_mtime for path in logs if path.is_file()}
    if not known:
        raise InputError(f"No run is logged in {clean(str(directory()))}.")
    return max(known, key=lambda path: known[path])


def default_path(config: RunConfig) -> Path:
    """A log's name in that place: date, preset and seed."""
    preset = re.sub(r"[^\w-]", "_", config.preset)[:40]
    return directory() / f"{datetime.now():%Y%m%d-%H%M%S}-{preset}-{config.seed}.jsonl"


def open_log(place: str, config: RunConfig, again: bool) -> "LogWriter":
    """A new log: by default, or for a run begun `again`, under a name that is free.

    Raises:
        InputError: The file that was asked for is there already.
    """
    if place != LOG_BY_DEFAULT and not again:
        return LogWriter(Path(place))
    wanted = default_path(config) if place == LOG_BY_DEFAULT else Path(place)
    while True:
        try:
            return LogWriter(free(wanted))
        except InputError:
            continue  # another run took the name just now


def watched_path(name: str) -> Path:
    """A free name in that place for a watched run: date, and its name."""
    stem = re.sub(r"[^\w-]", "_", name)[:40]
    return free(directory() / f"{datetime.now():%Y%m%d-%H%M%S}-watch-{stem}.jsonl")


class NameTakenError(InputError):
    """A run's files would have to overwrite others."""


def output_paths(log: Path) -> tuple[Path, Path]:
    """The files beside the log of a watched script that have its stdout and stderr."""
    return log.with_suffix(".out"), log.with_suffix(".err")


def delete(log: Path) -> None:
    """Delete a log, and what its script printed.

    Raises:
        OSError: One of them cannot be deleted.
    """
    for path in (*output_paths(log), log):
        path.unlink(missing_ok=path != log)


def rename(log: Path, name: str) -> None:
    """Give a log, and what its script printed, another name in the same directory.

    Raises:
        OSError: One of them cannot be renamed.
    """
    new = log.with_name(f"{name}.jsonl")
    for old, wanted in zip((*output_paths(log), log), (*output_paths(new), new), strict=True):
        if old == log or old.exists():
            old.rename(wanted)


def free(path: Path) -> Path:
    """This path, or the first of `name-2`, `name-3`, ... where nothing is, nor beside it.

    A watched script has its output files before it has a log.
    """
    others = (path.with_stem(f"{path.stem}-{n}") for n in count(2))
    return next(
        place
        for place in chain([path], others)
        if not any(map(os.path.lexists, (place, *output_paths(place))))
    )


class LogWriter:
    """Appends lines to a file of its own; what cannot be written now is kept and tried again.

    `problem` says why the log on disk is not complete, for as long as that is so. `locked` is false
    where the file system has no locks.

    Raises:
        InputError: The file is there already.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self.locked = True
        self._file: int | None = None
        self._pending = bytearray()
        self._given_up = False
        self._next_look = 0.0
        if os.path.lexists(path):
            raise already_exists(path)
        self.flush()

    def write(self, line: bytes) -> None:
        """Append a line, now or as soon as that is possible."""
        if not self._given_up:
            self._pending += line
            self.flush()

    def flush(self) -> None:
        """Write what is pending, unless that failed within the last second."""
        if not self._given_up and (self.problem is None or monotonic() >= self._next_look):
            try:
                self._write()
                self._look()
            except OSError as error:
                self.problem = clean(error.strerror or str(error))
                self._next_look = monotonic() + RETRY
        if len(self._pending) > ROOM:
            self._given_up = True
            self._pending.clear()

    def close(self) -> None:
        """Let go of the file."""
        self._next_look = 0.0
        self.flush()
        if self._file is not None:
            os.close(self._file)

    def _write(self) -> None:
        if self._file is None:
            self._file = _create(self.path)
            self.locked = _lock(self._file)
        while self._pending:
            written = os.write(self._file, self._pending)
            del self._pending[:written]

    def _look(self) -> None:
        """See now and then that the file is still where it was."""
        if self._file is not None and monotonic() >= self._next_look:
            self._next_look = monotonic() + RETRY
            there = self.path.exists() and samestat(self.path.stat(), os.fstat(self._file))
            self.problem = None if there else "the file was moved or deleted"
            with suppress(OSError):  # then its lock or its lines alone show that it grows
                os.utime(self._file)


def _create(path: Path) -> int:
    if path.parent == directory():
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    except FileExistsError:
        raise already_exists(path) from None
    return file


def _lock(file: int) -> bool:
    """Lock a new file for as long as it is open; whether its file system has locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def whereabouts(log: Log) -> str:
    """Where a run was logged, in a sentence; what is wrong with its log, if anything is."""
    if log.problem:
        return f"The log {log.path} is not complete: {log.problem}."
    unlocked = "" if log.locked else " It was not locked: there are no locks here."
    return f"The log is {log.path}.{unlocked}"


def already_exists(path: Path) -> NameTakenError:
    """What to raise where a log would overwrite a file."""
    name = quoted(path)
    return NameTakenError(f"--log {name} already exists; it takes the path of a new file.")
