"""Two networks trained in lockstep: the same initial draws, the same batches."""

from math import isfinite

import torch
from torch import Tensor

from bntui.config import BN, RunConfig
from bntui.core.data import Dataset
from bntui.core.model import CharMLP

DIVERGED = 10.0
"""Times its first loss: an arm whose loss goes beyond has diverged.

Plain SGD on a sound learning rate never comes near (the notebook's losses stay under their first),
while one too large multiplies the loss within a step or two.
"""


class Arm:
    """One network, its random numbers, and how it fares."""

    def __init__(self, name: str, config: RunConfig, vocabulary: int) -> None:
        self.name = name
        self.generator = torch.Generator().manual_seed(config.seed)
        self.model = CharMLP(config, vocabulary, name == BN, self.generator)
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


class Trainer:
    """The sole owner of the models; `steps_done` is also the number of the next step."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.config, self.dataset = config, dataset
        self.steps_done = 0
        self.arms = [Arm(name, config, len(dataset.vocabulary)) for name in config.arm_names]

    @torch.inference_mode()
    def step(self) -> None:
        """Train every arm that is alive on its next batch."""
        for arm in self.arms:
            if arm.alive:
                ix = arm.draw(len(self.dataset), self.config.batch_size)
                loss = arm.model.train_step(*self.dataset.batch(ix), self.config.lr)
                arm.note(loss.item(), self.steps_done)
        self.steps_done += 1
