"""The engine process: commands in, events out, one line of JSON each.

It has one thread: it waits for commands with `select`, and trains in between. Torch is loaded only
when there is data to train on, so that everything that can be said before is said at once.
"""

import os
import select
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from bntui import __version__
from bntui.config.limits import check
from bntui.config.share import share
from bntui.core.engine.event_sink import Outlet
from bntui.core.engine.loading import Loader
from bntui.errors import InputError
from bntui.logs.writer import RETRY
from bntui.protocol import PROTOCOL, AnyCommand, Hello, Refused, Skipped, Start, Stop
from bntui.protocol.codec import command_reader

if TYPE_CHECKING:
    from bntui.core.engine.session import Run

SENDS_PER_SECOND = 10
"""More than the screen draws, and twice what the log promises."""


class Engine:
    """Obeys commands and tells events; one run at a time, each begun by a `Start`."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._loader = Loader(outlet.tell)
        self._run: Run | None = None
        self._next_send = 0.0

    def serve(self, commands: int) -> None:
        """Work until told to stop, or until the file descriptor `commands` ends.

        Raises:
            InputError: The first run is impossible, or a run's data cannot be used, or its log is
                there already.
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
            self._outlet.check_log()

    def _patience(self) -> float | None:
        """Seconds in which there is nothing to do but listen; None for as long as it takes."""
        if self._run and (wait := self._run.wait()) is not None:
            return min(wait, 1 / SENDS_PER_SECOND)
        return RETRY if self._outlet.in_trouble else None

    def _train(self) -> None:
        if self._run:
            self._run.advance(self._next_send)
            if monotonic() >= self._next_send:
                self._next_send = monotonic() + 1 / SENDS_PER_SECOND
                self._run.flush()

    def _obey(self, command: AnyCommand | Skipped) -> None:
        if isinstance(command, Skipped):
            self._outlet.tell(command)
        elif isinstance(command, Start):
            self._begin(command)
        elif self._run:
            self._run.obey(command)

    def _begin(self, start: Start) -> None:
        """A new run; where there is one already, it goes on if the new one is impossible."""
        try:
            check(start.config)
        except InputError as error:
            if self._run is None:
                raise
            self._outlet.tell(Refused(str(error)))
        else:
            self._start(start)

    def _start(self, start: Start) -> None:
        self._run, config = None, start.config
        self._outlet.begin(start.log, config)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._outlet.tell(
            Hello(PROTOCOL, __version__, started, config, config.arm_names, share(config))
        )
        self._outlet.tell_log()
        examples = self._loader.load(config)
        from bntui.core.engine.session import Run  # noqa: PLC0415
        from bntui.core.training.device import configure_device  # noqa: PLC0415 (torch is loaded by now)
        from bntui.core.training.trainer import Trainer  # noqa: PLC0415

        configure_device(config)
        self._run = Run(Trainer(config, examples), self._outlet.tell, self._outlet.show)
