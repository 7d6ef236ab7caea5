"""The weight matrices: what they are called, and how their values are spread."""

import torch
from torch import Tensor

from bntui.core.model import CharMLP
from bntui.core.probes.numbers import histogram, plain, round_up
from bntui.core.trainer import Arm, Trainer
from bntui.protocol import WeightHealth, Weights


def matrices(model: CharMLP) -> list[tuple[str, Tensor, Tensor]]:
    """Every weight with two dimensions, first to last: C, W1, W2, ..., itself and its gradient."""
    found = [
        (param, grad)
        for layer in model.layers
        for param, grad in zip(layer.params, layer.param_grads, strict=True)
        if param.ndim == 2
    ]
    return [(f"W{i}" if i else "C", param, grad) for i, (param, grad) in enumerate(found)]


@torch.inference_mode()
def weights(trainer: Trainer, arm: Arm) -> Weights:
    """Each on a range of its own, a round number either way that takes in all its values."""
    found = [_health(name, param) for name, param, _ in matrices(arm.model)]
    return Weights(arm.name, trainer.steps_done, found)


def _health(name: str, param: Tensor) -> WeightHealth:
    mean, std = plain(torch.stack(torch.std_mean(param, correction=0)[::-1]))
    limit = round_up(param.abs().max().item())
    counts = histogram(param, -limit, limit)
    return WeightHealth(name, mean, std, -limit, limit, counts)
