"""The published numbers of makemore part 3, and its code against ours."""

import os
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bntui.config.presets import PRESETS
from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.training.dataset import Dataset, Examples, split_words
from bntui.core.training.trainer import Trainer

DEEP = PRESETS["makemore-deep"]
NAMES = os.environ.get("BNTUI_NAMES")


def trainer(words: list[str], config: RunConfig) -> Trainer:
    train, held_out = split_words(words, config.split_seed)
    return Trainer(config, Dataset(train, config.block_size, config.context, held_out))


def advance(run: Trainer, steps: int) -> None:
    """Train up to that many steps in all."""
    while run.steps_done < steps:
        run.advance(min(run.ahead, steps - run.steps_done))


def everything(examples: Examples) -> tuple[Tensor, Tensor]:
    return examples.first(len(examples))


@pytest.mark.skipif(not NAMES, reason="BNTUI_NAMES is not set to a path of makemore's names.txt")
def test_the_published_losses_and_saturations() -> None:
    config = msgspec.structs.replace(DEEP, arms=("bn-lecture",))
    run = trainer(Path(str(NAMES)).read_text().split(), config)
    assert [len(run.dataset), *map(len, run.dataset.held_out.values())] == [182_625, 22_655, 22_866]
    advance(run, DEEP.steps)
    (arm,) = run.arms
    saturation = [100 * float(h.flat(h.out).float().mean()) for h in arm.model.activations]
    assert saturation == pytest.approx([2.78, 2.56, 2.25, 1.69, 1.88], abs=0.01)
    with torch.inference_mode():
        losses = [
            arm.model.loss(*everything(examples), training=False).item()
            for examples in (run.dataset, run.dataset.held_out["validation"])
        ]
    assert losses == pytest.approx([2.4002976, 2.3982468], abs=5e-5)


class Lecture:
    """The lecture's deep network, as it writes it: torch tensors, autograd, unbiased variances."""

    def __init__(self, vocabulary: int, config: RunConfig) -> None:
        self.g = torch.Generator().manual_seed(config.seed)
        self.C = torch.randn((vocabulary, config.emb), generator=self.g)
        sizes = [config.block_size * config.emb, *[config.hidden] * config.depth, vocabulary]
        self.weights = [
            torch.randn(pair, generator=self.g) / pair[0] ** 0.5 for pair in pairwise(sizes)
        ]
        self.gammas, self.vars = ([torch.ones(n) for n in sizes[1:]] for _ in range(2))
        self.betas, self.means = ([torch.zeros(n) for n in sizes[1:]] for _ in range(2))
        self.gammas[-1] *= 0.1
        self.parameters = [self.C, *self.weights, *self.gammas, *self.betas]
        for parameter in self.parameters:
            parameter.requires_grad = True

    def logits(self, x: Tensor, training: bool) -> Tensor:
        x = self.C[x].view(len(x), -1)
        for i, weight in enumerate(self.weights):
            x = x @ weight
            mean, var = (x.mean(0), x.var(0)) if training else (self.means[i], self.vars[i])
            if training:
                with torch.no_grad():
                    self.means[i] = 0.9 * self.means[i] + 0.1 * mean
                    self.vars[i] = 0.9 * self.vars[i] + 0.1 * var
            x = self.gammas[i] * (x - mean) / torch.sqrt(var + 1e-5) + self.betas[i]
            x = x if weight is self.weights[-1] else torch.tanh(x)
        return x

    def step(self, examples: Dataset, config: RunConfig, step: int) -> float:
        ix = torch.randint(0, len(examples), (config.batch_size,), generator=self.g)
        x, y = examples.batch(ix)
        loss = functional.cross_entropy(self.logits(x, training=True), y)
        gradients = torch.autograd.grad(loss, self.parameters)
        lr = config.lr if config.lr_drop is None or step < config.lr_drop else config.lr / 10
        with torch.no_grad():
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.sub_(lr * gradient)
        return loss.item()


def test_the_lectures_own_code_gives_the_same_losses_step_by_step() -> None:
    config = msgspec.structs.replace(DEEP, arms=("none", "bn-lecture"), hidden=20, lr_drop=30)
    run = trainer(list(NOTEBOOK_WORDS), config)
    lecture = Lecture(len(run.dataset.vocabulary), config)
    for step in range(60):
        wanted = lecture.step(run.dataset, config, step)
        run.step()
        assert run.arms[1].loss == pytest.approx(wanted, abs=1e-4)
    x, y = everything(run.dataset.held_out["test"])
    wanted = functional.cross_entropy(lecture.logits(x, training=False), y).item()
    with torch.inference_mode():
        found = run.arms[1].model.loss(x, y, training=False).item()
    assert found == pytest.approx(wanted, abs=1e-4)


FIRST = PRESETS["makemore-200k"]


def test_the_200k_preset_is_the_lectures_first_network() -> None:
    assert FIRST.arms == ("none", "bn-std")
    assert (FIRST.seed, FIRST.steps, FIRST.batch_size) == (2147483647, 200_000, 32)
    assert (FIRST.lr, FIRST.lr_drop, FIRST.weight_decay) == (0.1, 100_000, 0)
    assert (FIRST.momentum, FIRST.eps, FIRST.bias) == (0.001, 0, False)
    assert (FIRST.init, FIRST.gain, FIRST.output_gain) == ("lecture", 5 / 3, 0.01)
    assert (FIRST.hidden, FIRST.depth, FIRST.emb, FIRST.block_size) == (200, 1, 10, 3)
    assert (FIRST.placement, FIRST.activation, FIRST.context) == ("hidden", "tanh", "padded")
    assert (FIRST.split, FIRST.split_seed, FIRST.ghost) == (True, 42, None)


class FirstLecture:
    """The lecture's first network, as it writes it; its b1 belongs to the one without BN."""

    def __init__(self, vocabulary: int, config: RunConfig, bn: bool) -> None:
        g = self.g = torch.Generator().manual_seed(config.seed)
        fan_in = config.emb * config.block_size
        self.C = torch.randn((vocabulary, config.emb), generator=g)
        self.W1 = torch.randn((fan_in, config.hidden), generator=g) * (5 / 3) / fan_in**0.5
        self.b1 = None if bn else torch.randn(config.hidden, generator=g) * 0.01
        self.W2 = torch.randn((config.hidden, vocabulary), generator=g) * 0.01
        self.b2 = torch.randn(vocabulary, generator=g) * 0
        self.gain, self.std = (torch.ones(config.hidden) for _ in range(2))
        self.shift, self.mean = (torch.zeros(config.hidden) for _ in range(2))
        last = (self.gain, self.shift) if self.b1 is None else (self.b1,)
        self.parameters = [self.C, self.W1, self.W2, self.b2, *last]
        for parameter in self.parameters:
            parameter.requires_grad = True

    def logits(self, x: Tensor, training: bool) -> Tensor:
        h = self.C[x].view(len(x), -1) @ self.W1
        if self.b1 is None:
            mean, std = (h.mean(0), h.std(0)) if training else (self.mean, self.std)
            if training:
                with torch.no_grad():
                    self.mean = 0.999 * self.mean + 0.001 * mean
                    self.std = 0.999 * self.std + 0.001 * std
            h = self.gain * (h - mean) / std + self.shift
        else:
            h = h + self.b1
        return torch.tanh(h) @ self.W2 + self.b2

    def step(self, examples: Dataset, config: RunConfig, step: int) -> float:
        ix = torch.randint(0, len(examples), (config.batch_size,), generator=self.g)
        x, y = examples.batch(ix)
        loss = functional.cross_entropy(self.logits(x, training=True), y)
        gradients = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.sub_((0.1 if step < 40 else 0.01) * gradient)
        return loss.item()


@pytest.mark.parametrize("bn", [True, False])
def test_the_lectures_first_network_gives_the_same_losses_step_by_step(bn: bool) -> None:
    changes = {"arms": FIRST.arms} if bn else {"arms": ("none",), "bias": True}
    config = msgspec.structs.replace(FIRST, lr_drop=40, **changes)
    run = trainer(list(NOTEBOOK_WORDS), config)
    lecture = FirstLecture(len(run.dataset.vocabulary), config, bn)
    for step in range(80):
        wanted = lecture.step(run.dataset, config, step)
        run.step()
        assert run.arms[-1].loss == pytest.approx(wanted, abs=1e-5)
    x, y = everything(run.dataset.held_out["test"])
    wanted = functional.cross_entropy(lecture.logits(x, training=False), y).item()
    with torch.inference_mode():
        found = run.arms[-1].model.loss(x, y, training=False).item()
    assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.skipif(not NAMES, reason="BNTUI_NAMES is not set to a path of makemore's names.txt")
def test_the_first_networks_published_losses_on_the_way() -> None:
    config = msgspec.structs.replace(FIRST, arms=("bn-std",))
    run = trainer(Path(str(NAMES)).read_text().split(), config)
    run.step()
    losses = [run.arms[0].loss]
    advance(run, 10_001)
    assert [*losses, run.arms[0].loss] == pytest.approx([3.3239, 2.0322], abs=5e-5)
