"""Hidden layers' outputs and gradients on the last training batch: makemore part 3's plots."""

from typing import NamedTuple

import torch
from torch import Tensor

from bntui.core.activations import Activation
from bntui.core.model import CharMLP
from bntui.core.probes.numbers import histogram, plain, round_up
from bntui.core.trainer import Arm, Trainer
from bntui.protocol import LayerHealth, Layers

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
    ranges = _ranges(every)
    health = [_health(layer, ranges) for layer in every]
    return Layers(arm.name, trainer.steps_done, *ranges, health)


def _ranges(every: list[Activation]) -> _Ranges:
    """Common to all layers; where outputs have no bound, up to a round number."""
    low, high = every[0].bounds(torch.stack([layer.out.max() for layer in every]))
    if every[0].high is None:
        high = round_up(high)
    widest = max(layer.grad.std(correction=0).item() for layer in every)
    return _Ranges(low, high, round_up(SPREAD * widest))


def _health(layer: Activation, ranges: _Ranges) -> LayerHealth:
    low, high, limit = ranges
    flat = layer.flat(layer.out)
    mean, std = _moments(layer.out)
    share = torch.where(mean.isfinite(), flat.float().mean(), torch.nan)
    numbers = torch.stack([mean, std, share, *_moments(layer.grad)])
    out_mean, out_std, flat_share, grad_mean, grad_std = plain(numbers)
    return LayerHealth(
        mean=out_mean,
        std=out_std,
        flat=flat_share,
        dead=int(flat.all(0).sum()),
        grad_mean=grad_mean,
        grad_std=grad_std,
        counts=histogram(layer.out, low, high),
        grad_counts=histogram(layer.grad, -limit, limit),
    )


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (n in the divisor) of all values."""
    std, mean = torch.std_mean(values, correction=0)
    return mean, std
