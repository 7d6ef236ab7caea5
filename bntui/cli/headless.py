"""A run without a screen: progress while it lasts, a table at the end, an exit code."""

import asyncio
import os
import select
import sys
from collections.abc import Callable
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bntui.config.schema import RunConfig
from bntui.export.printer import Printer
from bntui.export.summary import summary
from bntui.history.history import History
from bntui.logs.writer import whereabouts
from bntui.protocol import Failed, State
from bntui.sources.local import EngineSource
from bntui.sources.signals import ENDING
from bntui.text import number

PROGRESS_EVERY = 5.0
"""Seconds between two lines of progress where no bar can be drawn."""


def run(config: RunConfig, log: str | None, as_json: bool, quiet: bool) -> int:
    """Train to the end; a table, or with `as_json` the engine's own lines, go to stdout.

    Progress and where the log is go to stderr, unless `quiet`. Returns the exit code: 0, 2 for bad
    input, 1 for a crash or a log that could not be written, 128 + the signal that ended the run.
    """
    return asyncio.run(Headless(config, log, as_json, quiet).run())


class Headless:
    """One run followed to its end, or to the signal that ends it."""

    def __init__(self, config: RunConfig, log: str | None, as_json: bool, quiet: bool) -> None:
        self._as_json, self._quiet = as_json, quiet
        self._steps = config.steps
        self._history = History()
        self._source = EngineSource(config, log, tap=_write if as_json else None)
        self._signal: int | None = None

    async def run(self) -> int:
        """Follow the run, print its results, and return the exit code."""
        follow = asyncio.create_task(self._follow())
        for ending in ENDING:
            asyncio.get_running_loop().add_signal_handler(ending, self._end, ending, follow)
        try:
            await asyncio.wait([follow])
        finally:
            await self._source.close()
        if not follow.cancelled():
            follow.result()
        return self._report()

    def _end(self, number: int, follow: "asyncio.Task[None]") -> None:
        self._signal = number
        follow.cancel()

    async def _follow(self) -> None:
        lines = None if self._quiet or sys.stderr.isatty() else ProgressLines(self._history)
        with _bar(shown=sys.stderr.isatty() and not self._quiet) as bar:
            task = bar.add_task("warming up", total=self._steps)
            async for event in self._source.events():
                self._history.fold(event)
                bar.update(task, completed=self._history.steps, description=_phase(self._history))
                if lines and (line := lines.due()):
                    sys.stderr.write(f"{line}\n")
                if isinstance(event, State) and event.state == "finished":
                    return

    def _report(self) -> int:
        if self._history.steps and not self._as_json:
            Printer().print(summary(self._history))
        if failed := self._history.failed:
            log = f" The traceback is in {failed.log}." if failed.log else ""
            sys.stderr.write(f"bntui: {failed.message}{log}\n")
            return _exit_code(failed)
        code = self._report_log()
        return code if self._signal is None else 128 + self._signal

    def _report_log(self) -> int:
        log = self._history.log
        if log and not (self._quiet and log.problem is None and log.locked):
            sys.stderr.write(f"bntui: {whereabouts(log)}\n")
        return 1 if log and log.problem else 0


class ProgressLines:
    """Progress as a plain line now and then, for files, pipes and job queues."""

    def __init__(self, history: History, clock: Callable[[], float] = monotonic) -> None:
        self._history, self._clock = history, clock
        self._last = clock()

    def due(self) -> str | None:
        """The line to print now, if it is time for one."""
        if self._clock() - self._last < PROGRESS_EVERY:
            return None
        self._last = self._clock()
        history = self._history
        if history.state is None:
            return _phase(history)
        steps, total, rate = history.steps, history.total, history.steps_per_second
        losses = (f"{name} {number(arm.loss.last)}" for name, arm in history.arms.items())
        speed = f" · {rate:,.0f} steps/s" if rate else ""
        return f"{steps:,} of {total:,} steps ({steps / total:.0%}){speed} · {' · '.join(losses)}"


def _phase(history: History) -> str:
    if history.state:
        return "training"
    return f"reading {history.reading.source}" if history.reading else "warming up"


def _exit_code(failed: Failed) -> int:
    return 2 if failed.kind == "input" else 1


def _bar(shown: bool) -> Progress:
    """A bar on stderr."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Printer(stderr=True),
        disable=not shown,
    )


async def _write(data: bytes) -> None:
    """Write to stdout without ever blocking, so that a stalled reader cannot hold up a signal."""
    view = memoryview(data)
    while view:
        await _writable(sys.stdout.fileno())
        view = view[os.write(sys.stdout.fileno(), view[: select.PIPE_BUF]) :]


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_writer(descriptor, ready.set)
    except PermissionError:  # a regular file, which is always writable
        return
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)
