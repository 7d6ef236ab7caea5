"""A sweep's directory: its plan, the logs of its runs, and an index of their outcomes.

Every write is idempotent and survives a kill: a log is written beside its place and renamed, the
index gets one line a run after the log is there, and the last line of a run counts.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from platformdirs import user_data_path

from bntui.errors import InputError
from bntui.logs.reader import open_regular
from bntui.protocol.codec import MAX_LINE, decode
from bntui.sweep.events import Outcome
from bntui.sweep.plan import Plan, check_plan
from bntui.text import clean

PLAN, INDEX, LOCK = "plan.json", "outcomes.jsonl", ".lock"
UNFINISHED = ".unfinished-"
"""Before the name of a file that is being written."""


def sweeps_directory() -> Path:
    """Where sweeps live, a directory each."""
    return user_data_path("bntui") / "sweeps"


def default_name(plan: Plan) -> str:
    """A name made of the plan, so that the same command finds its sweep again.

    The number of seeds is no part of it: a sweep with more seeds goes on from the smaller one.
    Nor is the loss to reach: it is looked up in the logs.
    """
    settings = "-".join(one.name for one in plan.vary) or "seeds"
    decisive = msgspec.json.encode(msgspec.structs.replace(plan, seeds=0, reach=None))
    return f"{plan.claim or settings}-{hashlib.sha256(decisive).hexdigest()[:8]}"


class SweepStore:
    """Reads and writes one sweep's directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def create(cls, directory: Path, plan: Plan) -> "SweepStore":
        """Open a sweep's directory for running it, new or begun before.

        Raises:
            InputError: It cannot be written, or holds a sweep with another plan.
        """
        store = cls(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if (directory / PLAN).exists():
                before = store.plan()
                if msgspec.structs.replace(before, seeds=plan.seeds, reach=plan.reach) != plan:
                    raise InputError(
                        f"--name {clean(directory.name, limit=60)} is a sweep with other settings"
                        " or data; it takes a new name, or the same settings to go on."
                    )
            store._replace(PLAN, msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
        except OSError as error:
            raise InputError(
                f"{clean(str(directory), limit=200)} cannot be written ({error.strerror})."
            ) from None
        return store

    def plan(self) -> Plan:
        """The plan.

        Raises:
            InputError: There is no sweep here, or its plan cannot be read.
        """
        name = clean(self.directory.name, limit=60)
        try:
            with open_regular(self.directory / PLAN) as file:
                plan = decode(file.read(MAX_LINE), Plan)
            check_plan(plan)
        except FileNotFoundError:
            raise InputError(
                f"There is no sweep named {name} in {self.directory.parent}."
            ) from None
        except (OSError, ValueError, InputError) as error:
            reason = clean(str(error), limit=200)
            raise InputError(f"The plan of the sweep {name} cannot be read ({reason}).") from None
        return plan

    def outcomes(self) -> dict[str, Outcome]:
        """Every run's last outcome whose log is there; a torn or foreign line is left out.

        Raises:
            InputError: The index cannot be read.
        """
        try:
            return self._outcomes()
        except OSError as error:
            name = clean(self.directory.name, limit=60)
            raise InputError(
                f"The index of the sweep {name} cannot be read ({error.strerror})."
            ) from None

    def _outcomes(self) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        with suppress(FileNotFoundError), open_regular(self.directory / INDEX) as index:
            there = {entry.name for entry in os.scandir(self.directory)}
            while line := index.readline(MAX_LINE):
                with suppress(ValueError):
                    outcome = decode(line, Outcome)
                    if self.log_path(outcome.key).name in there:
                        found[outcome.key] = outcome
        return found

    def log_path(self, key: str) -> Path:
        """Where a run's log is."""
        return self.directory / f"{re.sub(r'[^A-Za-z0-9.=+_-]', '_', key)}.jsonl.gz"

    def save(self, outcome: Outcome, log: bytes) -> None:
        """Keep a finished run: first its log, then its line in the index.

        Raises:
            OSError: The disk does not take it.
        """
        self._replace(self.log_path(outcome.key).name, log)
        self.save_outcome(outcome)

    def save_outcome(self, outcome: Outcome) -> None:
        """Add a line to the index.

        Raises:
            OSError: The disk does not take it.
        """
        line = b"\n" + msgspec.json.encode(outcome) + b"\n"  # the line before may be torn
        descriptor = os.open(self.directory / INDEX, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _replace(self, name: str, data: bytes) -> None:
        beside = self.directory / f"{UNFINISHED}{os.getpid()}-{name}"
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # the index must not outlive it in a power failure
        beside.replace(self.directory / name)

    @contextmanager
    def running(self) -> Iterator[bool]:
        """Hold the sweep, so that it is not run twice at the same time; whether that is certain.

        Without locks it is not, and two runs of it waste time: every write is idempotent.

        Raises:
            InputError: Another process runs it.
        """
        descriptor = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        locked = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InputError(
                f"The sweep {clean(self.directory.name, limit=60)} is running already; "
                "bntui sweep --open shows it."
            ) from None
        except OSError:
            locked = False
        else:
            for left_by_a_kill in self.directory.glob(f"{UNFINISHED}*"):
                left_by_a_kill.unlink(missing_ok=True)
        try:
            yield locked
        finally:
            os.close(descriptor)
