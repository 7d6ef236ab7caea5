"""Two ways to a batch's gradients: the layers' closed forms, and torch's autograd.

Autograd gets its own writing of the forward, from operations that torch differentiates; through
`BatchNorm1d` itself it would come back to the closed form that is to be checked.
"""

import copy

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own name for it)

from bntui.core.activations import Activation
from bntui.core.layers import BatchNorm, Embedding, Layer, Linear
from bntui.core.model import CharMLP


def closed_form(model: CharMLP, contexts: Tensor, targets: Tensor) -> list[Tensor]:
    """The gradient of every parameter, by a step of length 0 of the model's copy."""
    twin = copy.deepcopy(model)
    twin.train_step(contexts, targets, lr=0.0)
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
    return list(torch.autograd.grad(loss, [leaf for params in leaves for leaf in params]))


def _forward(layer: Layer, params: list[Tensor], x: Tensor) -> Tensor:
    """The layer's output in training, as a formula of `params` and x."""
    match layer:
        case Embedding():
            return params[0][x].flatten(1)
        case Linear():
            weight, bias = params
            return x @ weight + bias
        case BatchNorm():
            gamma, beta = params
            return gamma * _standardized(x, layer) + beta
        case Activation():
            return layer.compute(x, training=True)
    raise TypeError(f"no formula for {type(layer).__name__}")


def _standardized(x: Tensor, layer: BatchNorm) -> Tensor:
    """(x - mean) / sqrt(var + eps) over the batch; 0 where that divides by 0."""
    correction = layer.bn.correction.normalizing
    centred = x - x.mean(0)
    var = centred.square().sum(0) / max(len(x) - correction, 1) + layer.bn.eps
    return centred * torch.where(var > 0, var, torch.inf).rsqrt()
