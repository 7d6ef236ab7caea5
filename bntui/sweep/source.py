"""Where a sweep's events come from: a `bntui sweep --json` child process, or a directory."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from bntui.protocol import Skipped
from bntui.protocol.codec import Reader
from bntui.sweep.events import AnySweepEvent, Note, Outcome, SweepEnded, beginning
from bntui.sweep.plan import Plan
from bntui.sweep.store import SweepStore
from bntui.text import clean

CHUNK = 2**16
GRACE = 5.0
"""Seconds that the child has to end its workers."""


class SweepSource(Protocol):
    """Events of a sweep, from anywhere."""

    def events(self) -> AsyncIterator[AnySweepEvent]:
        """Every event, as it comes."""
        ...

    async def close(self) -> None:
        """End whatever the events come from; may be called again."""
        ...


class ChildSweep:
    """A sweep run by a child process, so that a crash cannot take the screen down."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = (sys.executable, "-P", "-m", "bntui", "sweep", *arguments, "--json")
        self._process: Process | None = None

    async def events(self) -> AsyncIterator[AnySweepEvent]:
        """The child's events; if it ends before the sweep does, a last one that says how."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout
        assert process.stderr
        reader: Reader[AnySweepEvent] = Reader(AnySweepEvent, "event")
        ended = False
        while data := await process.stdout.read(CHUNK):
            for event in reader.feed(data):
                if not isinstance(event, Skipped):  # the result, which is no event
                    ended |= isinstance(event, SweepEnded)
                    yield event
        errors = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
        code = await process.wait()
        if not ended:
            last = clean(errors[-1], limit=300) if errors else f"exit code {code}"
            yield SweepEnded(f"The sweep stopped: {last}")

    async def close(self) -> None:
        """Interrupt the child and wait for its workers to end."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(2)
        try:
            async with asyncio.timeout(GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class StoredSweep:
    """A sweep that was run before."""

    def __init__(self, store: SweepStore) -> None:
        self._store = store

    async def events(self) -> AsyncIterator[AnySweepEvent]:
        """Its plan and outcomes."""
        plan, outcomes, notes = stored(self._store)
        for event in beginning(plan, self._store.directory, outcomes.values()):
            yield event
        for note in notes:
            yield Note(note)
        yield SweepEnded("")

    async def close(self) -> None:
        """Nothing to end."""


def stored(store: SweepStore) -> tuple[Plan, dict[str, Outcome], list[str]]:
    """A stored sweep's plan, its outcomes by key, and what to know of them.

    Raises:
        InputError: There is no such sweep, or it cannot be read.
    """
    plan, found = store.plan(), store.outcomes()
    outcomes = {job.key: found[job.key] for job in plan.jobs() if job.key in found}
    notes = []
    if missing := plan.job_count - len(outcomes):
        notes.append(f"{missing:,} runs are missing; the same command runs them.")
    versions = {(one.machine.bntui, one.machine.torch) for one in outcomes.values()}
    if len(versions) > 1:
        named = ", ".join(f"bntui {bntui} with torch {torch}" for bntui, torch in sorted(versions))
        notes.append(f"Its runs are of several versions: {clean(named, limit=200)}.")
    return plan, outcomes, notes
