"""The weight matrices: what they are called, and how their values are spread."""

from typing import NamedTuple

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP
from bntui.core.probes.numbers import finite, histogram, round_up, shorten
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Column, WeightHealth, Weights


class Matrix(NamedTuple):
    """A weight with two dimensions, and where its gradients are left."""

    name: str
    param: Tensor
    grad: Tensor


def matrices(model: CharMLP) -> list[Matrix]:
    """All of them, first to last: C, W1, W2, ..."""
    found = [
        (param, grad)
        for layer in model.layers
        for param, grad in zip(layer.params, layer.param_grads, strict=True)
        if param.ndim == 2
    ]
    return [Matrix(f"W{i}" if i else "C", *pair) for i, pair in enumerate(found)]


@torch.inference_mode()
def weights(trainer: Trainer, arm: Arm) -> Weights:
    """Each on a range of its own, a round number either way that takes in all its values."""
    found = matrices(arm.model)
    moments = [torch.stack(torch.std_mean(each.param, correction=0)) for each in found]
    numbers = shorten(torch.stack(moments)).tolist()
    health = [_health(each, finite(row)) for each, row in zip(found, numbers, strict=True)]
    return Weights(arm.name, trainer.steps_done, health)


def _health(matrix: Matrix, moments: Column) -> WeightHealth:
    std, mean = moments
    limit = round_up(matrix.param.abs().max().item())
    counts = histogram(matrix.param, -limit, limit)
    return WeightHealth(matrix.name, mean, std, -limit, limit, counts)
