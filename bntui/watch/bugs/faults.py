"""The faults: each a training run with one piece replaced, as people have reported it."""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bntui.watch.bugs.training import CLASSES, EXAMPLES, FEATURES, WIDTH, Training


class MomentumZero(Training):
    """momentum=0, taken over from another framework."""

    momentum = 0.0


class MomentumInverted(Training):
    """momentum=0.99, as TensorFlow counts it."""

    momentum = 0.99


class ValidationInTrainMode(Training):
    """no_grad(), but no eval()."""

    @torch.no_grad()
    def validate(self) -> None:
        """Evaluate on other examples, in train mode."""
        self.evaluated(2.0 * self.x[:64] + 5.0)


class StuckInEval(Training):
    """train() once before the first epoch only."""

    def epoch(self) -> None:
        """Learn from every batch, in whatever mode the last validation left."""
        for x, y in self.batches():
            self.step(x, y)
        self.validate()


class TinyBatches(Training):
    """Gradients accumulate over micro-batches of eight."""

    def step(self, x: Tensor, y: Tensor) -> None:
        """Learn from a batch in parts."""
        self.optimizer.zero_grad()
        for rows in torch.arange(len(x)).split(8):
            (self.loss(x[rows], y[rows]) * len(rows) / len(x)).backward()
        self.optimizer.step()
        self.steps += 1


class RaggedBatch(Training):
    """An epoch ends with a batch of two."""

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """All batches but the last are full."""
        order = torch.randperm(EXAMPLES, generator=self.generator)[: EXAMPLES - 30]
        for rows in order.split(self.batch_size):
            yield self.x[rows], self.y[rows]


class SortedByClass(Training):
    """Batches of one class each."""

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """In the order of the classes, not shuffled."""
        for rows in self.y.argsort(stable=True).split(self.batch_size):
            yield self.x[rows], self.y[rows]


class AverageOfParameters(Training):
    """The moving average that is evaluated copies parameters() and no buffers."""

    def make_evaluated(self) -> nn.Module:
        """A copy of the network, to hold the average."""
        return deepcopy(self.model)

    def step(self, x: Tensor, y: Tensor) -> None:
        """Learn from a batch and update the average."""
        super().step(x, y)
        with torch.no_grad():
            for ours, theirs in zip(
                self.evaluated.parameters(), self.model.parameters(), strict=True
            ):
                ours.lerp_(theirs, 0.1)


class Checkpointed(Training):
    """Activation checkpointing runs BatchNorm again in the backward pass."""

    def forward(self, x: Tensor) -> Tensor:
        """The network's outputs, without keeping its activations."""
        logits: Tensor = checkpoint(self.model, x, use_reentrant=False)
        return logits


class DropoutBefore(Training):
    """Dropout right before BatchNorm."""

    def block(self, inputs: int, outputs: int) -> list[nn.Module]:
        """A hidden layer with dropout."""
        linear, bn, relu = super().block(inputs, outputs)
        return [linear, nn.Dropout(0.5), bn, relu]


class SkippedStep(Training):
    """A batch with infinity: its step is skipped, its forward pass was not."""

    def step(self, x: Tensor, y: Tensor) -> None:
        """Learn from a batch whose loss is finite."""
        if self.steps == 200:
            x = x.clone()
            x[0, 0] = torch.inf
        self.optimizer.zero_grad()
        loss = self.loss(x, y)
        if loss.isfinite():
            loss.backward()
            self.optimizer.step()
        self.steps += 1


class NoRunningStatistics(Training):
    """track_running_stats=False."""

    def block(self, inputs: int, outputs: int) -> list[nn.Module]:
        """A hidden layer that normalizes by the batch in both modes."""
        linear, _, relu = super().block(inputs, outputs)
        return [linear, nn.BatchNorm1d(outputs, track_running_stats=False), relu]


class InAList(nn.Module):
    """Blocks in a plain list."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = blocks
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """All blocks, then the head."""
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(x)
        return logits


class Unregistered(Training):
    """Layers that modules() does not know."""

    def make_model(self) -> nn.Module:
        """The network, its blocks in a list."""
        return InAList([*self.block(FEATURES, WIDTH), *self.block(WIDTH, WIDTH)])


FAULTS: dict[str, type[Training]] = {
    "momentum-zero": MomentumZero,
    "momentum-inverted": MomentumInverted,
    "update-without-step": ValidationInTrainMode,
    "stuck-in-eval": StuckInEval,
    "tiny-batch": TinyBatches,
    "ragged-batch": RaggedBatch,
    "non-iid-batches": SortedByClass,
    "never-updated": AverageOfParameters,
    "double-update": Checkpointed,
    "dropout-before-bn": DropoutBefore,
    "nonfinite-buffers": SkippedStep,
    "no-running-stats": NoRunningStatistics,
    "unregistered-bn": Unregistered,
}
"""By the rule that finds them."""
