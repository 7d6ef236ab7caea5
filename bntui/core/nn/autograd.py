"""Autograd around an operation whose backward is written by hand."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

Compute = Callable[[Tensor, Tensor | None, Tensor | None, bool], tuple[Tensor, Any]]
"""From x, gamma, beta to y and a named tuple for the backward that begins with x_hat, inv_std and
gamma. The flag is true for the first call, false where the same is computed again."""

Differentiate = Callable[[Any, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From that named tuple and dy to the gradients of x, gamma and beta."""


def apply(
    compute: Compute,
    differentiate: Differentiate,
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
) -> Tensor:
    """y under autograd, any number of times differentiable.

    `torch.func`'s transforms, forward-mode AD and `torch.jit.trace` look into an operation; they
    get the elementary operations of `compute` itself.
    """
    if _is_looked_into():
        return compute(x, gamma, beta, True)[0]
    y: Tensor = _ClosedForm.apply(compute, differentiate, x, gamma, beta)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return y


def records_operations() -> bool:
    """Whether autograd or a tracer records operations now, so that none may be in place."""
    return torch.is_grad_enabled() or torch._C._is_tracing()


def _is_looked_into() -> bool:
    """Whether a transform, forward-mode AD or a tracer is at work, as torch itself asks it."""
    return (
        torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
        or torch._C._is_tracing()
    )


class _ClosedForm(torch.autograd.Function):
    """First derivatives by the closed form; where they are to be differentiated themselves, the
    closed form of recomputed values, which autograd then looks into.
    """

    @staticmethod
    def forward(  # noqa: PLR0917 (apply passes by position)
        ctx: Any,
        compute: Compute,
        differentiate: Differentiate,
        x: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
    ) -> Tensor:
        y, saved = compute(x, gamma, beta, True)
        ctx.save_for_backward(x, gamma, beta, *saved[:2])
        ctx.compute, ctx.differentiate = compute, differentiate
        ctx.kind, ctx.rest = type(saved), saved[3:]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[None, None, Tensor, Tensor | None, Tensor | None]:
        x, gamma, beta, x_hat, inv_std = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: the gradients get a graph of their own
            _, saved = ctx.compute(x, gamma, beta, False)
        else:
            saved = ctx.kind(x_hat, inv_std, gamma, *ctx.rest)
        dx, dgamma, dbeta = ctx.differentiate(saved, dy)
        return (
            *(None, None, dx if dx.dtype == x.dtype else dx.to(x.dtype)),
            None if gamma is None else dgamma,
            None if beta is None else dbeta,
        )
