"""What was asked of the engine and is not confirmed yet."""

from bntui.config.schema import Knob
from bntui.history.history import History
from bntui.history.standing import common
from bntui.protocol import Change, Command, Hello, Refused, SetPace

Key = tuple[Knob, str | None, int | None]


class Pending:
    """Changes asked for, by knob, arm and layer; `problem` says why the last was refused."""

    def __init__(self) -> None:
        self.problem = ""
        self._changes: dict[Key, float] = {}
        self._pace: list[float | None] = []
        self._hello: Hello | None = None
        self._refused: Refused | None = None

    def ask(self, command: Command) -> None:
        """Remember a command that is being sent."""
        self.problem = ""
        if isinstance(command, Change):
            self._changes[command.knob, command.arm, command.layer] = command.value
        elif isinstance(command, SetPace):
            self._pace = [command.pace]

    def forget(self) -> None:
        """Nothing was sent after all, or nothing will come of it."""
        self._changes.clear()
        self._pace.clear()

    def look(self, history: History) -> None:
        """Drop what `history` confirms, or refuses, or what was asked of an earlier run."""
        if history.hello is not self._hello:
            self._hello, self._refused = history.hello, None
            self.forget()
        if history.refused is not self._refused:
            self._refused = history.refused
            self.problem = history.refused.reason if history.refused else ""
            self.forget()
        for key, value in list(self._changes.items()):
            if common(history, *key) == value:
                del self._changes[key]
        if self._pace and history.state and history.state.pace == self._pace[0]:
            self._pace.clear()

    def change(self, knob: Knob, arm: str | None, layer: int | None) -> float | None:
        """The value asked for, if any is."""
        return self._changes.get((knob, arm, layer))

    @property
    def pace(self) -> list[float | None]:
        """The pace asked for, in a list of its own; an empty one where none is."""
        return self._pace
