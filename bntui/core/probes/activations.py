"""What a hidden layer gives on the batches that would come next, drawn from a generator's copy."""

import torch
from torch import Tensor

from bntui.core.probes.numbers import histogram, plain
from bntui.core.trainer import Arm, Trainer
from bntui.protocol import Activations

BATCHES = 20
"""The notebook's, pooled."""


@torch.inference_mode()
def activations(trainer: Trainer, arm: Arm, layer: int) -> Activations:
    """Histogram and saturation of a hidden layer over the batches that would come next."""
    h = torch.cat([_hidden(trainer, arm, layer, ix) for ix in _next_batches(trainer, arm)])
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


def _next_batches(trainer: Trainer, arm: Arm) -> list[Tensor]:
    ahead = torch.Generator()
    ahead.set_state(arm.generator.get_state())
    size = (trainer.batch_size,)
    n = len(trainer.dataset)
    return [torch.randint(0, n, size, generator=ahead) for _ in range(BATCHES)]


def _hidden(trainer: Trainer, arm: Arm, layer: int, ix: Tensor) -> Tensor:
    contexts, _ = trainer.dataset.batch(ix)
    return arm.model.hidden(contexts, layer, training=True)
