"""A user's own training under `bntui.watch`, beside the same training without it."""

import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bntui.bench.figure import Measurement, Repeats, Side, in_turn
from bntui.watch.handle import watch

CLASSES = 10

Workload = tuple[nn.Module, Tensor]


def mlp(repeats: Repeats) -> Measurement:
    """Three hidden layers of 200, batches of 32."""
    return _over_plain(_mlp, repeats)


def convolutions(repeats: Repeats) -> Measurement:
    """Seventeen convolutions of a ResNet's widths, batches of 32 images of 32 x 32."""
    return _over_plain(_convolutions, repeats)


def _mlp() -> Workload:
    widths = [64, 200, 200, 200]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(200, CLASSES)), torch.randn(32, 64)


def _convolutions() -> Workload:
    widths = [3, *[16] * 5, *[32] * 4, *[64] * 4, *[128] * 4]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        stride = 2 if before not in {3, after} else 1
        layers += [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)]
        layers.append(nn.ReLU())
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, CLASSES)]
    return nn.Sequential(*layers, *pooled), torch.randn(32, 3, 32, 32)


def _over_plain(build: Callable[[], Workload], repeats: Repeats) -> Measurement:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        return in_turn(_steps(build, Path(place)), _steps(build, None), repeats)


def _steps(build: Callable[[], Workload], place: Path | None) -> Side:
    """Steps a second of one run; watched and logged, where there is a place for logs."""

    def measure(seconds: float) -> float:
        torch.manual_seed(0)
        model, x = build()
        y = torch.randint(CLASSES, (len(x),))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        with redirect_stderr(StringIO()):  # it says where the log is
            watching = watch(model, log=place / f"{perf_counter()}.jsonl") if place else None
        begun, steps = perf_counter(), 0
        while perf_counter() - begun < seconds:
            optimizer.zero_grad()
            cross_entropy(model(x), y).backward()
            optimizer.step()
            steps += 1
        rate = steps / (perf_counter() - begun)
        if watching:
            watching.close()
        return rate

    return measure
