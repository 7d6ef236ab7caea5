"""Wishes for a new network: collected, shown, and made a config at last."""

import msgspec

from bntui.config.schema import RunConfig
from bntui.history.history import History
from bntui.history.standing import KNOBS, common
from bntui.tui.controls.setting_table import LABELS, NEW, text


class Draft:
    """Fields that differ from the run's own."""

    def __init__(self) -> None:
        self._wishes: dict[str, object] = {}

    def __len__(self) -> int:
        return len(self._wishes)

    def clear(self) -> None:
        """Forget them."""
        self._wishes.clear()

    def value(self, name: str, history: History) -> object:
        """The wish, or the run's own."""
        return self._wishes.get(name, getattr(_config(history), name))

    def wish(self, name: str, value: object, history: History) -> None:
        """Have a field so; the run's own value is no wish."""
        self._wishes[name] = value
        if value == getattr(_config(history), name):
            del self._wishes[name]

    def has(self, name: str) -> bool:
        """Whether that field is wished otherwise."""
        return name in self._wishes

    def config(self, history: History) -> RunConfig:
        """The run's config, its knobs as they stand now, with what is wished."""
        turned: dict[str, object] = {}
        for knob in KNOBS:
            if (value := common(history, knob, None)) is not None:
                turned[knob] = int(value) if knob == "batch_size" else value
        if history.state:
            turned["pace"] = history.state.pace
        return msgspec.structs.replace(_config(history), **{**turned, **self._wishes})

    def changes(self, history: History) -> list[str]:
        """What will be otherwise, a line each."""
        before, after = _config(history), self.config(history)
        return [
            f"{LABELS[name]}: {text(name, getattr(before, name))} → {text(name, value)}"
            for name, value in msgspec.structs.asdict(after).items()
            if (name in NEW or name in KNOBS or name == "pace") and value != getattr(before, name)
        ]


def _config(history: History) -> RunConfig:
    return history.hello.config if history.hello else RunConfig()
