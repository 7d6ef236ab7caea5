"""Losses by split: whether what is learned holds for words that were not trained on."""

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP
from bntui.core.probes.modes import SAMPLE
from bntui.core.probes.numbers import plain
from bntui.core.training.dataset import Examples
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import SplitLosses

MOST_WORK = 2**34
"""Multiplications for one split's loss, a second or two; makemore's training set through its deep
network takes half. Of more examples evenly spaced ones stand for all."""

_ROWS = 8192
"""Examples computed together."""


@torch.inference_mode()
def split_losses(trainer: Trainer, arm: Arm, full: bool) -> list[SplitLosses]:
    """Evaluation-mode losses of train, validation and test, on at most SAMPLE examples of each.

    Where `full`, on more examples too, if there are more: a curve is of one sample throughout.
    A split without examples has no loss; data that is not split has no such losses at all.
    """
    if not trainer.dataset.held_out:
        return []
    splits: dict[str, Examples] = {"train": trainer.dataset, **trainer.dataset.held_out}
    weights = sum(param.numel() for layer in arm.model.layers for param in layer.params)
    most = max(SAMPLE, MOST_WORK // weights)
    more = full and any(len(examples) > SAMPLE for examples in splits.values()) and most > SAMPLE
    return [_measured(trainer, arm, splits, n) for n in ([SAMPLE, most] if more else [SAMPLE])]


def _measured(trainer: Trainer, arm: Arm, splits: dict[str, Examples], most: int) -> SplitLosses:
    batches = {name: examples.spread(most) for name, examples in splits.items()}
    return SplitLosses(
        arm=arm.name,
        step=trainer.steps_done,
        losses={name: plain(_loss(arm.model, *batch)[None])[0] for name, batch in batches.items()},
        examples={name: len(targets) for name, (_, targets) in batches.items()},
    )


def _loss(model: CharMLP, contexts: Tensor, targets: Tensor) -> Tensor:
    """The mean loss () over all, in pieces; NaN over none."""
    if not len(targets):
        return torch.tensor(torch.nan)
    pieces = zip(torch.split(contexts, _ROWS), torch.split(targets, _ROWS), strict=True)
    sums = [model.loss(x, y, training=False).cpu().double() * len(y) for x, y in pieces]
    return torch.stack(sums).sum() / len(targets)
