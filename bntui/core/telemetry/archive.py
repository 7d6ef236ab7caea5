"""Statistics of every BatchNorm unit, thinned out, so that any unit can be shown later."""

import copy

from torch import Tensor

from bntui.core.nn.normalization import BatchNorm

MOST_SAMPLES = 1024
MOST_BYTES = 64 * 2**20


class Archive:
    """Statistics of all units of all BatchNorm layers of one network.

    Kept at every step that is a multiple of `every`, which doubles when there is no more room.
    """

    def __init__(self, layers: list[BatchNorm]) -> None:
        numbers = 4 * 4 * sum(layer.bn.dim for layer in layers)
        self._room = max(2, min(MOST_SAMPLES, MOST_BYTES // max(numbers, 1)))
        self.every = 1
        self.steps: list[int] = []
        self._rows: list[list[Tensor]] = []

    def record(self, step: int, rows: list[Tensor]) -> None:
        """Keep a step's statistics, (4, C) per layer, if the step is a multiple of `every`."""
        if step % self.every:
            return
        self.steps.append(step)
        self._rows.append(rows)
        if len(self.steps) > self._room:
            self.every *= 2
            kept = [place for place, at in enumerate(self.steps) if at % self.every == 0]
            self.steps = [self.steps[place] for place in kept]
            self._rows = [self._rows[place] for place in kept]

    def fork(self) -> "Archive":
        """An archive with the same past."""
        fork = copy.copy(self)
        fork.steps, fork._rows = list(self.steps), list(self._rows)
        return fork

    def rows(self, layer: int) -> list[Tensor]:
        """(4, C) of that layer at each of `steps`."""
        return [row[layer] for row in self._rows]
