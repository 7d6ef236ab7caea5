"""Edits to the next run's config, applied on restart."""

import msgspec

from bntui.config.diff import differing
from bntui.config.schema import RunConfig
from bntui.config.settings import LIVE, SETTINGS
from bntui.history.history import History


class NextConfig:
    """The fields that will differ from the run's own."""

    def __init__(self) -> None:
        self._edits: dict[str, object] = {}

    def __len__(self) -> int:
        return len(self._edits)

    def __contains__(self, name: str) -> bool:
        """Whether that field is edited."""
        return name in self._edits

    def clear(self) -> None:
        """Drop all edits."""
        self._edits.clear()

    def value(self, name: str, history: History) -> object:
        """The edited value, or the run's own."""
        return self._edits.get(name, getattr(history.config, name))

    def edit(self, name: str, value: object, history: History) -> None:
        """Set a field; setting it to the run's own value drops the edit."""
        self._edits[name] = value
        if value == getattr(history.config, name):
            del self._edits[name]

    def config(self, history: History) -> RunConfig:
        """The run's config with its live settings as they stand, and the edits."""
        live = {s.name: history.values(s, None, None) for s in LIVE if s.is_field}
        common = {name: found.pop() for name, found in live.items() if len(found) == 1}
        return msgspec.structs.replace(history.config, **{**common, **self._edits})

    def changes(self, history: History) -> list[str]:
        """What will differ, one line per setting."""
        changed = differing(history.config, self.config(history))
        lines = []
        for name, (before, after) in changed.items():
            setting = SETTINGS[name]
            lines.append(f"{setting.label}: {setting.show(before)} → {setting.show(after)}")
        return lines
