"""Two ways to a batch's gradients: the layers' closed forms, and torch's autograd.

Autograd gets its own writing of the forward, from operations that torch differentiates; through
`BatchNorm1d` itself it would come back to the closed form that is to be checked.
"""

import copy

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own name for it)

from bntui.core.nn.activations import Activation
from bntui.core.nn.ghost import GhostBatchNorm, parts
from bntui.core.nn.layers import Embedding, Layer, Linear
from bntui.core.nn.model import CharMLP
from bntui.core.nn.normalization import BatchNorm, Normalization, RowNorm


@torch.inference_mode()
def closed_form(model: CharMLP, contexts: Tensor, targets: Tensor) -> list[Tensor]:
    """The gradient of every parameter, from a copy of the model."""
    twin = copy.deepcopy(model)
    twin.gradients(contexts, targets)
    return [grad for layer in twin.layers for grad in layer.param_grads]


@torch.inference_mode(mode=False)
@torch.enable_grad()
def by_autograd(model: CharMLP, contexts: Tensor, targets: Tensor) -> list[Tensor]:
    """The gradient of every parameter, in the same order."""
    leaves = [[param.clone().requires_grad_() for param in each.params] for each in model.layers]
    x = contexts.clone()  # what is made in inference mode cannot be kept for a backward
    for layer, params in zip(model.layers, leaves, strict=True):
        x = _forward(layer, params, x)
    loss = F.cross_entropy(x, targets.clone())
    every = [leaf for params in leaves for leaf in params]
    return list(torch.autograd.grad(loss, every, materialize_grads=True))


def _forward(layer: Layer, params: list[Tensor], x: Tensor) -> Tensor:
    """The layer's output in training, as a formula of `params` and x."""
    match layer:
        case Embedding():
            return params[0][x].flatten(1)
        case Linear():
            return F.linear(x, params[0].T, *params[1:])
        case Normalization(on=False):
            return x
        case RowNorm():
            groups = x.view(len(x), layer.norm.groups, -1)
            x_hat = _standardized(groups, -1, 0, layer.norm.eps).flatten(1)
            return params[0] * x_hat + params[1]
        case BatchNorm():
            size = layer.size if isinstance(layer, GhostBatchNorm) else len(x)
            correction, eps = layer.bn.correction.normalizing, layer.bn.eps
            each = [_standardized(part, 0, correction, eps) for part in parts(x, size)]
            return params[0] * torch.cat(each) + params[1]
        case Activation():
            return layer.compute(x, training=True)
    raise TypeError(f"no formula for {type(layer).__name__}")


def _standardized(x: Tensor, dim: int, correction: int, eps: float) -> Tensor:
    """(x - mean) / sqrt(var + eps) along a dimension; 0 where that divides by 0."""
    centred = x - x.mean(dim, keepdim=True)
    squares = centred.square().sum(dim, keepdim=True)
    var = squares / max(x.shape[dim] - correction, 1) + eps
    return centred * torch.where(var > 0, var, torch.inf).rsqrt()
