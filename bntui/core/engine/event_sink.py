"""Writes events to stdout and to the run log."""

import os

from bntui.config.schema import RunConfig
from bntui.logs.writer import LogWriter, open_log
from bntui.protocol import Event, Log
from bntui.protocol.codec import encode


class EventSink:
    """Writes each event's line to a file descriptor, and the same bytes to the log."""

    def __init__(self, descriptor: int) -> None:
        self._out = os.fdopen(descriptor, "wb")
        self._log: LogWriter | None = None
        self._runs = 0
        self._reported: str | None = None

    def begin(self, log: str | None, config: RunConfig) -> None:
        """Start a run, in a new log if there is to be one.

        Raises:
            InputError: The log exists already.
        """
        if self._log:
            self._log.close()
        self._log = open_log(log, config, again=self._runs > 0) if log else None
        self._runs += 1
        self._reported = None

    def emit(self, event: Event) -> None:
        """Write one event's line to both, at once."""
        line = encode(event)
        if self._log:
            self._log.write(line)
        self._send(line)
        self.check_log()

    def emit_unlogged(self, event: Event) -> None:
        """Write one event's line to the file descriptor alone."""
        self._send(encode(event))

    def emit_log_status(self) -> None:
        """Emit where the log is, and what keeps it from being complete."""
        if self._log:
            self._reported = self._log.problem
            self._send(encode(Log(str(self._log.path), self._log.problem, self._log.locked)))

    @property
    def has_log(self) -> bool:
        """Whether there is a log: it needs attention without events, too."""
        return self._log is not None

    def check_log(self) -> None:
        """Retry what could not be logged; emit the log's status if it has changed."""
        if self._log:
            self._log.flush()
            if self._log.problem != self._reported:
                self.emit_log_status()

    def close(self) -> None:
        """Write what is pending, if the disk takes it now, and close both."""
        try:
            if self._log:
                self._log.close()
        finally:
            self._out.close()

    def _send(self, line: bytes) -> None:
        self._out.write(line)
        self._out.flush()
