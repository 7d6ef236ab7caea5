"""Lines to messages and back: the only place where JSON from outside is read.

Every string is cleaned here, where it enters, of what a terminal would interpret.

What cannot be read never stops a stream: an unknown type (a newer version's) is counted, a line
that is no message becomes a `Skipped` that says where and why.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from bntui.protocol import AnyCommand, AnyEvent, Command, Event, Skipped
from bntui.text import clean

MAX_LINE = 16 * 1024 * 1024
"""Bytes; a longer line is refused without being kept."""

_PLAIN = re.compile(rb"[\x20-\x5b\x5d-\x7e]*\s*")
"""Printable ASCII without the backslash."""

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


def encode(message: Event | Command) -> bytes:
    """One line, newline included; text that is not Unicode (a path's odd bytes) is cleaned."""
    try:
        return _encoder.encode(message) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(msgspec.to_builtins(message))) + b"\n"


def decode(document: bytes, kind: type[T]) -> T:
    """A JSON document as a value of that type, its strings cleaned.

    Raises:
        ValueError: It is none; the message says why.
    """
    try:
        value: T = _decoder(cast("object", kind)).decode(_safe(document))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except msgspec.DecodeError as error:
        raise ValueError(clean(str(error), limit=300)) from None
    return value


@cache
def _decoder(messages: object) -> msgspec.json.Decoder[Any]:
    """Made once: it takes longer than most lines do."""
    return msgspec.json.Decoder(cast("type[object]", messages))


def _safe(line: bytes) -> bytes:
    """The line with every string in it, key or value, cleaned of control characters.

    Plain ASCII without a backslash can hold none: JSON has to escape them.
    """
    return line if _PLAIN.fullmatch(line) else _encoder.encode(_cleaned(msgspec.json.decode(line)))


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {clean(key): _cleaned(item) for key, item in value.items()}
        case _:
            return value


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
            self.line += 1
            if not (part or self._rest or self._too_long):
                continue  # gzip can hold hundreds of millions of empty lines
            self._keep(part)
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
            return self._decoder.decode(_safe(line))
        except RecursionError:
            return Skipped(self.line, "nested too deeply")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if self._is_unknown(line):
                self.unknown += 1
                return None
            return Skipped(self.line, clean(str(error), limit=300))

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
