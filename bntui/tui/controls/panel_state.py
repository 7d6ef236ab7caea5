"""Every knob and field, how it stands, what is asked for, and what turning it would ask."""

from typing import TypeVar

from bntui.config.schema import RunConfig
from bntui.history.history import History
from bntui.history.standing import common, values
from bntui.protocol import Change, Command, Hello, SetPace
from bntui.tui.controls.increments import turned
from bntui.tui.controls.next_config import Draft
from bntui.tui.controls.rows import Row
from bntui.tui.controls.setting_table import LABELS, LIVE, NEW, as_knob, is_typed, text
from bntui.tui.controls.unconfirmed import Pending

T = TypeVar("T")


class Board:
    """What the control panel shows: values are those that events confirmed."""

    def __init__(self) -> None:
        self.pending, self.draft = Pending(), Draft()
        self.history = History()
        self._arm: str | None = None
        self._layer: int | None = None
        self._hello: Hello | None = None

    @property
    def config(self) -> RunConfig:
        """What the run began with."""
        return self.history.hello.config if self.history.hello else RunConfig()

    def look(self, history: History) -> None:
        """Take in how `history` stands now."""
        if history.hello is not self._hello:
            self._hello = history.hello
            self.draft.clear()
        self.history = history
        self.pending.look(history)
        if self._arm not in history.arms:
            self._arm = None

    def rows(self) -> list[Row]:
        """The knobs, then the fields of a new network."""
        count = len(self.draft)
        words = f"with {count} change{'s' * (count > 1)}" if count else "as it stands"
        return [
            *self._live(),
            Row("", ""),
            Row("", "── needs a new network ──"),
            *(self._field(name) for name in NEW),
            Row("begin", "begin again", words, bool(count)),
        ]

    def _live(self) -> list[Row]:
        layer = "all" if self._layer is None else str(self._layer + 1)
        return [
            Row("arm", "applies to", self._arm or "all arms"),
            *([Row("layer", "of layer", layer)] if self.config.depth > 1 else []),
            *(self._knob(name) for name in LIVE),
        ]

    def _knob(self, name: str) -> Row:
        asked, shown = self._asked(name), self._shown(name)
        if asked:
            shown = f"{shown} → {text(name, asked[0])} …"
        return Row(name, LABELS[name], shown, bool(asked), is_typed(name))

    def _shown(self, name: str) -> str:
        value = self._standing(name)
        if name == "pace" or value is not None:
            return text(name, value)
        return "they differ" if values(self.history, as_knob(name), *self._place(name)) else "–"

    def _field(self, name: str) -> Row:
        own, wish = getattr(self.config, name), self.draft.value(name, self.history)
        shown = text(name, own)
        if self.draft.has(name):
            shown = f"{shown} → {text(name, wish)}"
        return Row(name, LABELS[name], shown, self.draft.has(name), is_typed(name))

    def _place(self, name: str) -> tuple[str | None, int | None]:
        """The arm and the layer that a knob is turned in."""
        arm = None if name == "batch_size" else self._arm
        return arm, self._layer if name == "norm" else None

    def _standing(self, name: str) -> object:
        """What was confirmed; None where arms differ, and at full speed."""
        if name == "pace":
            return self.history.state.pace if self.history.state else self.config.pace
        value = common(self.history, as_knob(name), *self._place(name))
        return int(value) if value is not None and name == "batch_size" else value

    def _asked(self, name: str) -> list[object]:
        """What was asked for and not confirmed yet: one value or none."""
        if name == "pace":
            return list(self.pending.pace)
        value = self.pending.change(as_knob(name), *self._place(name))
        return [] if value is None else [int(value) if name == "batch_size" else value]

    def now(self, name: str) -> object:
        """What the next turn begins from: the value asked for, before the one confirmed."""
        if name in NEW:
            return self.draft.value(name, self.history)
        value = next(iter(self._asked(name)), self._standing(name))
        if value is None and name != "pace":  # they differ
            return 0.0 if name == "norm" else getattr(self.config, name)
        return value

    def turn(self, name: str, by: int) -> Command | None:
        """Turn a row; what to ask of the engine, if anything."""
        if name == "arm":
            self._arm = _next([None, *self.history.arms], self._arm, by)
        elif name == "layer":
            self._layer = _next([None, *range(self.config.depth)], self._layer, by)
        elif name in LABELS:
            return self.put(name, turned(name, self.now(name), by))
        return None

    def put(self, name: str, value: object) -> Command | None:
        """Have a row so; what to ask of the engine, if anything."""
        if name in NEW:
            self.draft.wish(name, value, self.history)
            return None
        if value == self._standing(name) and not self._asked(name):
            return None
        number = float(value) if isinstance(value, int | float) else None
        command: Command = SetPace(number)
        if name != "pace":
            command = Change(as_knob(name), number or 0.0, *self._place(name))
        self.pending.ask(command)
        return command


def _next(options: list[T], value: T, by: int) -> T:
    place = options.index(value) if value in options else 0
    return options[(place + by) % len(options)]
