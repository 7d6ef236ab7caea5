"""Precise statistics: what BatchNorm's running averages stand for, from the whole training set.

Running averages lag behind weights that move, and weigh the newest batches most. The population's
own mean and variance need one pass with the weights as they are: S. Ioffe and C. Szegedy,
arXiv:1502.03167, algorithm 2; Y. Wu and J. Johnson, "Rethinking 'Batch' in BatchNorm" (2021),
arXiv:2105.07576, section 3, "precise BN"; and the calibration of makemore part 3.
"""

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP
from bntui.core.nn.normalization import BatchNorm

Moments = tuple[Tensor, Tensor]
"""Mean and variance (C,)."""

MOST_NUMBERS = 2**26
"""Outputs of a layer that are held at once (256 MiB); of more examples, evenly spaced ones stand
for all."""

_ROWS = 8192
"""Examples computed together."""


@torch.inference_mode()
def precise_statistics(model: CharMLP, contexts: Tensor) -> list[Moments]:
    """The mean and variance of every BatchNorm layer's input over contexts (N, block_size).

    The pass goes layer by layer, all examples through one before any enters the next, and a layer
    normalizes by its own precise statistics, unless it is bypassed. So they are consistent: put
    into the buffers, they are exactly the statistics of what each layer then sees in evaluation
    mode. (Averages of batch statistics would depend on the batch size in every layer after the
    first.) The variance's divisor is that of the layer's running variance. The model is left as it
    is, bit for bit.
    """
    rows = list(torch.split(_sample(contexts, _widest(model)), _ROWS))
    found: list[Moments] = []
    for layer in model.layers:
        if isinstance(layer, BatchNorm):
            found.append(_moments(rows, layer.bn.correction.running))
        for place, x in enumerate(rows):
            if isinstance(layer, BatchNorm) and layer.on:
                rows[place], _ = layer.bn.normalize_by(x, *found[-1])
            else:
                rows[place] = layer.compute(x, training=False)
    return found


def _sample(contexts: Tensor, width: int) -> Tensor:
    """All contexts, or every k-th where a layer's outputs for all would be too many."""
    return contexts[:: -(-len(contexts) * width // MOST_NUMBERS)]


def _widest(model: CharMLP) -> int:
    """The most numbers that any layer gives for an example."""
    sizes = [param.shape[-1] for layer in model.layers[1:] for param in layer.params]
    return max(sizes)


def _moments(rows: list[Tensor], correction: int) -> Moments:
    """Over all rows, in double precision; one row alone has the variance 0."""
    n = sum(map(len, rows))
    mean = torch.stack([x.sum(0, dtype=torch.float64) for x in rows]).sum(0) / n
    squares = torch.stack([(x - mean).square_().sum(0) for x in rows]).sum(0)
    var = squares / max(n - correction, 1)
    return mean.to(rows[0].dtype), var.to(rows[0].dtype)
