"""Lines to messages and back: the only place where JSON is written or read.

What cannot be read never stops a stream: an unknown type (a newer version's) is counted, a line
that is no message becomes a `Skipped` that says where and why.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from bntui.protocol import AnyCommand, AnyEvent, Command, Event, Skipped

MAX_LINE = 16 * 1024 * 1024
"""Bytes; a longer line is refused without being kept."""

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


def encode(message: Event | Command) -> bytes:
    """One line, newline included."""
    return _encoder.encode(message) + b"\n"


@cache
def _decoder(messages: object) -> msgspec.json.Decoder[Any]:
    """Made once: it takes longer than most lines do."""
    return msgspec.json.Decoder(cast("type[object]", messages))


class Reader(Generic[T]):
    """Bytes in, messages out; `unknown` counts the messages of types this version lacks."""

    def __init__(self, messages: object, tag: str) -> None:
        self._decoder: msgspec.json.Decoder[T] = _decoder(messages)
        self._names = {kind.__struct_config__.tag for kind in messages.__args__}  # type: ignore[attr-defined]
        self._tags = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._tag = tag
        self._rest = bytearray()
        self._too_long = False
        self.line = 0
        self.unknown = 0

    def feed(self, data: bytes) -> Iterator[T | Skipped]:
        """The messages completed by `data`; an unfinished last line waits for the next call."""
        *lines, rest = data.split(b"\n")
        for part in lines:
            self._keep(part)
            self.line += 1
            message = self._finish()
            if message is not None:
                yield message
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._too_long |= len(self._rest) + len(part) > MAX_LINE
        if self._too_long:
            self._rest.clear()
        else:
            self._rest += part

    def _finish(self) -> T | Skipped | None:
        line, too_long = bytes(self._rest), self._too_long
        self._rest.clear()
        self._too_long = False
        if too_long:
            return Skipped(self.line, f"longer than {MAX_LINE // 2**20} MiB")
        return self._decode(line) if line.strip() else None

    def _decode(self, line: bytes) -> T | Skipped | None:
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if self._is_unknown(line):
                self.unknown += 1
                return None
            return Skipped(self.line, str(error))

    def _is_unknown(self, line: bytes) -> bool:
        try:
            name = msgspec.json.decode(self._tags.decode(line)[self._tag], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
            return False
        return name not in self._names


def event_reader() -> Reader[AnyEvent]:
    """A reader of events."""
    return Reader(AnyEvent, "event")


def command_reader() -> Reader[AnyCommand]:
    """A reader of commands."""
    return Reader(AnyCommand, "command")
