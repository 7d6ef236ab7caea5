"""Batch Normalization, forward and backward, on x of shape (n, C).

    forward: algorithm 1                       backward: section 3, simplified
    mean  = sum(x) / n                         dbeta  = sum(dy)
    var   = sum((x - mean)^2) / (n - c)        dgamma = sum(dy x_hat)
    x_hat = (x - mean) / sqrt(var + eps)       dx     = gamma / sqrt(var + eps)
    y     = gamma x_hat + beta                          (dy - dbeta / n - x_hat dgamma / (n - c))

Sums run over the n rows; c is 0 for a biased and 1 for an unbiased variance. The terms through mean
and var are projections: they take the parts of the gradient along 1 and along x_hat away. In
evaluation mean and var are constants, and dx = gamma / sqrt(var + eps) dy.

S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift" (2015), arXiv:1502.03167.
"""

from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn

from bntui.core.nn import autograd, conversion


class Correction(NamedTuple):
    """What a variance's divisor lacks: sums of squares are divided by n - correction.

    `torch.var` has the same name for it. Sources differ, also in what else they choose, and a model
    taken from one to another drifts:

    | source                                 | normalizing | running_var  | eps  | momentum |
    |----------------------------------------|-------------|--------------|------|----------|
    | NOTEBOOK                               | 0 (biased)  | 0            | 1e-5 | 0.1      |
    | D2L: Dive into Deep Learning, PyTorch  | 0           | 0            | 1e-5 | 0.1      |
    | Keras 3, and 2 with fused=False        | 0           | 0            | 1e-3 | 0.01     |
    | Keras 2 with fused=True                | 0           | 1            | 1e-3 | 0.01     |
    | TORCH: torch.nn.BatchNorm1d            | 0           | 1            | 1e-5 | 0.1      |
    | the paper                              | 0           | 1            | --   | --       |
    | LECTURE: makemore part 3, its class    | 1           | 1 (unbiased) | 1e-5 | 0.1      |
    | LECTURE_STD: its code before the class | 1           | 1, as std    | 0    | 0.001    |

    Momentum is the newest batch's share; Keras, and early editions of D2L, write the other one,
    0.99 and 0.9.

    Attributes:
        normalizing: Of the variance that normalizes a batch.
        running: Of the variance that running_var takes in.
        std: Whether standard deviations are averaged rather than variances; running_var is then
            the square of their average, which is smaller (Jensen's inequality).
    """

    normalizing: int
    running: int
    std: bool = False


NOTEBOOK = D2L = Correction(0, 0)
TORCH = Correction(0, 1)
LECTURE = Correction(1, 1)
LECTURE_STD = Correction(1, 1, std=True)

CORRECTIONS = {
    "notebook": NOTEBOOK,
    "d2l": D2L,
    "torch": TORCH,
    "lecture": LECTURE,
    "lecture-std": LECTURE_STD,
}
"""By the names that `BatchNorm1d(correction=...)` takes, too."""

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What a layer keeps between batches."""


class Saved(NamedTuple):
    """What a forward leaves for its backward.

    `x_hat` is (n, C), the others (C,); `mean` and `var` are the statistics that normalized.
    `divisor` is n - c of the batch's variance, or None where mean and var were constants.
    """

    x_hat: Tensor
    inv_std: Tensor
    gamma: Tensor | None
    mean: Tensor
    var: Tensor
    divisor: int | None


def forward(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, *, eps: float, correction: int
) -> tuple[Tensor, Saved]:
    """Algorithm 1 on x (n, C) by the batch's own statistics; y (n, C), and what backward needs.

    The sums are taken over x less its first row: a mean far from 0 then costs no digits, and the
    variance of a constant channel is exactly 0 (T. F. Chan, G. H. Golub and R. J. LeVeque,
    "Algorithms for Computing the Sample Variance: Analysis and Recommendations" (1983)).
    `torch.var_mean`, one pass and one operation, takes four times as long over the rows of (n, C).
    With too few values for a variance it is 0.
    """
    n = x.shape[0]
    if n <= correction:
        mean = x.sum(0)
        var = torch.zeros_like(mean)
        return _scale(x - mean, gamma, beta, eps=eps, mean=mean, var=var, divisor=1)
    shift = x[0]
    centered = x - shift
    total = centered.sum(0)
    mean = torch.add(shift, total, alpha=1 / n)
    centered = centered.sub_(total, alpha=1 / n)
    var = (centered * centered).sum(0).mul_(1 / (n - correction))
    return _scale(centered, gamma, beta, eps=eps, mean=mean, var=var, divisor=n - correction)


def forward_by(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, *, eps: float, mean: Tensor, var: Tensor
) -> tuple[Tensor, Saved]:
    """Algorithm 1 on x (n, C) by a constant mean and variance, (C,) or one for each row."""
    return _scale(x - mean, gamma, beta, eps=eps, mean=mean, var=var, divisor=None)


def _scale(
    centered: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    *,
    eps: float,
    mean: Tensor,
    var: Tensor,
    divisor: int | None,
) -> tuple[Tensor, Saved]:
    """From x - mean to y. With eps = 0 a channel without variance gives beta, not 0 / 0."""
    inv_std = (var + eps).rsqrt_()
    if eps == 0:
        inv_std = inv_std.masked_fill(var == 0, 0.0)
    x_hat = centered * inv_std if autograd.records_operations() else centered.mul_(inv_std)
    if gamma is None:
        y = x_hat if beta is None else x_hat + beta
    else:
        y = x_hat * gamma if beta is None else torch.addcmul(beta, x_hat, gamma)
    return y, Saved(x_hat, inv_std, gamma, mean, var, divisor)


def backward(saved: Saved, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """From dy (n, C), the loss's gradient at y, to dx (n, C), dgamma (C,) and dbeta (C,)."""
    x_hat = saved.x_hat
    dbeta = dy.sum(0)
    dgamma = (dy * x_hat).sum(0)
    scale = saved.inv_std if saved.gamma is None else saved.inv_std * saved.gamma
    if saved.divisor is None:
        return dy * scale, dgamma, dbeta
    dx = torch.addcmul(dy, x_hat, dgamma, value=-1 / saved.divisor)
    dx = dx.sub_(dbeta, alpha=1 / max(dy.shape[0], 1)).mul_(scale)
    return dx, dgamma, dbeta


class BatchNorm1d(nn.BatchNorm1d):
    """y = gamma * (x - mean) / sqrt(var + eps) + beta, for each channel by itself.

    In training, mean and var are the batch's own, and the running ones move towards them:
    new = (1 - momentum) * old + momentum * batch; with momentum None they are the plain average of
    all batches. In evaluation mean and var are the running ones, so that a row's output depends on
    no other row. Without running statistics the batch's are used in both modes.

    The bookkeeping is torch's own (this is a `torch.nn.BatchNorm1d`, with its state dict), the
    arithmetic is `forward` and `backward` above. gamma and beta are torch's `weight` and `bias`,
    `dim` is its `num_features`.

    A batch with one value a channel (`single_row`): its variance says nothing, x - mean is 0, and
    the output is beta for any input. The default lets that through, as the notebook does, because
    it is what there is to see; "raise" refuses it, as torch does. An unbiased running variance
    has no estimate from one value and then stays as it was. An empty batch gives an empty output
    and counts as a batch, as in torch. With eps = 0 a channel that is constant in the batch gives
    beta, where 0 / 0 would be NaN.

    Shapes: x is (N, C) or (N, C, L), normalized over n = N or N * L values a channel.

    Args:
        num_features: Channels, C.
        eps: Added to the variance.
        momentum: Share of the newest batch in the running statistics, 0 to 1, or None.
        affine: Whether there are gamma and beta to learn.
        track_running_stats: Whether running statistics are kept.
        correction: A name in `CORRECTIONS`, or a `Correction`.
        single_row: What one value a channel does in training: give "beta", or "raise".
        device: Where parameters and buffers live.
        dtype: Their type; inputs of another float type are allowed and keep theirs.

    Raises:
        ValueError: num_features, eps, momentum, correction or the shape of an input is impossible.
        TypeError: An input is not a tensor of a floating point type.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        correction: str | tuple[int, int] | Correction = NOTEBOOK,
        single_row: Literal["beta", "raise"] = "beta",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        _check_settings(num_features, eps, momentum)
        super().__init__(
            *(num_features, eps, momentum, affine, track_running_stats), device=device, dtype=dtype
        )
        self.correction, self.single_row = _correction(correction), single_row

    @property
    def dim(self) -> int:
        """Channels, C."""
        return self.num_features

    @property
    def gamma(self) -> Tensor | None:
        """The learned scale (C,), torch's `weight`."""
        return self._affine()[0]

    @property
    def beta(self) -> Tensor | None:
        """The learned shift (C,), torch's `bias`."""
        return self._affine()[1]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(conversion.TORCH_NAMES.get(name, name), value)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """As torch does; a state dict that has gamma and beta is read, too."""
        conversion.rename(state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Normalize x under autograd; `training` None follows `train()` and `eval()`."""
        self._check(x)
        mode = self.training if training is None else training

        def compute(
            rows: Tensor, gamma: Tensor | None, beta: Tensor | None, first: bool
        ) -> tuple[Tensor, Saved]:
            y, saved = self._compute(rows, gamma, beta, mode)
            if mode and first:
                mean, var = saved.mean.detach(), saved.var.detach()
                self._track(mean, var, rows.shape[0], keep_inf=True)
            return y, saved

        if x.ndim == 2:
            return autograd.apply(compute, backward, x, *self._affine())
        n, channels, length = x.shape
        rows = x.transpose(1, 2).reshape(n * length, channels)
        y = autograd.apply(compute, backward, rows, *self._affine())
        return y.reshape(n, length, channels).transpose(1, 2)

    def normalize(self, x: Tensor, training: bool, update: bool = True) -> tuple[Tensor, Saved]:
        """Algorithm 1 on x (n, C), for code that uses no autograd and calls `backward` itself.

        With `update` false the running statistics stay as they are.
        """
        y, saved = self._compute(x, *self._affine(), training)
        if training and update:
            self._track(saved.mean, saved.var, x.shape[0], keep_inf=False)
        return y, saved

    def _compute(
        self, x: Tensor, gamma: Tensor | None, beta: Tensor | None, training: bool
    ) -> tuple[Tensor, Saved]:
        """Algorithm 1 by the statistics of this mode.

        Types below float32 are computed in float32; the output has the type of x.
        """
        work = x.float() if x.dtype.itemsize < 4 else x
        mean, var = self._buffers.get("running_mean"), self._buffers.get("running_var")
        if training or mean is None or var is None:
            if x.shape[0] == 1 and self.single_row == "raise":
                raise ValueError(
                    "one value a channel has no variance to normalize with in training"
                )
            correction = self.correction.normalizing
            y, saved = forward(work, gamma, beta, eps=self.eps, correction=correction)
        else:
            # Copies: a backward may come after a later batch has moved the buffers.
            mean, var = mean.clone(), var.clone()
            y, saved = forward_by(work, gamma, beta, eps=self.eps, mean=mean, var=var)
        return y if y.dtype == x.dtype else y.to(x.dtype), saved

    def normalize_by(self, x: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, Saved]:
        """Normalize x (n, C) by a mean and variance from anywhere, as evaluation does."""
        work = x.float() if x.dtype.itemsize < 4 else x
        y, saved = forward_by(work, *self._affine(), eps=self.eps, mean=mean, var=var)
        return y if y.dtype == x.dtype else y.to(x.dtype), saved

    def _affine(self) -> tuple[Tensor | None, Tensor | None]:
        """gamma and beta; a pruned, parametrized or replicated layer has them elsewhere."""
        try:
            return self._parameters["weight"], self._parameters["bias"]
        except KeyError:
            return self.weight, self.bias

    def _track(self, mean: Tensor, var: Tensor, n: int, keep_inf: bool) -> None:
        """Move the running statistics towards this batch's, each by its own convention.

        `keep_inf` keeps a statistic that has overflowed infinite, as the formula does; `lerp_`, one
        operation less and equal up to rounding, computes inf - inf. It is for training code that
        ends at the first infinite loss. Autograd must not record this.
        """
        # From where they are kept: as attributes of a module each takes a microsecond to find.
        running_mean, running_var, count = map(self._buffers.get, STATISTICS)
        if running_mean is None or running_var is None or count is None:
            return
        count.add_(1)
        share = 1 / int(count) if self.momentum is None else self.momentum
        if n > 0:
            _move(running_mean, mean, share, keep_inf)
        if (wanted := n - self.correction.running) > 0:
            divisor = max(n - self.correction.normalizing, 1)
            taken = var if divisor == wanted else var * (divisor / wanted)
            if self.correction.std:
                _move(running_var.sqrt_(), taken.sqrt(), share, keep_inf)
                running_var.square_()
            else:
                _move(running_var, taken, share, keep_inf)

    def _check(self, x: Tensor) -> None:
        if not isinstance(x, Tensor):
            raise TypeError(
                f"x is a {type(x).__name__}, but BatchNorm1d takes a tensor; torch.fx takes it as"
                " a leaf from a Tracer whose is_leaf_module says so"
            )
        if not x.is_floating_point():
            raise TypeError(f"x is {x.dtype}, but BatchNorm1d takes a floating point tensor")
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
            shape, dim = tuple(x.shape), self.num_features
            raise ValueError(
                f"x has shape {shape}, but BatchNorm1d takes (N, {dim}) or (N, {dim}, L)"
            )

    def extra_repr(self) -> str:
        """The settings, as `print` shows them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, track_running_stats={self.track_running_stats}, "
            f"correction={tuple(self.correction)}, single_row={self.single_row!r}"
        )

    @classmethod
    def from_torch(cls, bn: nn.BatchNorm1d) -> Self:
        """The same layer, bit for bit, with torch's variance convention and its single-row rule.

        Raises:
            TypeError: It is no `torch.nn.BatchNorm1d`.
        """
        return conversion.from_torch(cls, bn, correction=TORCH, single_row="raise")

    def to_torch(self) -> nn.BatchNorm1d:
        """The same numbers in torch's layer, whose own convention applies to later batches."""
        return conversion.to_torch(self)


def _move(running: Tensor, batch: Tensor, share: float, keep_inf: bool) -> None:
    """running = (1 - share) running + share batch, in place."""
    batch = batch if batch.dtype == running.dtype else batch.to(running.dtype)
    if keep_inf:
        running.mul_(1 - share).add_(batch, alpha=share)
    else:
        running.lerp_(batch, share)


def _correction(given: str | tuple[int, int] | Correction) -> Correction:
    if isinstance(given, str):
        if given not in CORRECTIONS:
            raise ValueError(
                f"correction is {given!r}, but it takes {', '.join(map(repr, CORRECTIONS))}"
            )
        return CORRECTIONS[given]
    return Correction(*given)


def _check_settings(num_features: int, eps: float, momentum: float | None) -> None:
    if num_features < 1:
        raise ValueError(f"num_features is {num_features}, but it takes a whole number from 1")
    if not eps >= 0:
        raise ValueError(f"eps is {eps}, but it takes a number from 0")
    if momentum is not None and not 0 <= momentum <= 1:
        raise ValueError(f"momentum is {momentum}, but it takes a number from 0 to 1, or None")
