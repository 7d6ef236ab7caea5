"""What a hidden layer gives on the batches to come."""

import torch
from torch import Tensor

from bntui.core.probes.numbers import histogram, plain
from bntui.core.trainer import Arm, Trainer
from bntui.protocol import Activations

BATCHES = 20
"""The notebook's, pooled."""


@torch.inference_mode()
def activations(trainer: Trainer, arm: Arm, layer: int) -> Activations:
    """Histogram and saturation of a hidden layer over the batches to come."""
    h = torch.cat([_hidden(trainer, arm, layer, ix) for ix in trainer.peek(BATCHES)])
    activation = arm.model.activations[layer]
    low, high = activation.bounds(h)
    share = torch.where(h.sum().isfinite(), activation.flat(h).float().mean(), torch.nan)
    return Activations(
        arm=arm.name,
        layer=layer,
        step=trainer.steps_done,
        n=h.numel(),
        counts=histogram(h, low, high),
        saturation=plain(share[None])[0],
        low=low,
        high=high,
    )


def _hidden(trainer: Trainer, arm: Arm, layer: int, ix: Tensor) -> Tensor:
    contexts, _ = trainer.dataset.batch(ix)
    return arm.model.hidden(contexts, layer, training=True)
