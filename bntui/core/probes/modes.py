"""The loss of the same weights in training and in evaluation mode."""

import torch

from bntui.core.probes.numbers import plain
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import ModeLosses

SIZES = (1, 2, 4, 8, 32)
SAMPLE = 1024
"""Examples that stand for all where all are too many to measure in passing."""

MOST = 65_536
"""Examples of a data set that are measured even where there is time."""


def sizes(examples: int) -> list[int]:
    """The n at which both modes are compared: 1, 2, 4, 8, 32, a sample of many, all."""
    wanted = {*SIZES, SAMPLE, min(examples, MOST)}
    return sorted(n for n in wanted if n <= examples)


@torch.inference_mode()
def mode_losses(trainer: Trainer, arm: Arm, full: bool) -> ModeLosses:
    """The loss of the first n examples in both modes; beyond SAMPLE only where `full`."""
    ns = sizes(len(trainer.dataset))
    contexts, targets = trainer.dataset.first(ns[-1] if full else min(ns[-1], SAMPLE))
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
