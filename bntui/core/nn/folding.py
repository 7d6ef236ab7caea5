"""BatchNorm of evaluation mode folded into the Linear before it: one matrix instead of two layers.

Normalizing by constants is linear, so W' = W * scale and b' = (b - running_mean) * scale + beta,
with scale = gamma / sqrt(running_var + eps), give the same outputs; B. Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (2018),
arXiv:1712.05877.
"""

from itertools import pairwise
from typing import TypeGuard

import torch
from torch import Tensor

from bntui.core.nn.layers import Layer, Linear
from bntui.core.nn.model import CharMLP
from bntui.core.nn.normalization import BatchNorm


def folded_logits(model: CharMLP, contexts: Tensor) -> Tensor:
    """Logits (N, vocabulary) of the folded network."""
    x = contexts
    for layer, after in pairwise([*model.layers, None]):
        if isinstance(layer, Linear) and _folds(after):
            weight, bias = fold(layer, after)
            x = torch.addmm(bias, x, weight)
        elif layer and not _folds(layer):
            x = layer.compute(x, training=False)
    return x


def _folds(layer: Layer | None) -> TypeGuard[BatchNorm]:
    return isinstance(layer, BatchNorm) and layer.on


def fold(linear: Linear, norm: BatchNorm) -> tuple[Tensor, Tensor]:
    """W' (fan_in, C) and b' (C,)."""
    gamma, beta = norm.params
    variance = norm.running_var + norm.bn.eps
    scale = torch.where(variance > 0, gamma * variance.rsqrt(), 0.0)
    bias = -norm.running_mean if linear.b is None else linear.b - norm.running_mean
    return linear.W * scale, bias * scale + beta
