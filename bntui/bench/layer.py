"""BatchNorm1d under autograd, beside torch's own layer."""

from time import perf_counter

import torch
from torch import nn

from bntui.bench.figure import Measurement, Repeats, Side, in_turn
from bntui.core.nn.batchnorm import BatchNorm1d

BATCH, CHANNELS = 32, 200


def over_torch(repeats: Repeats) -> Measurement:
    """Ours over torch's, in time: torch's rate over ours."""
    torch.set_num_threads(1)
    return in_turn(_passes(nn.BatchNorm1d(CHANNELS)), _passes(BatchNorm1d(CHANNELS)), repeats)


def _passes(layer: nn.Module) -> Side:
    """Forward and backward passes a second."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, CHANNELS, generator=generator).requires_grad_()
    grad = torch.randn(BATCH, CHANNELS, generator=generator)

    def measure(seconds: float) -> float:
        begun, passes = perf_counter(), 0
        while perf_counter() - begun < seconds:
            layer(x).backward(grad)
            passes += 1
        return passes / (perf_counter() - begun)

    return measure
