"""A small training run as it should be; a fault replaces one piece of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Optimizer

from bntui.doctor.finding import Finding
from bntui.protocol import LayerFacts, WatchedLayer
from bntui.watch.handle import watch

CLASSES, FEATURES, WIDTH = 4, 8, 32
EXAMPLES, BATCH, EPOCHS = 512, 32, 15


@dataclass(frozen=True, slots=True)
class Score:
    """While the last epoch was trained; then of all examples, in train mode by the statistics of
    all of them and in eval mode.
    """

    trained_loss: float
    trained_accuracy: float
    train_loss: float
    train_accuracy: float
    eval_loss: float
    eval_accuracy: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run shows: its score, its layers, and what the doctor finds."""

    score: Score
    steps: int
    layers: list[tuple[WatchedLayer, LayerFacts]]
    findings: list[Finding]


class Training:
    """The run without a fault: Linear, BatchNorm, ReLU twice, on four classes of points."""

    batch_size = BATCH
    momentum: float | None = 0.1

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        centers = 2.0 * torch.randn(CLASSES, FEATURES, generator=self.generator)
        self.y = torch.randint(CLASSES, (EXAMPLES,), generator=self.generator)
        noise = torch.randn(EXAMPLES, FEATURES, generator=self.generator)
        self.x = 3.0 + 1.5 * (centers[self.y] + 1.5 * noise)
        self.model = self.make_model()
        self.evaluated = self.make_evaluated()
        self.optimizer: Optimizer = SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.steps = 0
        self.seen: list[tuple[float, float]] = []
        """Loss and accuracy of each batch that was trained on."""

    # The pieces that faults replace

    def make_model(self) -> nn.Module:
        """The network that is trained."""
        return nn.Sequential(
            *self.block(FEATURES, WIDTH), *self.block(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)
        )

    def block(self, inputs: int, outputs: int) -> list[nn.Module]:
        """A hidden layer."""
        linear = nn.Linear(inputs, outputs, bias=False)
        return [linear, nn.BatchNorm1d(outputs, momentum=self.momentum), nn.ReLU()]

    def make_evaluated(self) -> nn.Module:
        """The network that is evaluated."""
        return self.model

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch."""
        order = torch.randperm(EXAMPLES, generator=self.generator)
        for rows in order.split(self.batch_size):
            yield self.x[rows], self.y[rows]

    def step(self, x: Tensor, y: Tensor) -> None:
        """Learn from a batch."""
        self.optimizer.zero_grad()
        self.loss(x, y).backward()
        self.optimizer.step()
        self.steps += 1

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """What is learnt from a batch."""
        logits = self.forward(x)
        loss = cross_entropy(logits, y)
        self.seen.append((float(loss.detach()), _accuracy(logits, y)))
        return loss

    def forward(self, x: Tensor) -> Tensor:
        """The network's outputs while it is trained."""
        logits: Tensor = self.model(x)
        return logits

    def epoch(self) -> None:
        """Learn from every batch, then validate."""
        self.model.train()
        for x, y in self.batches():
            self.step(x, y)
        self.validate()

    def validate(self) -> None:
        """Evaluate on all examples."""
        self.evaluated.eval()
        with torch.no_grad():
            self.evaluated(self.x)

    # The run

    def run(self) -> Outcome:
        """Train while watching, and score; on one thread, which is fastest for a net this small."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self._run()
        finally:
            torch.set_num_threads(threads)

    def _run(self) -> Outcome:
        models = dict.fromkeys([self.model, self.evaluated])
        with watch(*models, log=None, every=1) as watching:
            for _ in range(EPOCHS):
                self.epoch()
            findings = watching.findings()
            layers = [(each.layer, each.facts) for each in watching.layers]
        return Outcome(self.score(), self.steps, layers, findings)

    @torch.no_grad()
    def score(self) -> Score:
        """The loss and accuracy of all examples in both modes."""
        seen = [each for each in self.seen[-len(self.seen) // EPOCHS :] if isfinite(each[0])]
        numbers: list[float] = []
        for mode in (False, True):  # eval mode first: train mode moves the statistics
            self.evaluated.train(mode)
            logits = self.evaluated(self.x)
            numbers += [float(cross_entropy(logits, self.y)), _accuracy(logits, self.y)]
        return Score(*map(fmean, zip(*seen, strict=True)), *numbers[2:], *numbers[:2])


def _accuracy(logits: Tensor, y: Tensor) -> float:
    return float((logits.argmax(1) == y).float().mean())
