"""Batch Normalization from elementary tensor operations: one forward, one closed-form backward.

The layer is that of S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network
Training by Reducing Internal Covariate Shift" (2015), arXiv:1502.03167: Algorithm 1 is the forward,
section 3 has the derivatives. Both are used as they are by code that keeps its own gradients, and
through an `autograd.Function` by everything else.

Shapes: x is (N, C) or (N, C, L); statistics and parameters are (C,), taken over n = N or N * L
values a channel.
"""

from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Correction(NamedTuple):
    """What a variance's divisor lacks: sums of squares are divided by n - correction.

    `torch.var` calls it so, too. Sources differ, and a model taken from one to the other drifts:

    | source                                   | normalizing | running_var |
    |------------------------------------------|-------------|-------------|
    | NOTEBOOK; TensorFlow, Keras              | 0 (biased)  | 0           |
    | TORCH: torch.nn.BatchNorm1d; the paper   | 0           | 1           |
    | LECTURE: makemore part 3                 | 1           | 1 (unbiased)|
    """

    normalizing: int
    running: int


NOTEBOOK = Correction(0, 0)
TORCH = Correction(0, 1)
LECTURE = Correction(1, 1)

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What a layer keeps between batches."""


class Saved(NamedTuple):
    """What a forward leaves for its backward, and for whoever wants to look.

    `mean` and `var` (C,) are the statistics that normalized; `divisor` is n - correction of the
    batch's variance, or None where the running statistics, which are constants, were used.
    """

    x_hat: Tensor
    inv_std: Tensor
    gamma: Tensor | None
    mean: Tensor
    var: Tensor
    divisor: int | None


class BatchNorm1d(nn.Module):
    """y = gamma * (x - mean) / sqrt(var + eps) + beta, for each channel by itself.

    In training, mean and var are the batch's own, and the running ones move towards them:
    new = (1 - momentum) * old + momentum * batch; with momentum None they are the plain average of
    all batches. In evaluation mean and var are the running ones, so that a row's output depends on
    no other row. Without running statistics the batch's are used in both modes.

    A batch with one value a channel (`single_row`): its variance says nothing, x - mean is 0, and
    the output is beta for any input. The default lets that through, as the notebook does, because
    it is what there is to see; "raise" refuses it, as torch does. An unbiased running variance
    has no estimate from one value and then stays as it was. An empty batch gives an empty output
    and counts as a batch, as in torch. With eps = 0 a channel that is constant in the batch gives
    beta, where 0 / 0 would be NaN.

    Args:
        dim: Channels, C.
        eps: Added to the variance.
        momentum: Share of the newest batch in the running statistics, 0 to 1, or None.
        affine: Whether there are gamma and beta to learn.
        track_running_stats: Whether running statistics are kept.
        correction: NOTEBOOK, TORCH or LECTURE.
        single_row: What one value a channel does in training: give "beta", or "raise".
        device: Where parameters and buffers live.
        dtype: Their type; inputs of another float type are allowed and keep theirs.

    Raises:
        ValueError: dim, eps, momentum or the shape of an input is impossible.
        TypeError: An input is not of a floating point type.
    """

    gamma: nn.Parameter | None
    beta: nn.Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        dim: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        *,
        affine: bool = True,
        track_running_stats: bool = True,
        correction: Correction = NOTEBOOK,
        single_row: Literal["beta", "raise"] = "beta",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        _check_settings(dim, eps, momentum)
        self.dim, self.eps, self.momentum = dim, eps, momentum
        self.correction, self.single_row = Correction(*correction), single_row
        ones = torch.ones(dim, device=device, dtype=dtype)
        self.register_parameter("gamma", nn.Parameter(ones) if affine else None)
        beta = torch.zeros_like(ones)
        self.register_parameter("beta", nn.Parameter(beta) if affine else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", torch.zeros_like(ones) if tracked else None)
        self.register_buffer("running_var", torch.ones_like(ones) if tracked else None)
        count = torch.zeros((), dtype=torch.long, device=device) if tracked else None
        self.register_buffer("num_batches_tracked", count)

    def forward(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Normalize x under autograd; `training` None follows `train()` and `eval()`."""
        mode = self.training if training is None else training
        out: Tensor = _Normalize.apply(x, self.gamma, self.beta, self, mode)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return out

    def normalize(self, x: Tensor, training: bool, update: bool = True) -> tuple[Tensor, Saved]:
        """Algorithm 1, without autograd; with `update` false the running statistics stay put."""
        self._check(x)
        work = x.float() if x.dtype.itemsize < 4 else x
        return self._scale(x, self._statistics(work, training, update))

    def normalize_by(self, x: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, Saved]:
        """Normalize x by a mean and variance (C,) from anywhere, as evaluation does."""
        self._check(x)
        work = x.float() if x.dtype.itemsize < 4 else x
        return self._scale(x, _Centered(mean, var, None, work - _column(mean, x)))

    def _scale(self, x: Tensor, statistics: "_Centered") -> tuple[Tensor, Saved]:
        """From x without the mean to the output, in the type of x."""
        mean, var, divisor, centered = statistics
        inv_std = (var + self.eps).rsqrt_()
        if self.eps == 0:
            inv_std.masked_fill_(var == 0, 0.0)
        x_hat = centered.mul_(_column(inv_std, x))
        gamma, beta = self._parameters["gamma"], self._parameters["beta"]
        if gamma is None or beta is None:
            out = x_hat
        else:
            out = torch.addcmul(_column(beta, x), x_hat, _column(gamma, x))
        out = out if out.dtype == x.dtype else out.to(x.dtype)
        return out, Saved(x_hat, inv_std, gamma, mean, var, divisor)

    def _statistics(self, x: Tensor, training: bool, update: bool) -> "_Centered":
        """The batch's statistics, or the running ones, and x without the mean."""
        if not training and (mean := self.running_mean) is not None:
            var = self.get_buffer("running_var")
            # Copies: a backward may come after a later batch has moved the buffers.
            return _Centered(mean.clone(), var.clone(), None, x - _column(mean, x))
        values = x.numel() // self.dim
        if values == 1 and self.single_row == "raise":
            raise ValueError("one value a channel has no variance to normalize with in training")
        batch = _of_batch(x, values, self.correction.normalizing)
        if training and update:
            self._track(batch.mean, batch.var, values)
        return batch

    def _track(self, mean: Tensor, var: Tensor, values: int) -> None:
        """Move the running statistics towards this batch's, each by its own convention."""
        # From where they are kept: as attributes of a module each takes a microsecond to find.
        running_mean, running_var, count = map(self._buffers.get, STATISTICS)
        if running_mean is None or running_var is None or count is None:
            return
        count.add_(1)
        share = 1 / int(count) if self.momentum is None else self.momentum
        if values > 0:
            _move(running_mean, mean, share)
        if (wanted := values - self.correction.running) > 0:
            divisor = max(values - self.correction.normalizing, 1)
            _move(running_var, var if divisor == wanted else var * (divisor / wanted), share)

    def _check(self, x: Tensor) -> None:
        if not x.is_floating_point():
            raise TypeError(f"x is {x.dtype}, but BatchNorm1d takes a floating point tensor")
        if x.ndim not in (2, 3) or x.shape[1] != self.dim:
            shape = tuple(x.shape)
            raise ValueError(
                f"x has shape {shape}, but BatchNorm1d takes (N, {self.dim}) or (N, {self.dim}, L)"
            )

    def extra_repr(self) -> str:
        """The settings, as `print` shows them."""
        return (
            f"{self.dim}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.gamma is not None}, "
            f"track_running_stats={self.running_mean is not None}, "
            f"correction={tuple(self.correction)}, single_row={self.single_row!r}"
        )

    @classmethod
    def from_torch(cls, bn: nn.BatchNorm1d) -> Self:
        """The same layer, bit for bit, with torch's variance convention and its single-row rule."""
        tensors = (bn.weight, bn.running_mean)
        like = next((t for t in tensors if t is not None), torch.empty(0))
        new = cls(
            bn.num_features,
            bn.eps,
            bn.momentum,
            affine=bn.affine,
            track_running_stats=bn.running_mean is not None,
            correction=TORCH,
            single_row="raise",
            device=like.device,
            dtype=like.dtype,
        )
        _copy(bn.weight, new.gamma)
        _copy(bn.bias, new.beta)
        for name in STATISTICS:
            setattr(new, name, _clone(getattr(bn, name)))
        return new.train(bn.training)

    def to_torch(self) -> nn.BatchNorm1d:
        """The same numbers in torch's layer, whose own convention applies to later batches."""
        new = nn.BatchNorm1d(
            self.dim,
            self.eps,
            self.momentum,
            affine=self.gamma is not None,
            track_running_stats=self.running_mean is not None,
        )
        like = next((t for t in (self.gamma, self.running_mean) if t is not None), torch.empty(0))
        new = new.to(device=like.device, dtype=like.dtype)
        _copy(self.gamma, new.weight)
        _copy(self.beta, new.bias)
        for name in STATISTICS:
            setattr(new, name, _clone(getattr(self, name)))
        return new.train(self.training)


def backward(saved: Saved, grad_out: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Gradients of the loss: for x (like x), for gamma and for beta (C,), None without them.

    Section 3 of the paper, simplified: the terms through mean and var are projections that take
    the parts of the gradient along 1 and along x_hat away,

        dx = gamma * inv_std * (dy - sum(dy) / n - x_hat * sum(dy * x_hat) / (n - correction)).
    """
    x_hat, over = saved.x_hat, _over(saved.x_hat)
    grad_beta = grad_out.sum(over)
    grad_gamma = (grad_out * x_hat).sum(over)
    scale = saved.inv_std if saved.gamma is None else saved.inv_std * saved.gamma
    if saved.divisor is None:
        grad_x = grad_out * _column(scale, x_hat)
    else:
        values = max(x_hat.numel() // scale.numel(), 1)
        along_x_hat = _column(grad_gamma, x_hat)
        grad_x = torch.addcmul(grad_out, x_hat, along_x_hat, value=-1 / saved.divisor)
        grad_x = grad_x.sub_(_column(grad_beta, x_hat), alpha=1 / values)
        grad_x = grad_x.mul_(_column(scale, x_hat))
    if saved.gamma is None:
        return grad_x, None, None
    return grad_x, grad_gamma, grad_beta


class _Normalize(torch.autograd.Function):
    """The two functions above, for autograd."""

    @staticmethod
    def forward(  # noqa: PLR0917 (apply passes by position)
        ctx: Any, x: Tensor, gamma: Tensor | None, beta: Tensor | None, bn: BatchNorm1d, mode: bool
    ) -> Tensor:
        out, saved = bn.normalize(x, mode)
        ctx.save_for_backward(saved.x_hat, saved.inv_std, saved.gamma)
        ctx.statistics = saved.mean, saved.var, saved.divisor
        return out

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_out: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None, None, None]:
        return *backward(Saved(*ctx.saved_tensors, *ctx.statistics), grad_out), None, None


class _Centered(NamedTuple):
    """Mean and variance (C,), the variance's divisor or None, and x - mean (like x)."""

    mean: Tensor
    var: Tensor
    divisor: int | None
    centered: Tensor


def _of_batch(x: Tensor, values: int, correction: int) -> _Centered:
    """The batch's statistics; too few values for a variance have the variance 0.

    Two passes, over x less its first value: a mean far from 0 then costs no digits, and a constant
    channel's variance is 0 (T. Chan et al., "Algorithms for Computing the Sample Variance", 1983).
    `torch.var_mean`, one pass and one operation, takes four times as long over the rows of (N, C).
    """
    if values <= correction:
        mean = x.sum(_over(x))
        return _Centered(mean, torch.zeros_like(mean), 1, x - _column(mean, x))
    first = x[0] if x.ndim == 2 else x[0, :, 0]
    centered = x - _column(first, x)
    total = centered.sum(_over(x))
    centered.sub_(_column(total, x), alpha=1 / values)
    mean = torch.add(first, total, alpha=1 / values)
    divisor = values - correction
    var = (centered * centered).sum(_over(x)).mul_(1 / divisor)
    return _Centered(mean, var, divisor, centered)


def _move(running: Tensor, batch: Tensor, share: float) -> None:
    running.lerp_(batch if batch.dtype == running.dtype else batch.to(running.dtype), share)


def _over(x: Tensor) -> tuple[int, ...]:
    """The dimensions that a statistic is taken over: all but the channels."""
    return (0,) if x.ndim == 2 else (0, 2)


def _column(statistic: Tensor, x: Tensor) -> Tensor:
    """(C,) made to broadcast against x."""
    return statistic if x.ndim == 2 else statistic[:, None]


def _check_settings(dim: int, eps: float, momentum: float | None) -> None:
    if dim < 1:
        raise ValueError(f"dim is {dim}, but it takes a whole number from 1")
    if not eps >= 0:
        raise ValueError(f"eps is {eps}, but it takes a number from 0")
    if momentum is not None and not 0 <= momentum <= 1:
        raise ValueError(f"momentum is {momentum}, but it takes a number from 0 to 1, or None")


def _copy(source: Tensor | None, target: Tensor | None) -> None:
    if source is not None and target is not None:
        target.data = source.detach().clone()
        target.requires_grad_(source.requires_grad)


def _clone(source: Tensor | None) -> Tensor | None:
    return None if source is None else source.detach().clone()
