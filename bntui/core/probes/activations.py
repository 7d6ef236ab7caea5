"""What the hidden layers give on the batches to come."""

import torch
from torch import Tensor

from bntui.core.nn.activations import Activation
from bntui.core.nn.ghost import parts
from bntui.core.nn.layers import Layer
from bntui.core.nn.normalization import BatchNorm
from bntui.core.probes.numbers import histogram, plain
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Activations

BATCHES, EXAMPLES, NUMBERS = 20, 2**18, 2**24
"""The notebook's batches, pooled; fewer, but at least one, where they would be more examples than
that, or more numbers in a layer."""


def pooled(batch_size: int, width: int) -> int:
    """How many batches are pooled, where the widest layer has `width` outputs."""
    return max(1, min(BATCHES, min(EXAMPLES, NUMBERS // width) // batch_size))


@torch.inference_mode()
def activations(trainer: Trainer, arm: Arm) -> list[Activations]:
    """Histogram and saturation of every hidden layer, first to last, over the batches to come."""
    width = max(trainer.config.hidden, trainer.config.block_size * trainer.config.emb)
    contexts, _ = trainer.dataset.batch(trainer.peek(pooled(trainer.batch_size, width)))
    x, events = contexts.flatten(0, 1), list[Activations]()
    last = arm.model.layers.index(arm.model.activations[-1])
    for layer in arm.model.layers[: last + 1]:
        x = _of_batches(layer, x, contexts.shape[1])
        if isinstance(layer, Activation):
            events.append(_event(layer, x, arm.name, len(events), trainer.steps_done))
    return events


def _of_batches(layer: Layer, x: Tensor, size: int) -> Tensor:
    """A layer's output for batches laid end to end; only BatchNorm sees where each ends."""
    if not isinstance(layer, BatchNorm):
        return layer.compute(x, training=True)
    return torch.cat([layer.compute(part, training=True) for part in parts(x, size)])


def _event(layer: Activation, h: Tensor, arm: str, place: int, step: int) -> Activations:
    low, high = layer.bounds(h)
    share = torch.where(h.sum().isfinite(), layer.flat(h).float().mean(), torch.nan)
    return Activations(
        arm=arm,
        layer=place,
        step=step,
        n=h.numel(),
        counts=histogram(h, low, high),
        saturation=plain(share[None])[0],
        low=low,
        high=high,
    )
