"""An engine in a child process of our own."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import IO

from bntui.config.schema import RunConfig
from bntui.data.word_file import check as check_data
from bntui.protocol import AnyEvent, Command, Failed, Start, Stop
from bntui.protocol.codec import encode, event_reader
from bntui.text import clean

ENGINE = (sys.executable, "-P", "-m", "bntui", "engine")
"""Without the working directory on its path, where a user's own `random.py` may lie."""

CHUNK = 2**16
ROOM = 16 * 2**20
"""Bytes kept for a busy screen before the engine has to wait."""

GRACE = 0.4
"""Seconds for the engine to end by itself; while it loads torch it cannot, and is ended."""


class EngineSource:
    """An engine process of our own, started by `start` or when its events are first asked for.

    Args:
        config: The run to begin with.
        log: Where it is logged; see `Start`.
        tap: Sees the engine's bytes as they come, before they are decoded.
    """

    accepts_commands = True
    name = ""

    def __init__(
        self,
        config: RunConfig,
        log: str | None = None,
        tap: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._start = Start(config, log)
        self._tap = tap
        self._process: Process | None = None
        self._errors: IO[bytes]
        self._closing = False

    async def events(self) -> AsyncIterator[AnyEvent]:
        """The engine's events; if it ends unasked, a last one that says how."""
        process = await self.start()
        with self._errors:
            failed = False
            async for event in self._read(process):
                failed |= isinstance(event, Failed)
                yield event
            code = await process.wait()
            if not failed and not self._closing:
                yield Failed("crash", self.explain(code, last_line(self._errors)))

    async def start(self) -> Process:
        """Start the process unless that is done; an engine loads torch while the screen loads."""
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed after the last event)
            self._process = await self._spawn()
            await self._begin()
        return self._process

    async def _begin(self) -> None:
        await self._write(self._start)

    def check(self, config: RunConfig) -> None:
        """See that the data can be used before the engine is asked to, and fails.

        Raises:
            InputError: They cannot.
        """
        if config.data is not None:
            check_data(Path(config.data))

    def command(self) -> tuple[str, ...]:
        """What starts the engine."""
        return ENGINE

    def explain(self, code: int, last_line: str) -> str:
        """Why the engine ended unasked, from its exit code and the last it wrote to stderr."""
        return (
            f"The engine {ending(code)}: {last_line}"
            if last_line
            else (f"The engine {ending(code)}.")
        )

    async def _spawn(self) -> Process:
        # A session of its own: the terminal's ctrl+c reaches the screen alone, and nothing that is
        # started here can ask for a password on that terminal.
        return await asyncio.create_subprocess_exec(
            *self.command(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            start_new_session=True,
            limit=ROOM,
        )

    async def _read(self, process: Process) -> AsyncIterator[AnyEvent]:
        reader = event_reader()
        while process.stdout and (data := await process.stdout.read(CHUNK)):
            if self._tap:
                await self._tap(data)
            for event in reader.feed(data):
                yield event

    async def send(self, command: Command) -> None:
        """Write a command; an engine that is gone says so through its events.

        A run that is begun again is logged as the first was, in a file of its own.

        Raises:
            InputError: The data of a run that is to begin cannot be used.
        """
        if isinstance(command, Start):
            self.check(command.config)
            command = Start(command.config, self._start.log)
        await self._write(command)

    async def _write(self, command: Command) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(command))
            try:
                await self._process.stdin.drain()
            except ConnectionError:
                return

    async def close(self) -> None:
        """Ask the engine to end, end it if it does not, and see it gone."""
        self._closing = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            await self.send(Stop())
            async with asyncio.timeout(GRACE):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()
        await process.wait()


def ending(code: int) -> str:
    """How a process ended, from its exit code."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def last_line(errors: IO[bytes]) -> str:
    """What was last written there, if anything."""
    errors.seek(max(errors.seek(0, os.SEEK_END) - CHUNK, 0))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return clean(lines[-1], limit=300) if lines else ""
