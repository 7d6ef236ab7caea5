"""Group and layer normalization: every example by itself, so that no batch is needed.

Y. Wu and K. He, "Group Normalization" (2018), arXiv:1803.08494: the channels of an example are
split into groups, and each group is normalized by its own mean and variance. With one group it is
J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer Normalization" (2016), arXiv:1607.06450. Training and
evaluation are the same, and there is nothing to keep.

Shapes: x is (N, C); statistics are (N, G, 1), over C / G values each; gamma and beta are (C,).
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Saved(NamedTuple):
    """What a forward leaves for its backward: x_hat (N, G, C / G), inv_std (N, G, 1), gamma."""

    x_hat: Tensor
    inv_std: Tensor
    gamma: Tensor


class GroupNorm:
    """y = gamma * (x - mean) / sqrt(var + eps) + beta, mean and var over each group of a row.

    The variance is the biased one. With eps = 0 a group of equal values, and so any group of one
    value, gives beta, where 0 / 0 would be NaN.

    Args:
        dim: Channels, C.
        groups: G, a divisor of C; consecutive channels make a group.
        eps: Added to the variance.
        device: Where gamma and beta live.
        dtype: Their type.

    Raises:
        ValueError: groups does not divide dim, eps is negative, or an input is not (N, dim).
    """

    def __init__(
        self,
        dim: int,
        groups: int,
        eps: float = 1e-5,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if dim < 1 or groups < 1 or dim % groups:
            raise ValueError(f"groups is {groups}, but it takes a divisor of dim, {dim}")
        if not eps >= 0:
            raise ValueError(f"eps is {eps}, but it takes a number from 0")
        self.dim, self.groups, self.eps = dim, groups, eps
        self.gamma = torch.ones(dim, device=device, dtype=dtype)
        self.beta = torch.zeros(dim, device=device, dtype=dtype)

    def parameters(self) -> list[Tensor]:
        """gamma and beta, (C,) each."""
        return [self.gamma, self.beta]

    def normalize(self, x: Tensor) -> tuple[Tensor, Saved]:
        """y (N, C), and what the backward needs."""
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x has shape {tuple(x.shape)}, but it takes (N, {self.dim})")
        parts = x.view(len(x), self.groups, self.dim // self.groups)
        centered = parts - parts.mean(-1, keepdim=True)
        var = centered.square().mean(-1, keepdim=True)
        inv_std = torch.rsqrt(var + self.eps)
        if self.eps == 0:
            inv_std.masked_fill_(var == 0, 0.0)
        x_hat = centered.mul_(inv_std)
        out = torch.addcmul(self.beta, x_hat.view_as(x), self.gamma)
        return out, Saved(x_hat, inv_std, self.gamma)


class LayerNorm(GroupNorm):
    """GroupNorm with one group: all channels of an example together."""

    def __init__(
        self,
        dim: int,
        eps: float = 1e-5,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(dim, 1, eps, device=device, dtype=dtype)


def backward(saved: Saved, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the loss: for x (N, C), for gamma and for beta (C,).

    As for BatchNorm, but the projections are along each group, so gamma stands inside the means:

        dx = inv_std * (g - mean(g) - x_hat * mean(g * x_hat)), g = gamma * dy.
    """
    x_hat = saved.x_hat
    g = (grad_out * saved.gamma).view_as(x_hat)
    along_x_hat = (g * x_hat).mean(-1, keepdim=True)
    grad_x = torch.addcmul(g - g.mean(-1, keepdim=True), x_hat, along_x_hat, value=-1)
    grad_gamma = (grad_out * x_hat.view_as(grad_out)).sum(0)
    return grad_x.mul_(saved.inv_std).view_as(grad_out), grad_gamma, grad_out.sum(0)
