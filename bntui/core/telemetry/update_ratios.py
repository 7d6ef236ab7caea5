"""How fast an arm's weights move, at sampled steps."""

from math import inf, log10

import torch
from torch import Tensor

from bntui.core.probes.updates import grad_ratios
from bntui.core.probes.weights import matrices
from bntui.core.telemetry.schedule import is_weighed
from bntui.core.training.trainer import Arm
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
        columns = torch.stack(self._rows, dim=-1).tolist()
        names = [matrix.name for matrix in self._matrices]
        updates = [
            [_log10(lr * grad) for lr, grad in zip(self._rates, column, strict=True)]
            for column in columns
        ]
        grads = [[_log10(grad) for grad in column] for column in columns]
        event = Updates(self._arm.name, names, self.steps, updates, grads)
        self.steps, self._rates, self._rows = [], [], []
        return event


def _log10(ratio: float) -> float | None:
    """To six digits; in plain numbers, as there are few: a tensor's operations would cost more."""
    return float(f"{log10(ratio):.6g}") if 0 < ratio < inf else None
