"""Networks trained in lockstep: the same initial draws, the same batches."""

import copy
from math import isfinite

import torch
from torch import Tensor

from bntui.config import Norm, RunConfig
from bntui.core.data import Dataset
from bntui.core.model import CharMLP

DIVERGED = 10.0
"""Times its first loss: an arm whose loss goes beyond has diverged.

Plain SGD on a sound learning rate never comes near (the notebook's losses stay under their first),
while one too large multiplies the loss within a step or two.
"""

LR_DROP = 10
"""Divides the learning rates at the step `lr_drop` (makemore part 3)."""


class Arm:
    """One network, its random numbers, what it is trained with, and how it fares."""

    def __init__(self, name: str, norm: Norm, config: RunConfig, vocabulary: int) -> None:
        self.name, self.lr = name, config.lr
        self.generator = torch.Generator().manual_seed(config.seed)
        self.model = CharMLP(config, vocabulary, norm, self.generator)
        self.loss = float("nan")
        self.first_loss: float | None = None
        self.alive = True
        self.diverged_at: int | None = None

    def draw(self, examples: int, batch_size: int) -> Tensor:
        """The next batch: indices (batch_size,), with repeats."""
        return torch.randint(0, examples, (batch_size,), generator=self.generator)

    def note(self, loss: float, step: int) -> None:
        """Take in the loss of `step`; one that is not finite is the arm's last."""
        self.loss = loss
        self.alive = isfinite(loss)
        if self.first_loss is None:
            self.first_loss = loss
        if self.diverged_at is None and not loss <= DIVERGED * self.first_loss:
            self.diverged_at = step

    @torch.inference_mode()
    def fork(self, name: str) -> "Arm":
        """A copy that shares nothing; whether it diverges is seen anew."""
        fork = copy.deepcopy(self)
        fork.name, fork.diverged_at = name, None
        return fork


class Trainer:
    """The sole owner of the models; `steps_done` is also the number of the next step.

    Between steps `arms` may come and go, and what they are trained with may change; `batch_size`
    is that of all.
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.config, self.dataset = config, dataset
        self.batch_size = config.batch_size
        self.steps_done = 0
        self.arms = [
            Arm(name, norm, config, len(dataset.vocabulary))
            for name, norm in zip(config.arm_names, config.arms, strict=True)
        ]

    @torch.inference_mode()
    def step(self) -> None:
        """Train every arm that is alive on its next batch."""
        if self.steps_done == self.config.lr_drop:
            for arm in self.arms:
                arm.lr /= LR_DROP
        for arm in self.arms:
            if arm.alive:
                ix = arm.draw(len(self.dataset), self.batch_size)
                loss = arm.model.train_step(*self.dataset.batch(ix), arm.lr)
                arm.note(loss.item(), self.steps_done)
        self.steps_done += 1
