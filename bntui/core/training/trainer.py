"""Networks trained in lockstep: the same initial draws, the same batches."""

import copy
from collections.abc import Callable
from math import isfinite, log

import torch
from torch import Generator, Tensor

from bntui.config.schema import Norm, RunConfig
from bntui.core.nn.model import CharMLP
from bntui.core.training.dataset import Dataset
from bntui.core.training.divergence import START, Divergence, Turn

LR_DROP = 10
"""Divides the learning rates at step `lr_drop` (makemore part 3)."""

AHEAD, EXAMPLES_AHEAD = 128, 4096
"""Most steps, and about the most examples, drawn and gathered at once."""

AfterStep = Callable[["Arm", int], None]
"""Called with a network and the number of the step it has just made."""


class Arm:
    """One network in training; `losses` and `turns` are those of the last steps made."""

    def __init__(
        self, name: str, norm: Norm, config: RunConfig, dataset: Dataset, generator: Generator
    ) -> None:
        self.name = name
        vocabulary = len(dataset.vocabulary)
        self.model = CharMLP(config, vocabulary, norm, generator)
        self.lr, self.weight_decay = config.lr, config.weight_decay
        self.losses: list[float] = []
        self.loss = float("nan")
        self.alive = True
        self.turns: list[Turn] = []
        with torch.inference_mode():
            start = self.model.loss(*dataset.spread(START), training=True)
        self._divergence = Divergence(log(vocabulary), start)

    @property
    def diverged_at(self) -> int | None:
        """The step at which it diverged; None if it has not, or has recovered."""
        return self._divergence.since

    def train(self, contexts: Tensor, targets: Tensor, first: int, after: AfterStep) -> None:
        """Make a step per batch of contexts (K, n, block_size) and targets (K, n).

        A loss that is not finite is the network's last.
        """
        losses = []
        for step, batch in enumerate(zip(contexts, targets, strict=True), first):
            loss = self._step(*batch)
            losses.append(loss)
            # Another device is not waited for: there `_note` cuts off the steps after.
            if loss.is_cpu and not isfinite(loss.item()):
                break
            after(self, step)
        self._note(torch.stack(losses), first)

    def _step(self, contexts: Tensor, targets: Tensor) -> Tensor:
        """One step of SGD, w -= lr * (grad + weight_decay * w), on every parameter; the loss ().

        As torch.optim.SGD does it. The decay is added to the gradients in place, so that update
        ratios are those of the whole update; without decay there is no operation more.
        """
        loss = self.model.gradients(contexts, targets)
        if self.weight_decay:
            self.model.param_grads.add_(self.model.params, alpha=self.weight_decay)
        self.model.params.sub_(self.model.param_grads, alpha=self.lr)
        return loss

    def _note(self, of_steps: Tensor, first: int) -> None:
        """Record the losses (K,) of the steps from `first` on; waits for their device."""
        losses = of_steps.tolist()
        fatal = next((place for place, loss in enumerate(losses) if not isfinite(loss)), None)
        self.alive = fatal is None
        self.losses = losses if fatal is None else losses[: fatal + 1]
        self.loss = self.losses[-1]
        self.turns = self._divergence.note(self.losses, first)

    def fork(self, name: str) -> "Arm":
        """A copy that shares nothing, and has not diverged."""
        fork = copy.copy(self)
        fork.name, fork.model = name, self.model.fork()
        fork.turns, fork._divergence = [], copy.deepcopy(self._divergence)
        fork._divergence.since = None
        return fork


class Trainer:
    """The sole owner of the models; `steps_done` is also the number of the next step.

    All networks train on batches from one generator, which continues after their initial weights.
    Between steps networks may be added or removed, and settings may change.
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.config, self.dataset = config, dataset
        dataset.to(config.device)
        self.batch_size = config.batch_size
        self.steps_done = 0
        self._dropped = False
        self.arms: list[Arm] = []
        for name, norm in zip(config.arm_names, config.arms, strict=True):
            self.generator = Generator().manual_seed(config.seed)
            self.arms.append(Arm(name, norm, config, dataset, self.generator))

    @property
    def ahead(self) -> int:
        """The most steps to ask `advance` for at once."""
        return max(1, min(AHEAD, EXAMPLES_AHEAD // self.batch_size))

    def draw(self, steps: int) -> Tensor:
        """The next batches: indices (steps, batch_size), with repeats within a batch.

        The numbers do not depend on how the steps are split into calls.
        """
        size = (steps, self.batch_size)
        return torch.randint(0, len(self.dataset), size, generator=self.generator)

    def peek(self, steps: int) -> Tensor:
        """What `draw` will return, without drawing it."""
        state = self.generator.get_state()
        try:
            return self.draw(steps)
        finally:
            self.generator.set_state(state)

    def step(self) -> None:
        """One step of every network that is alive."""
        self.advance(1)

    @torch.inference_mode()
    def advance(self, steps: int, after: AfterStep = lambda arm, step: None) -> int:
        """Train every network that is alive on the next batches, one after the other.

        Returns the steps made: fewer than asked for if the last network dies, or up to the step at
        which the learning rate drops.
        """
        self.drop_lr()
        steps = self._until_drop(steps)
        contexts, targets = self.dataset.batch(self.peek(steps))
        for arm in self.arms:
            arm.losses, arm.turns = [], []
            if arm.alive:
                arm.train(contexts, targets, self.steps_done, after)
        made = max(len(arm.losses) for arm in self.arms) or steps
        self.draw(made)
        self.steps_done += made
        return made

    def drop_lr(self) -> list[tuple[Arm, float]]:
        """Divide the learning rates where the next step is `lr_drop`, once.

        Returns the networks whose rates dropped, and what they were.
        """
        if self._dropped or self.steps_done != self.config.lr_drop:
            return []
        self._dropped = True
        before = [(arm, arm.lr) for arm in self.arms]
        for arm in self.arms:
            arm.lr /= LR_DROP
        return before

    def scheduled_lr(self, lr: float, since: int) -> float:
        """The schedule's value now of what was the learning rate at step `since`."""
        drop = self.config.lr_drop
        return lr if drop is None or not since <= drop < self.steps_done else lr / LR_DROP

    def _until_drop(self, steps: int) -> int:
        """How many of the steps have one learning rate."""
        left = (self.config.lr_drop or 0) - self.steps_done
        return min(steps, left) if left > 0 else steps
