"""Normalizations as layers of a network, (N, C) to (N, C); each can be bypassed."""

import torch
from torch import Tensor

from bntui.core.nn import batchnorm, groupnorm
from bntui.core.nn.batchnorm import BatchNorm1d
from bntui.core.nn.groupnorm import GroupNorm
from bntui.core.nn.layers import Layer


class Normalization(Layer):
    """A normalization; where `on` is false, the identity, and all that it learned stays as it is.

    `module` has its `eps`, gamma and beta.
    """

    def __init__(self, module: BatchNorm1d | GroupNorm) -> None:
        self.module, self.on = module, True
        super().__init__(*(param.requires_grad_(False) for param in module.parameters()))

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """As the module does; running statistics stay put."""
        return self._compute(x, training) if self.on else x

    def forward(self, x: Tensor) -> Tensor:
        """As the module does in training; running statistics move."""
        self.out = self._forward(x) if self.on else x
        return self.out

    def backward(self, grad: Tensor) -> Tensor:
        """The module's own, or the gradient as it is; then gamma and beta have none."""
        self.grad = grad
        if self.on:
            grad_x, *param_grads = self._backward(grad)
            for kept, new in zip(self.param_grads, param_grads, strict=True):
                kept.copy_(new)
            return grad_x
        for param_grad in self.param_grads:
            param_grad.zero_()
        return grad

    def _compute(self, x: Tensor, training: bool) -> Tensor:
        raise NotImplementedError

    def _forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        """Gradients at x, of gamma and of beta."""
        raise NotImplementedError


class BatchNorm(Normalization):
    """The shared BatchNorm1d as a layer.

    `saved` holds the batch's statistics of the last training step.
    """

    def __init__(self, bn: BatchNorm1d) -> None:
        self.bn = bn
        self.running_mean = bn.get_buffer("running_mean")
        self.running_var = bn.get_buffer("running_var")
        super().__init__(bn)

    def statistics(self) -> Tensor:
        """(4, C), after a step: batch mean, running mean, batch variance, running variance.

        A bypassed layer has no statistics of the batch: NaN.
        """
        mean, var = self._of_batch()
        return torch.stack([mean, self.running_mean, var, self.running_var])

    def _of_batch(self) -> tuple[Tensor, Tensor]:
        if self.on:
            return self.saved.mean, self.saved.var
        unknown = torch.full_like(self.running_mean, torch.nan)
        return unknown, unknown

    def _compute(self, x: Tensor, training: bool) -> Tensor:
        out, _ = self.bn.normalize(x, training, update=False)
        return out

    def _forward(self, x: Tensor) -> Tensor:
        out, self.saved = self.bn.normalize(x, training=True)
        return out

    def _backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        return batchnorm.backward(self.saved, grad)


class RowNorm(Normalization):
    """LayerNorm or GroupNorm as a layer; training and evaluation are the same."""

    def __init__(self, norm: GroupNorm) -> None:
        self.norm = norm
        super().__init__(norm)

    def _compute(self, x: Tensor, training: bool) -> Tensor:
        out, _ = self.norm.normalize(x)
        return out

    def _forward(self, x: Tensor) -> Tensor:
        out, self.saved = self.norm.normalize(x)
        return out

    def _backward(self, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return groupnorm.backward(self.saved, grad)
