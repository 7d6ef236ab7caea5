"""Where an engine's events go: to whoever listens, and to the run's log."""

import os

from bntui.config.schema import RunConfig
from bntui.logs.writer import LogWriter, open_log
from bntui.protocol import Event, Log
from bntui.protocol.codec import encode


class Outlet:
    """Writes each event's line to a file descriptor, and the same bytes to the log."""

    def __init__(self, descriptor: int) -> None:
        self._listener = os.fdopen(descriptor, "wb")
        self._log: LogWriter | None = None
        self._runs = 0
        self._told: str | None = None

    def begin(self, log: str | None, config: RunConfig) -> None:
        """A new run, and a new log if one is wanted.

        Raises:
            InputError: The log is there already.
        """
        if self._log:
            self._log.close()
        self._log = open_log(log, config, again=self._runs > 0) if log else None
        self._runs += 1
        self._told = None

    def tell(self, event: Event) -> None:
        """Write one event's line to both, at once."""
        line = encode(event)
        if self._log:
            self._log.write(line)
        self._send(line)
        self.check_log()

    def show(self, event: Event) -> None:
        """Write one event's line to whoever listens, and not to the log."""
        self._send(encode(event))

    def tell_log(self) -> None:
        """Say where the log is."""
        if self._log:
            self._told = self._log.problem
            self._send(encode(Log(str(self._log.path), self._log.problem)))

    @property
    def in_trouble(self) -> bool:
        """Whether the log has something left to write."""
        return self._told is not None

    def check_log(self) -> None:
        """Try again what could not be logged; tell what has changed."""
        if self._log:
            self._log.flush()
            if self._log.problem != self._told:
                self.tell_log()

    def close(self) -> None:
        """Let go of the log and of the listener."""
        if self._log:
            self._log.close()
        self._listener.close()

    def _send(self, line: bytes) -> None:
        self._listener.write(line)
        self._listener.flush()
