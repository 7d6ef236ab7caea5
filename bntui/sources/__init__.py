"""Where events come from: a local engine, one behind ssh, a log, standard input."""

from bntui.sources.base import Source
from bntui.sources.local import EngineSource

__all__ = ["EngineSource", "Source"]
