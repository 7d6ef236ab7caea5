"""A real engine process, driven through its pipes."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Timer
from types import TracebackType
from typing import IO, Self

from bntui.protocol import AnyEvent, Command, State
from bntui.protocol.codec import encode, event_reader
from tests.forking import Popen, python

PATIENCE = 60.0
"""Seconds until an engine that says nothing is killed, and its test fails."""


class EngineProcess:
    """`bntui engine`, or the Python code `program`; `told` holds every event so far.

    It is forked from the test process, unless `fresh` asks for a new interpreter.
    """

    def __init__(
        self, program: str = "", env: Mapping[str, str] | None = None, fresh: bool = False
    ) -> None:
        code = program or "import sys; from bntui.core.engine.process import main; sys.exit(main())"
        self.process = Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            main=None if fresh else python(code),
        )
        self.told: list[AnyEvent] = []
        self._reader = event_reader()
        self._waiting: list[AnyEvent] = []
        self._watchdog = Timer(PATIENCE, self.process.kill)

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        with suppress(BrokenPipeError):
            self.stdin.close()

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin
        return self.process.stdin

    def send(self, *commands: Command) -> None:
        self.write(b"".join(map(encode, commands)))

    def write(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def until(self, wanted: Callable[[AnyEvent], bool]) -> AnyEvent:
        """Read on to the first event that is wanted."""
        assert self.process.stdout
        while True:
            while self._waiting:
                event = self._waiting.pop(0)
                self.told.append(event)
                if wanted(event):
                    return event
            line = self.process.stdout.readline()
            assert line, f"the engine ended; the last events were {self.told[-3:]}"
            self._waiting += self._reader.feed(line)

    def until_state(self, state: str) -> State:
        event = self.until(lambda event: isinstance(event, State) and event.state == state)
        assert isinstance(event, State)
        return event

    def end(self) -> tuple[int, str]:
        """Read to the end; the exit code and what was written to stderr."""
        assert self.process.stdout
        assert self.process.stderr
        self.told += [*self._waiting, *self._reader.feed(self.process.stdout.read())]
        errors = self.process.stderr.read().decode()
        return self.process.wait(), errors
