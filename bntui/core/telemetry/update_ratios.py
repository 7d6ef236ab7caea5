"""Update:data and gradient:data ratios of a network's weights, at sampled steps."""

from math import inf, log10

import torch
from torch import Tensor

from bntui.core.probes.updates import grad_ratios
from bntui.core.probes.weights import matrices
from bntui.core.telemetry.schedule import is_sampled
from bntui.core.training.trainer import Arm
from bntui.protocol import Updates


class UpdateRatios:
    """The ratios of one network that are not emitted yet."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._matrices = matrices(arm.model)
        self.steps: list[int] = []
        self._rates: list[float] = []
        self._rows: list[Tensor] = []

    def sample(self, step: int) -> None:
        """Record the step just made, if it is sampled."""
        if is_sampled(step):
            self.steps.append(step)
            self._rates.append(self._arm.lr)
            self._rows.append(grad_ratios(self._matrices))

    def drain(self) -> Updates:
        """The ratios recorded since the last call."""
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
    """To six digits; in plain numbers, as there are few: tensor operations would cost more."""
    return float(f"{log10(ratio):.6g}") if 0 < ratio < inf else None
