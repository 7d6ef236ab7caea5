"""A run without a screen: progress while it lasts, a table at the end, an exit code."""

import asyncio
import os
import select
import signal
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bntui.config.schema import RunConfig
from bntui.export.summary import summary
from bntui.history.history import History
from bntui.protocol import Failed, State
from bntui.sources.local import EngineSource

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Each ends the run in good order, with the exit code 128 + its number."""


def run(config: RunConfig, log: str | None, as_json: bool) -> int:
    """Train to the end; a table, or with `as_json` the engine's own lines, go to stdout.

    Returns the exit code: 0, 2 for bad input, 1 for a crash or a log that could not be written,
    128 + the signal that ended the run.
    """
    return asyncio.run(Headless(config, log, as_json).run())


class Headless:
    """One run followed to its end, or to the signal that ends it."""

    def __init__(self, config: RunConfig, log: str | None, as_json: bool) -> None:
        self._as_json = as_json
        self._steps = config.steps
        self._history = History()
        self._source = EngineSource(config, log, tap=_write if as_json else None)
        self._signal: int | None = None

    async def run(self) -> int:
        """Follow the run, print its results, and return the exit code."""
        follow = asyncio.create_task(self._follow())
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._end, number, follow)
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
        with _progress() as progress:
            task = progress.add_task("warming up", total=self._steps)
            async for event in self._source.events():
                self._history.fold(event)
                progress.update(task, completed=self._history.steps, description=self._phase())
                if isinstance(event, State) and event.state == "finished":
                    return

    def _phase(self) -> str:
        history = self._history
        if history.state:
            return "training"
        return f"reading {history.reading.source}" if history.reading else "warming up"

    def _report(self) -> int:
        if self._history.steps and not self._as_json:
            Console().print(summary(self._history))
        if failed := self._history.failed:
            log = f" The traceback is in {failed.log}." if failed.log else ""
            sys.stderr.write(f"bntui: {failed.message}{log}\n")
            return _exit_code(failed)
        if self._signal is not None:
            return 128 + self._signal
        return self._report_log()

    def _report_log(self) -> int:
        log = self._history.log
        if log and log.problem:
            sys.stderr.write(f"bntui: The log {log.path} is not complete: {log.problem}.\n")
            return 1
        if log and not log.locked:
            sys.stderr.write(
                f"bntui: The log {log.path} was not locked: there are no locks here.\n"
            )
        return 0


def _exit_code(failed: Failed) -> int:
    return 2 if failed.kind == "input" else 1


def _progress() -> Progress:
    """A bar on stderr, shown only on a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
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
