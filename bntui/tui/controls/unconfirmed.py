"""Values sent to the engine and not confirmed yet."""

from bntui.config.settings import SETTINGS
from bntui.history.history import History
from bntui.protocol import Hello, Refused

Place = tuple[str, str | None, int | None]
"""A live setting's name, one network or all (None), one hidden layer or all."""


class Unconfirmed:
    """Values by place; `problem` says why the last one was refused."""

    def __init__(self) -> None:
        self.problem = ""
        self._values: dict[Place, object] = {}
        self._hello: Hello | None = None
        self._refused: Refused | None = None

    def add(self, place: Place, value: object) -> None:
        """Remember a value that is being sent."""
        self.problem = ""
        self._values[place] = value

    def clear(self) -> None:
        """Drop all: nothing was sent, or it was refused."""
        self._values.clear()

    def update(self, history: History) -> None:
        """Drop what `history` confirms or refuses, and what was sent to an earlier run."""
        if history.hello is not self._hello:
            self._hello, self._refused = history.hello, None
            self.clear()
        if history.refused is not self._refused:
            self._refused = history.refused
            self.problem = history.refused.reason if history.refused else ""
            self.clear()
        for (name, arm, layer), value in list(self._values.items()):
            if history.values(SETTINGS[name], arm, layer) == {value}:
                del self._values[name, arm, layer]

    def at(self, place: Place) -> set[object]:
        """The value sent for that place: one or none."""
        return {self._values[place]} if place in self._values else set()
