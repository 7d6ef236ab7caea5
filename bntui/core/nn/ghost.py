"""Ghost batches: BatchNorm over parts of a batch, so that noise and batch size come apart.

E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better: closing the generalization
gap in large batch training of neural networks" (2017), arXiv:1705.08741, algorithm 1: each part of
`size` examples is normalized by its own statistics, and the running statistics take the parts in
one after another, so that a batch of P parts moves them P times. Evaluation is BatchNorm's own.
"""

import torch
from torch import Tensor

from bntui.core.nn import batchnorm
from bntui.core.nn.batchnorm import BatchNorm1d
from bntui.core.nn.normalization import BatchNorm


def parts(x: Tensor, size: int) -> list[Tensor]:
    """Consecutive rows of x, `size` at a time; the last part has what is left."""
    return list(torch.split(x, size))


class GhostBatchNorm(BatchNorm):
    """BatchNorm over parts of `size` examples; `saved` is the last part's.

    Raises:
        ValueError: size is less than 1.
    """

    def __init__(self, bn: BatchNorm1d, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}, but it takes a whole number from 1")
        self.size = size
        super().__init__(bn)

    def _compute(self, x: Tensor, training: bool) -> Tensor:
        size = self.size if training else max(len(x), 1)
        each = (self.bn.normalize(part, training, update=False) for part in parts(x, size))
        return torch.cat([out for out, _ in each])

    def _forward(self, x: Tensor) -> Tensor:
        each = [self.bn.normalize(part, training=True) for part in parts(x, self.size)]
        self._saved = [saved for _, saved in each]
        self.saved = self._saved[-1]
        return torch.cat([out for out, _ in each])

    def _backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        pairs = zip(self._saved, parts(grad, self.size), strict=True)
        grad_x, *of_params = zip(*(batchnorm.backward(*pair) for pair in pairs), strict=True)
        return torch.cat(grad_x), *(torch.stack(grads).sum(0) for grads in of_params)
