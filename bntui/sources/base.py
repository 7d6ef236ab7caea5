"""Where events come from. Nothing above can tell one source from another."""

from collections.abc import AsyncIterator
from typing import Protocol

from bntui.protocol import AnyEvent, Command


class Source(Protocol):
    """Events, and a way to send commands where something listens."""

    accepts_commands: bool

    def events(self) -> AsyncIterator[AnyEvent]:
        """Every event, as it comes."""
        ...

    async def send(self, command: Command) -> None:
        """Ask for something; what comes of it comes as an event."""
        ...

    async def close(self) -> None:
        """End whatever the events came from; may be called again."""
        ...
