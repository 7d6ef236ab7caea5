"""Where events come from: a local engine, one behind ssh, a log, standard input."""

from typing import TYPE_CHECKING, Any

from bntui.sources.base import Source

if TYPE_CHECKING:
    from bntui.sources.local import EngineSource

__all__ = ["EngineSource", "Source"]


def __getattr__(name: str) -> Any:
    """`EngineSource` loads asyncio, which takes a moment, on first use."""
    if name == "EngineSource":
        from bntui.sources.local import EngineSource  # noqa: PLC0415

        return EngineSource
    raise AttributeError(f"module 'bntui.sources' has no attribute {name!r}")
