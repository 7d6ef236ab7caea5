"""The loss of one network's weights on the same examples, by whose statistics it normalizes.

The rungs tell apart what lies between training and evaluation mode: the running averages' lag
(running against precise), the noise of a small batch (n), and batches that are not drawn at random
(by class; see S. Ioffe, "Batch Renormalization" (2017), arXiv:1702.03275).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP
from bntui.core.nn.normalization import BatchNorm
from bntui.core.nn.precise import Moments, precise_statistics
from bntui.core.probes.modes import SIZES
from bntui.core.probes.numbers import affordable, plain
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Ladder

EXAMPLES = 4096
"""Of the training set, its first; fewer where the network is so large that they take long."""

FEWEST_ORDERS, MOST_ORDERS = 2, 8
"""Random orders in which examples are put into batches; the losses are means over them. One order
alone has a standard deviation of 0.6 at n = 2 in the notebook's run."""


@torch.inference_mode()
def ladder(trainer: Trainer, arm: Arm) -> Ladder | None:
    """Every rung; None where no layer normalizes by a batch."""
    model, dataset = arm.model, trainer.dataset
    if not any(layer.on for layer in model.batchnorms):
        return None
    contexts, targets = dataset.first(min(EXAMPLES, affordable(model)))
    sizes = [n for n in SIZES if n < len(targets)] + [len(targets)]
    # Over the training set, or evenly spaced examples of it where all would take too long.
    sample, _ = dataset.spread(affordable(model))
    precise = dict(zip(model.batchnorms, precise_statistics(model, sample), strict=True))
    running, of_all = plain(
        torch.stack(
            [
                model.loss(contexts, targets, training=False),
                _loss(model, contexts, targets, lambda layer, _: precise[layer]),
            ]
        )
    )
    passes = affordable(model) // (2 * len(sizes) * len(targets))
    orders = min(max(passes, FEWEST_ORDERS), MOST_ORDERS)
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randperm(len(targets), generator=generator) for _ in range(orders)]
    batch = _over_orders(model, contexts, targets, drawn, sizes)
    sorted_by_class = [order[targets[order].argsort(stable=True)] for order in drawn]
    by_class = _over_orders(model, contexts, targets, sorted_by_class, sizes)
    return Ladder(
        arm=arm.name,
        step=trainer.steps_done,
        examples=len(targets),
        running=running,
        precise=of_all,
        sizes=sizes,
        batch=plain(batch.mean(0)),
        by_class=plain(by_class.mean(0)),
        precise_examples=len(sample),
        orders=orders,
        spread=plain(batch.std(0)),
    )


def _over_orders(
    model: CharMLP, contexts: Tensor, targets: Tensor, orders: list[Tensor], sizes: list[int]
) -> Tensor:
    """The losses (orders, sizes) of the same examples in batches of n, put in order by order."""
    losses = [
        torch.stack([_loss_in_batches(model, contexts[o], targets[o], n) for n in sizes])
        for o in orders
    ]
    return torch.stack(losses)


def _loss_in_batches(model: CharMLP, contexts: Tensor, targets: Tensor, n: int) -> Tensor:
    """The mean over all examples, n after n normalized by their own statistics."""
    return _loss(
        model,
        contexts,
        targets,
        lambda layer, x: batch_moments(x, n, layer.bn.correction.normalizing),
    )


def _loss(
    model: CharMLP,
    contexts: Tensor,
    targets: Tensor,
    moments: Callable[[BatchNorm, Tensor], Moments],
) -> Tensor:
    """The loss () where BatchNorm layers normalize their input by `moments`."""
    x = contexts
    for layer in model.layers:
        if isinstance(layer, BatchNorm) and layer.on:
            x, _ = layer.bn.normalize_by(x, *moments(layer, x))
        else:
            x = layer.compute(x, training=False)
    return model.cross_entropy.compute(x, targets)


def batch_moments(x: Tensor, n: int, correction: int) -> Moments:
    """For every row of x (N, C) the mean and variance (N, C) of its batch, n rows after n rows.

    The last batch has what is left. A batch with no more rows than `correction` has variance 0.
    """
    whole = len(x) // n * n
    parts = [x[:whole].view(-1, n, x.shape[1]), x[whole:][None]]
    found = [_moments(part, correction) for part in parts if part.shape[1]]
    mean, var = (torch.cat(kind) for kind in zip(*found, strict=True))
    return mean, var


def _moments(batches: Tensor, correction: int) -> Moments:
    """Of (B, n, C) over n, repeated for every row: (B * n, C) each."""
    mean = batches.mean(1, keepdim=True)
    squares = (batches - mean).square().sum(1, keepdim=True)
    var = squares / max(batches.shape[1] - correction, 1)
    return mean.expand_as(batches).flatten(0, 1), var.expand_as(batches).flatten(0, 1)
