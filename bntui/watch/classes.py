"""Which class each example is of, read off the gradient at the logits.

That of softmax cross-entropy is p - 1 at the target and p elsewhere (arxiv.org/abs/2001.02610 reads
labels off it): a row's one negative entry is its target, and the row sums to 0. With soft targets
and with other losses rows are not so, and say nothing.
"""

import torch
from torch import Tensor

from bntui.watch.readout import Readout
from bntui.watch.statistics import FEW, Moments

MOST_VALUES = 2**20
"""Larger gradients are left alone."""

ROUNDING = 0.01
"""Of a row's absolute sum, what its sum may differ from 0 by: bfloat16 rounds to 1/256."""

READABLE = 0.9
"""Share of the rows that must be so: the more certain examples of a loss near 0 have rows of exact
zeros, and may be of some classes rather than others."""


class Classes:
    """How the shares of classes differ from batch to batch."""

    def __init__(self) -> None:
        self._shares, self._readable = Moments(), Moments()
        self._batches: list[tuple[Tensor, int]] = []
        self._width = 0

    def read(self, gradient: Tensor) -> None:
        """Take along one batch's gradient at the output; of logits it is (N, K)."""
        if gradient.dim() != 2 or not 0 < gradient.numel() <= MOST_VALUES:
            return
        if gradient.shape[1] < 2 or self._width not in {0, gradient.shape[1]}:
            return
        self._width = gradient.shape[1]
        with torch.no_grad():
            self._batches.append((targets(gradient), len(gradient)))

    def ask(self, key: object, readout: Readout) -> None:
        """Have scatter, its share and how many rows could be read put into the readout."""
        batches, self._batches = self._batches, []
        for of, examples in batches:
            var, mean = torch.var_mean(of, 0, correction=0)
            self._shares.add(mean, var, examples)
            self._readable.add(mean.sum()[None], var[:1], examples)
        settled = self._shares.settled
        if settled.count >= FEW:
            ratio, share = settled.scatter()
            most = ratio.new_tensor(settled.examples).sqrt()  # each batch is of one class
            readable = self._readable.settled.mean[0]
            readout.add(key, torch.stack([ratio.minimum(most), share, readable]))

    def facts(self, found: list[float | None]) -> tuple[float | None, float | None, int]:
        """Scatter, its share and of how many batches, from what was read."""
        ratio, share, readable = found or (None, None, None)
        if readable is None or readable < READABLE:
            return None, None, 0
        return ratio, share, self._shares.settled.count


def targets(gradient: Tensor) -> Tensor:
    """(N, K): 1 at each row's target; all 0 in a row that says nothing."""
    negative = gradient < 0
    sums = gradient.sum(1).abs() <= ROUNDING * gradient.abs().sum(1)
    return (negative & (sums & (negative.sum(1) == 1))[:, None]).float()
