"""Hidden layers' outputs and gradients on the last training batch: makemore part 3's plots."""

from typing import NamedTuple

import torch
from torch import Tensor

from bntui.core.nn.activations import Activation
from bntui.core.nn.model import CharMLP
from bntui.core.probes.numbers import finite, histogram, round_up, shorten
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Column, LayerHealth, Layers

SPREAD = 3.0
"""Standard deviations of the widest gradient that its range takes in."""


def has_batch(model: CharMLP) -> bool:
    """Whether there was a training step, and so a batch to look at."""
    return hasattr(model.layers[0], "grad")


class _Ranges(NamedTuple):
    low: float
    high: float
    grad_limit: float


@torch.inference_mode()
def layers(trainer: Trainer, arm: Arm) -> Layers | None:
    """Their health; None before the first step."""
    if not has_batch(arm.model):
        return None
    every = arm.model.activations
    numbers = shorten(torch.stack([_numbers(layer) for layer in every])).tolist()
    ranges = _ranges(every, widest=max(grad_std for _, _, _, grad_std, _ in numbers))
    health = [
        _health(layer, finite(row), ranges) for layer, row in zip(every, numbers, strict=True)
    ]
    return Layers(arm.name, trainer.steps_done, *ranges, health)


def _ranges(every: list[Activation], widest: float) -> _Ranges:
    """Common to all layers; where outputs have no bound, up to a round number."""
    low, high = every[0].bounds(torch.stack([layer.out.max() for layer in every]))
    if every[0].high is None:
        high = round_up(high)
    return _Ranges(low, high, round_up(SPREAD * widest))


def _numbers(layer: Activation) -> Tensor:
    """Mean and standard deviation (n in the divisor) of outputs and gradients, share of flat: (5,).

    Of outputs that are not finite no share is flat.
    """
    std, mean = torch.std_mean(layer.out, correction=0)
    grad_std, grad_mean = torch.std_mean(layer.grad, correction=0)
    flat = layer.flat(layer.out).float().mean()
    share = torch.where(mean.isfinite(), flat, torch.nan)
    return torch.stack([mean, std, grad_mean, grad_std, share])


def _health(layer: Activation, numbers: Column, ranges: _Ranges) -> LayerHealth:
    mean, std, grad_mean, grad_std, share = numbers
    return LayerHealth(
        mean=mean,
        std=std,
        flat=share,
        dead=int(layer.flat(layer.out).all(0).sum()),
        grad_mean=grad_mean,
        grad_std=grad_std,
        counts=histogram(layer.out, ranges.low, ranges.high),
        grad_counts=histogram(layer.grad, -ranges.grad_limit, ranges.grad_limit),
    )
