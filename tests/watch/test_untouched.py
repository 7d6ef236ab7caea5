"""With and without watching: weights, buffers, losses and random states, bit for bit."""

import copy
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.checkpoint import checkpoint

import bntui

STEPS = 200
FEW = 80
"""Where every step is measured: more than a block of statistics has."""
Trace = list[Any]


def mlp(classes: int = 4) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(16, 16, bias=False), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, classes),
    )  # fmt: skip


def with_norm(norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 8), norm, nn.Linear(8, 4))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(self.norm(self.stem(x)))
        return self.head(nn.functional.relu(x + self.inner(x)).mean((2, 3)))  # type: ignore[no-any-return]


def batch(shape: tuple[int, ...] = (16, 8)) -> tuple[Tensor, Tensor]:
    return torch.randn(shape), torch.randint(4, (shape[0],))


def supervised(model: nn.Module, steps: int, shape: tuple[int, ...] = (16, 8)) -> Trace:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses: Trace = []
    for step in range(steps):
        x, y = batch(shape)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach().clone())
        if step % 50 == 49:
            model.eval()
            with torch.no_grad():
                losses.append(model(x).clone())
            model.train()
    return losses


def accumulated(model: nn.Module, steps: int) -> Trace:
    optimizer = torch.optim.Adam(model.parameters())
    losses: Trace = []
    for step in range(steps):
        x, y = batch()
        loss = nn.functional.cross_entropy(model(x), y) / 4
        loss.backward()
        losses.append(loss.detach().clone())
        if step % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    return losses


def scaled(model: nn.Module, steps: int) -> Trace:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu")
    losses: Trace = []
    for _ in range(steps):
        x, y = batch()
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.detach().clone())
    return losses


def functional(model: nn.Module, steps: int) -> Trace:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses: Trace = []
    for _ in range(steps):
        x, y = batch()
        state = {k: v.clone() for k, v in model.named_buffers()} | dict(model.named_parameters())
        loss = nn.functional.cross_entropy(torch.func.functional_call(model, state, (x,)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach().clone())
    return losses


def closures(model: nn.Module, steps: int) -> Trace:
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    losses: Trace = []
    for _ in range(steps // 10):
        x, y = batch()

        def closure(x: Tensor = x, y: Tensor = y) -> Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).detach().clone())
    return losses


def doubled(model: nn.Module, steps: int) -> Trace:
    """A gradient penalty: backward through backward."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    losses: Trace = []
    for _ in range(steps):
        x, y = batch()
        x.requires_grad_()
        loss = nn.functional.cross_entropy(model(x), y)
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        optimizer.zero_grad()
        (loss + slope.square().sum()).backward()
        optimizer.step()
        losses.append(loss.detach().clone())
    return losses


class Checkpointed(nn.Module):
    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.head, self.reentrant = mlp(8), nn.Linear(8, 4), reentrant

    def forward(self, x: Tensor) -> Tensor:
        x = x.requires_grad_()
        inner = checkpoint(self.inner, x, use_reentrant=self.reentrant)
        return self.head(inner)  # type: ignore[no-any-return]


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm, self.head = nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)
        self.again = self.norm

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.inner(x))
        return self.head(self.again(self.inner(x)))  # type: ignore[no-any-return]


def averaged(model: nn.Module, steps: int) -> Trace:
    """A plain and an exponential average of every step's weights, the first one recalibrated."""
    copied = copy.deepcopy(model)
    decayed = get_ema_multi_avg_fn(0.9)
    averages = AveragedModel(model), AveragedModel(model, multi_avg_fn=decayed, use_buffers=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses: Trace = []
    for _ in range(steps):
        x, y = batch()
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach().clone())
        for average in averages:
            average.update_parameters(model)
    update_bn([batch() for _ in range(10)], averages[0])
    with torch.no_grad():
        x = torch.randn(16, 8)
        losses += [averages[0](x), averages[1](x), copied(x)]
    return losses + [value for each in averages for value in each.state_dict().values()]


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module, int], Trace]]] = {
    "mlp": (mlp, supervised),
    "resnet": (Residual, lambda m, steps: supervised(m, steps, (8, 3, 8, 8))),
    "accumulation": (mlp, accumulated),
    "amp": (mlp, scaled),
    "functional_call": (mlp, functional),
    "lbfgs": (mlp, closures),
    "double backward": (mlp, doubled),
    "checkpoint": (lambda: Checkpointed(False), supervised),
    "checkpoint, reentrant": (lambda: Checkpointed(True), supervised),
    "shared layer": (Shared, supervised),
    "copies and averages": (mlp, averaged),
    "ours": (lambda: with_norm(bntui.BatchNorm1d(8)), supervised),
    "lazy": (lambda: with_norm(nn.LazyBatchNorm1d()), supervised),
}  # fmt: skip


@cache
def unwatched(name: str, steps: int = STEPS) -> list[Any]:
    """What comes out without watching."""
    return outcome(name, False, steps)


def outcome(name: str, watched: bool, steps: int = STEPS, **settings: Any) -> list[Any]:
    build, train = CASES[name]
    torch.manual_seed(0)
    random.seed(0)
    model = build()
    if name == "lazy":
        model(torch.zeros(2, 8))
    watch = bntui.watch(model, log=None, **settings) if watched else None
    losses = train(model, steps)
    if watch is not None:
        watch.findings()
        assert watch.problem is None
        watch.close()
    state = model.state_dict()
    return [*losses, list(state), *state.values(), torch.get_rng_state(), random.getstate()]


def same(one: object, two: object) -> bool:
    """Bit for bit."""
    return (
        torch.equal(one, two) if isinstance(one, Tensor) and isinstance(two, Tensor) else one == two
    )


@pytest.mark.parametrize("name", CASES)
def test_watching_changes_not_one_bit(name: str) -> None:
    """Neither with measurements as far apart as usual, nor with one at every step."""
    for steps, settings in ((STEPS, {}), (FEW, {"every": 1})):
        plain, watched = unwatched(name, steps), outcome(name, True, steps, **settings)
        assert len(plain) == len(watched)
        assert all(map(same, plain, watched))


def test_a_gan_of_two_optimizers() -> None:
    def train(watched: bool) -> list[Tensor]:
        torch.manual_seed(0)
        generator = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
        critic = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        watch = bntui.watch(generator, critic, log=None) if watched else None
        optimizers = [torch.optim.Adam(m.parameters(), 1e-3) for m in (generator, critic)]
        losses: Trace = []
        for _ in range(STEPS):
            fake = generator(torch.randn(16, 4))
            optimizers[1].zero_grad()
            losses.append(critic(fake.detach()).mean() - critic(torch.randn(16, 4)).mean())
            losses[-1].backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            losses.append(critic(fake).mean().neg())
            losses[-1].backward()
            optimizers[0].step()
        if watch:
            watch.close()
            assert watch.problem is None
        states = [*generator.state_dict().values(), *critic.state_dict().values()]
        return [*losses, *states, torch.get_rng_state()]

    assert all(map(torch.equal, train(False), train(True)))


def test_a_probe_leaves_no_trace() -> None:
    torch.manual_seed(1)
    x, y = batch((64, 8))
    plain = unwatched("mlp")
    probed = outcome("mlp", True, probe=(x, y, nn.functional.cross_entropy))
    assert all(map(same, plain, probed))
