"""Sources of events: one interface, whatever is behind it."""

from collections.abc import AsyncIterator
from typing import Protocol

from bntui.protocol import AnyEvent, Command


class Source(Protocol):
    """Events, and commands where they are accepted."""

    accepts_commands: bool

    @property
    def name(self) -> str:
        """What a recording is called; empty for an engine."""
        ...

    def events(self) -> AsyncIterator[AnyEvent]:
        """Every event, as it comes."""
        ...

    async def send(self, command: Command) -> None:
        """Send a command; its effect comes back as events."""
        ...

    async def close(self) -> None:
        """Stop the source; may be called again."""
        ...
