"""The engine process: commands in, events out, one line of JSON each.

It has one thread: it waits for commands with `select`, and trains in between. Torch is loaded only
when there is data to train on, so that everything that can be said before is said at once.
"""

import os
import select
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from bntui import __version__
from bntui.config import ARMS, RunConfig
from bntui.core.loading import Loader
from bntui.protocol import PROTOCOL, AnyCommand, Event, Hello, Skipped, Start, Stop
from bntui.wire import command_reader

if TYPE_CHECKING:
    from bntui.core.run import Run

SENDS_PER_SECOND = 30


class Engine:
    """Obeys commands and tells events; one run at a time, each begun by a `Start`."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._loader = Loader(tell)
        self._run: Run | None = None
        self._next_send = 0.0

    def serve(self, commands: int) -> None:
        """Work until told to stop, or until the file descriptor `commands` ends.

        Raises:
            DataError: The data of a run cannot be used.
        """
        reader = command_reader()
        while True:
            readable, _, _ = select.select([commands], [], [], self._patience())
            if readable:
                received = os.read(commands, 2**16)
                for command in reader.feed(received):
                    if isinstance(command, Stop):
                        return
                    self._obey(command)
                if not received:
                    return
            self._train()

    def _patience(self) -> float | None:
        """Seconds in which there is nothing to do but listen; None for as long as it takes."""
        wait = self._run.wait() if self._run else None
        return None if wait is None else min(wait, 1 / SENDS_PER_SECOND)

    def _train(self) -> None:
        if self._run:
            self._run.advance(self._next_send)
            if monotonic() >= self._next_send:
                self._next_send = monotonic() + 1 / SENDS_PER_SECOND
                self._run.flush()

    def _obey(self, command: AnyCommand | Skipped) -> None:
        if isinstance(command, Skipped):
            self._tell(command)
        elif isinstance(command, Start):
            self._start(command.config)
        elif self._run:
            self._run.obey(command)

    def _start(self, config: RunConfig) -> None:
        self._run = None
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._tell(Hello(PROTOCOL, __version__, started, config, list(ARMS)))
        examples = self._loader.load(config)
        from bntui.core.run import Run  # noqa: PLC0415 (torch is loaded by now)
        from bntui.core.trainer import Trainer  # noqa: PLC0415

        self._run = Run(Trainer(config, examples), self._tell)
