"""Base classes of events and commands."""

from typing import Literal

import msgspec
from msgspec import Struct

from bntui.text import clean

Probe = Literal["layers", "weights", "units", "ladder", "checks"]
"""On-demand probes, by name."""

Column = list[float | None]
"""A number a step (or a batch size, or a unit); null where it is not finite."""


def _tag(name: str) -> str:
    return name.lower()


def _cleaned(value: object) -> object:
    """A text, a list of texts, or a dict by texts, made safe to show; all else as it is."""
    match value:
        case str():
            return clean(value)
        case [str(), *_]:
            return [clean(str(text)) for text in value]
        case dict():
            return {clean(name): inner for name, inner in value.items()}
        case _:
            return value


class Safe(Struct, frozen=True):
    """Its text fields are cleaned of control characters when it is made."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if (cleaned := _cleaned(value)) is not value:
                msgspec.structs.force_setattr(self, name, cleaned)


class Event(Safe, frozen=True, tag_field="event", tag=_tag):
    """A message from the engine."""


class Command(Struct, frozen=True, tag_field="command", tag=_tag):
    """A message to the engine."""
