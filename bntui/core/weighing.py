"""How fast an arm's weights move, at sampled steps."""

import torch
from torch import Tensor

from bntui.core.cadence import is_weighed
from bntui.core.probes.numbers import finite, shorten
from bntui.core.probes.updates import grad_ratios
from bntui.core.probes.weights import matrices
from bntui.core.trainer import Arm
from bntui.protocol import Updates


class Weighing:
    """The ratios of one arm's steps that are not yet sent."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._matrices = matrices(arm.model)
        self.steps: list[int] = []
        self._rates: list[float] = []
        self._rows: list[Tensor] = []

    def sample(self, step: int) -> None:
        """Take in the step just made, if it is one of those told."""
        if is_weighed(step):
            self.steps.append(step)
            self._rates.append(self._arm.lr)
            self._rows.append(grad_ratios(self._matrices))

    def drain(self) -> Updates:
        """What was recorded since the last time."""
        grads = torch.stack(self._rows, dim=-1).cpu().double()
        updates = grads * torch.tensor(self._rates, dtype=torch.float64)
        kinds = shorten(torch.stack([updates, grads]).log10()).tolist()
        columns = [[finite(column) for column in kind] for kind in kinds]
        names = [matrix.name for matrix in self._matrices]
        event = Updates(self._arm.name, names, self.steps, *columns)
        self.steps, self._rates, self._rows = [], [], []
        return event
