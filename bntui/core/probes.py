"""Measurements of a trainer that leave no trace in it, bit for bit.

They compute with the layers' `compute`, which keeps and moves nothing, and peek at the batches to
come.
"""

from collections.abc import Iterable
from math import isfinite

import torch
from torch import Tensor

from bntui.core.trainer import Arm, Trainer
from bntui.protocol import Activations, Column, ModeLosses

BATCHES, BINS = 20, 50
"""The notebook's: batches pooled, and bins."""

SIZES = (1, 2, 4, 8, 32)
SAMPLE = 1024
"""Examples that stand for all where all are too many to measure in passing."""

MOST = 65_536
"""Examples of a data set that are measured even where there is time."""


def shorten(numbers: Tensor) -> Tensor:
    """Rounded to six significant digits, as float64, so that they print short."""
    exact = numbers.double()
    digits = 5 - exact.abs().clamp(min=1e-300).log10().floor()
    up, down = 10.0 ** digits.clamp(min=0), 10.0 ** (-digits).clamp(min=0)
    return torch.where(exact.isfinite(), (exact * up / down).round() * down / up, exact)


def plain(numbers: Tensor) -> Column:
    """(K,) as a list for an event, shortened."""
    return finite(shorten(numbers).tolist())


def finite(values: Iterable[float]) -> Column:
    """The same numbers, None for those that are not finite."""
    return [value if isfinite(value) else None for value in values]


@torch.inference_mode()
def activations(trainer: Trainer, arm: Arm, layer: int) -> Activations:
    """Histogram and saturation of a hidden layer over the batches that would come next."""
    h = torch.cat([_hidden(trainer, arm, layer, ix) for ix in trainer.peek(BATCHES)])
    activation = arm.model.activations[layer]
    low, high = activation.bounds(h)
    return Activations(
        arm=arm.name,
        layer=layer,
        step=trainer.steps_done,
        n=h.numel(),
        counts=torch.histc(h, BINS, low, high).long().tolist(),
        saturation=plain(activation.flat(h).float().mean()[None])[0] if _is_finite(h) else None,
        low=low,
        high=high,
    )


def _is_finite(x: Tensor) -> bool:
    return bool(x.sum().isfinite())


def _hidden(trainer: Trainer, arm: Arm, layer: int, ix: Tensor) -> Tensor:
    contexts, _ = trainer.dataset.batch(ix)
    return arm.model.hidden(contexts, layer, training=True)


def sizes(examples: int) -> list[int]:
    """The n at which both modes are compared: 1, 2, 4, 8, 32, a sample of many, all."""
    wanted = {*SIZES, SAMPLE, min(examples, MOST)}
    return sorted(n for n in wanted if n <= examples)


@torch.inference_mode()
def mode_losses(trainer: Trainer, arm: Arm, thorough: bool) -> ModeLosses:
    """The loss of the first n examples in both modes; beyond SAMPLE only where `thorough`."""
    ns = sizes(len(trainer.dataset))
    contexts, targets = trainer.dataset.first(ns[-1] if thorough else min(ns[-1], SAMPLE))
    losses = {
        training: torch.stack(
            [
                arm.model.loss(contexts[:n], targets[:n], training)
                if n <= len(contexts)
                else torch.tensor(torch.nan)
                for n in ns
            ]
        )
        for training in (True, False)
    }
    return ModeLosses(arm.name, trainer.steps_done, ns, plain(losses[True]), plain(losses[False]))
