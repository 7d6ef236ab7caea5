"""The engine process: commands in, events out, one line of JSON each.

One thread waits for commands with `select` and trains in between. Torch is imported only when there
is data to train on, so that earlier events are emitted at once.
"""

import os
import select
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from bntui import __version__
from bntui.config.limits import check
from bntui.config.share import share
from bntui.core.engine.event_sink import EventSink
from bntui.core.engine.loading import Loader
from bntui.errors import InputError
from bntui.logs.writer import RETRY
from bntui.protocol import PROTOCOL, AnyCommand, Hello, Refused, Skipped, Start, Stop
from bntui.protocol.codec import command_reader

if TYPE_CHECKING:
    from bntui.core.engine.session import Session

SENDS_PER_SECOND = 10
"""More than the screen draws, and twice what the log promises."""


class Engine:
    """Handles commands and emits events; one run at a time, each started by a `Start`."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._loader = Loader(sink.emit)
        self._session: Session | None = None
        self._next: Start | None = None
        self._next_send = 0.0

    def serve(self, commands: int) -> None:
        """Run until a `Stop`, or until the file descriptor `commands` ends.

        While commands wait nothing is trained or measured, and of runs to start that follow each
        other only the last one is begun, so that many commands are over soon.

        Raises:
            InputError: The first run is impossible, a run's data cannot be used, or its log exists
                already.
        """
        reader = command_reader()
        while True:
            readable, _, _ = select.select([commands], [], [], self._timeout())
            if readable:
                received = os.read(commands, 2**16)
                for command in reader.feed(received):
                    if isinstance(command, Stop):
                        return
                    self._handle(command)
                if not received:
                    return
                continue
            self._train()
            self._sink.check_log()

    def _timeout(self) -> float | None:
        """Seconds to wait for commands; None until one comes."""
        if self._next:
            return 0.0
        if self._session and (wait := self._session.wait()) is not None:
            return min(wait, 1 / SENDS_PER_SECOND)
        return RETRY if self._sink.has_log else None

    def _train(self) -> None:
        self._begin()
        if self._session:
            self._session.advance(self._next_send)
            if monotonic() >= self._next_send:
                self._next_send = monotonic() + 1 / SENDS_PER_SECOND
                self._session.flush()

    def _handle(self, command: AnyCommand | Skipped) -> None:
        if isinstance(command, Skipped):
            self._sink.emit(command)
        elif isinstance(command, Start):
            self._plan(command)
        else:
            self._begin()
            if self._session:
                self._session.handle(command)

    def _plan(self, start: Start) -> None:
        """Have a run begun next; if its config is impossible, a run that exists goes on."""
        try:
            check(start.config)
        except InputError as error:
            if self._session is None and self._next is None:
                raise
            self._sink.emit(Refused(str(error)))
        else:
            self._next = start

    def _begin(self) -> None:
        """Begin the run that is to be next, if there is one."""
        if start := self._next:
            self._next = None
            self._start(start)

    def _start(self, start: Start) -> None:
        self._session, config = None, start.config
        self._sink.begin(start.log, config)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._sink.emit(
            Hello(PROTOCOL, __version__, started, config, config.arm_names, share(config))
        )
        self._sink.emit_log_status()
        examples = self._loader.load(config)
        from bntui.core.engine.memory import Size, check_memory  # noqa: PLC0415
        from bntui.core.engine.session import Session  # noqa: PLC0415
        from bntui.core.training.device import configure_device  # noqa: PLC0415 (torch is loaded by now)
        from bntui.core.training.trainer import Trainer  # noqa: PLC0415

        configure_device(config)
        check_memory(config, Size(len(examples), len(examples.vocabulary)))
        self._session = Session(
            Trainer(config, examples), self._sink.emit, self._sink.emit_unlogged
        )
