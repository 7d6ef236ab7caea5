"""Base classes of events and commands."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from bntui.config.schema import LogPace

Probe = Literal["layers", "weights", "units", "ladder", "checks"]
"""On-demand probes, by name."""

Number = Annotated[float, Meta(ge=-1e300, le=1e300)]
"""A number that can be drawn: sums and ranges of such numbers are finite."""

Count = Annotated[int, Meta(ge=0, le=10**15)]
"""A step, or how many there are of something."""

Column = list[Number | None]
"""A number per step (or batch size, or unit); null where it is not finite."""

Pace = Annotated[float, Meta(ge=0.1, le=1_000_000)] | LogPace
"""Steps per second; see `LogPace`."""


def _tag(name: str) -> str:
    return name.lower()


class Event(Struct, frozen=True, tag_field="event", tag=_tag):
    """A message from the engine."""


class Command(Struct, frozen=True, tag_field="command", tag=_tag):
    """A message to the engine."""
