"""How a network's settings stand: as in the config, then as every confirmed change left them."""

from bisect import bisect_right
from operator import itemgetter

from bntui.config.schema import Knob, RunConfig
from bntui.config.settings import SETTINGS
from bntui.history.kept import MARKS, keep


class Standing:
    """The settings of one network that change in mid-run; each change with its step.

    A setting that layers may differ in has a value for each normalization, counted from 0.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._changes: dict[tuple[Knob, int], list[tuple[int, float]]] = {}

    def value(self, knob: Knob, layer: int = 0) -> float:
        """The value that stands."""
        changes = self._changes.get((knob, layer))
        if changes:
            return changes[-1][1]
        return float(getattr(self._config, knob)) if SETTINGS[knob].is_field else 1.0

    def change(self, step: int, knob: Knob, value: float, layer: int | None) -> None:
        """Take in a change of one layer, or of all."""
        every = range(self._config.depth + 1) if SETTINGS[knob].per_layer else [0]
        for place in every if layer is None else {layer} & set(every):
            keep(self._changes.setdefault((knob, place), []), (step, value), MARKS)

    def as_of(self, step: int) -> "Standing":
        """The settings when `step` steps were done, to change apart from these."""
        then = Standing(self._config)
        for place, changes in self._changes.items():
            then._changes[place] = changes[: bisect_right(changes, step, key=itemgetter(0))]
        return then
