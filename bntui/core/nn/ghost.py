"""Ghost batches: BatchNorm over parts of a batch, so that noise and batch size come apart.

E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better: closing the generalization
gap in large batch training of neural networks" (2017), arXiv:1705.08741, algorithm 1: each part of
`size` examples is normalized by its own statistics, and the running statistics take the parts in
one after another, so that a batch of P parts moves them P times. Evaluation is BatchNorm's own.
"""

import torch
from torch import Tensor, nn

from bntui.core.nn.batchnorm import BatchNorm1d


def parts(x: Tensor, size: int) -> list[Tensor]:
    """Consecutive rows of x, `size` at a time; the last part has what is left."""
    return list(torch.split(x, size))


class GhostBatchNorm1d(nn.Module):
    """A BatchNorm1d that in training sees `size` rows of the batch at a time.

    Raises:
        ValueError: size is less than 1.
    """

    def __init__(self, bn: BatchNorm1d, size: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size is {size}, but it takes a whole number from 1")
        self.bn, self.size = bn, size

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x, shaped as BatchNorm1d takes it, under autograd."""
        if not self.training:
            out: Tensor = self.bn(x)
            return out
        return torch.cat([self.bn(part) for part in parts(x, self.size)])
