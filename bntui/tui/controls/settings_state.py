"""What the settings show, and the commands that their keys make."""

from typing import TypeVar

from bntui.config.settings import LIVE, SETTINGS, Setting
from bntui.config.settings import RESTART as NEEDS_NEW
from bntui.history.history import History
from bntui.protocol import Change, Command, Hello, SetPace
from bntui.tui.controls.next_config import NextConfig
from bntui.tui.controls.rows import Row
from bntui.tui.controls.unconfirmed import Place, Unconfirmed

T = TypeVar("T")

NETWORK, LAYER = "network", "layer"
"""Rows that are not settings: where live settings are changed."""

ACTIONS = NEW, RESTART = "new", "restart"
"""Rows for Enter alone: to the settings of a new network, and to a run of it."""

HELP = {
    NETWORK: "all networks, or one of them",
    LAYER: "all hidden layers, or one of them",
    NEW: "depth, width, activation, init, data, ...: Enter shows them",
    RESTART: "Enter shows what will change, then starts a new run",
}


class SettingsState:
    """The rows; values are those that events confirmed."""

    def __init__(self) -> None:
        self.unconfirmed, self.next_config = Unconfirmed(), NextConfig()
        self.history = History()
        self._arm: str | None = None
        self._layer: int | None = None
        self._hello: Hello | None = None

    def update(self, history: History) -> None:
        """Show `history`."""
        if history.hello is not self._hello:
            self._hello = history.hello
            self.next_config.clear()
        self.history = history
        self.unconfirmed.update(history)
        if self._arm not in history.arms:
            self._arm = None

    def live_rows(self) -> list[Row]:
        """Where, and the settings that can change there; then the way to a new network."""
        layer = "all" if self._layer is None else str(self._layer + 1)
        return [
            Row(NETWORK, "network", self._arm or "all"),
            *([Row(LAYER, "of layer", layer)] if self.history.config.depth > 1 else []),
            *map(self._live, LIVE),
            Row(NEW, "new network", self._edits, bool(self.next_config)),
        ]

    def new_rows(self) -> list[Row]:
        """The settings that need a new network, and its start."""
        start = Row(RESTART, "restart", self._edits, bool(self.next_config))
        return [*map(self._next, NEEDS_NEW), start]

    @property
    def _edits(self) -> str:
        count = len(self.next_config)
        return f"with {count} change{'s' * (count > 1)}" if count else "unchanged"

    def _live(self, setting: Setting) -> Row:
        place, confirmed = self._place(setting), self._confirmed(setting)
        shown = "they differ" if len(confirmed) > 1 else "–"
        if len(confirmed) == 1:
            shown = setting.show(*confirmed)
        sent = self.unconfirmed.at(place)
        for value in sent:
            shown = f"{shown} → {setting.show(value)} …"
        return Row(setting.name, setting.label, shown, bool(sent), setting.is_typed)

    def _next(self, setting: Setting) -> Row:
        name, shown = setting.name, setting.show(getattr(self.history.config, setting.name))
        is_edited = name in self.next_config
        if is_edited:
            shown = f"{shown} → {setting.show(self.next_config.value(name, self.history))}"
        return Row(name, setting.label, shown, is_edited, setting.is_typed)

    def _place(self, setting: Setting) -> Place:
        """Where a live setting is changed."""
        arm = self._arm if setting.per_network else None
        return setting.name, arm, self._layer if setting.per_layer else None

    def _confirmed(self, setting: Setting) -> set[object]:
        _, arm, layer = self._place(setting)
        return self.history.values(setting, arm, layer)

    def now(self, setting: Setting) -> object:
        """The value that the next change starts from: the one sent, else the one confirmed.

        Where networks or layers differ, it is the run's first.
        """
        if setting.changes != "live":
            return self.next_config.value(setting.name, self.history)
        for known in (self.unconfirmed.at(self._place(setting)), self._confirmed(setting)):
            if len(known) == 1:
                return known.pop()
        return getattr(self.history.config, setting.name) if setting.is_field else False

    def turn(self, name: str, by: int) -> Command | None:
        """Change a row by so many increments; the command to send, if any."""
        if name == NETWORK:
            self._arm = _next([None, *self.history.arms], self._arm, by)
        elif name == LAYER:
            self._layer = _next([None, *range(self.history.config.depth)], self._layer, by)
        elif setting := SETTINGS.get(name):
            return self.put(setting, setting.turned(self.now(setting), by))
        return None

    def put(self, setting: Setting, value: object) -> Command | None:
        """Set a row to a value; the command to send, if any."""
        if setting.changes != "live":
            self.next_config.edit(setting.name, value, self.history)
            return None
        name, arm, layer = place = self._place(setting)
        if self._confirmed(setting) == {value} and not self.unconfirmed.at(place):
            return None
        self.unconfirmed.add(place, value)
        number = float(value) if isinstance(value, int | float) else None
        if name == "pace":
            return SetPace("log" if value == "log" else number)
        return Change(setting.knob, number or 0.0, arm, layer)


def _next(options: list[T], value: T, by: int) -> T:
    place = options.index(value) if value in options else 0
    return options[(place + by) % len(options)]
