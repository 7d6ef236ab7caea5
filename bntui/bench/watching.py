"""A user's own training under `bntui.watch`, and under what else there is, beside it alone.

Both sides go on from turn to turn, so that what is rare, such as writing the log, is met as often
as in a long run. A watch's clock stands still while the other side has its turn: its budget is a
share of its own time. The first second, in which the first samples are taken, is left out.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bntui.bench.figure import Measurement, Repeats, Side, UnavailableError, in_turn
from bntui.watch.handle import Watch
from bntui.watch.monitor import MONITOR

CLASSES = 10
LOGGED = 100
"""Steps between two logs of wandb: its `log_freq`."""
WARM_UP = 2
TURNS = 10
LONG = 4
"""A side warms up for twice a figure's usual seconds, has so many turns in a round, and rounds last
four times the usual: the log is written every few seconds, and no round shall be without it."""

Workload = tuple[nn.Module, Tensor]


def mlp(repeats: Repeats) -> Measurement:
    """Three hidden layers of 200, batches of 32."""
    return _over_plain(_mlp, repeats)


def convolutions(repeats: Repeats) -> Measurement:
    """Seventeen convolutions of a ResNet's widths, batches of 32 images of 32 x 32."""
    return _over_plain(_convolutions, repeats)


def hooks(repeats: Repeats) -> Measurement:
    """The MLP with a forward hook a BatchNorm layer that reads the output's mean in every step."""

    def look(layer: nn.Module, inputs: object, output: Tensor) -> None:
        output.mean().item()

    with _turns():
        model, x = _mlp()
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm1d):
                layer.register_forward_hook(look)
        return _in_turn(
            _Training(model, x), _Training(*_mlp()), repeats._replace(rounds=repeats.fewest)
        )


def wandb(repeats: Repeats) -> Measurement:
    """The MLP under `wandb.watch(log="all", log_freq=100)`, offline.

    Raises:
        UnavailableError: wandb is not installed.
    """
    if find_spec("wandb") is None:
        raise UnavailableError("wandb is not installed")
    library: Any = import_module("wandb")
    with _turns() as place:
        settings = library.Settings(silent=True, console="off")
        run = library.init(mode="offline", dir=str(place), settings=settings)
        model, x = _mlp()
        run.watch(model, log="all", log_freq=LOGGED)

        def log(step: int) -> None:
            if step % LOGGED == 0:
                run.log({"step": step})

        try:
            return _in_turn(
                _Training(model, x, log),
                _Training(*_mlp()),
                repeats._replace(rounds=repeats.fewest),
            )
        finally:
            run.finish()


def _in_turn(side: Side, plain: Side, repeats: Repeats) -> Measurement:
    long = Repeats(repeats.few, LONG * repeats.seconds)
    return in_turn(side, plain, long, turns=TURNS, warm_up=WARM_UP * repeats.seconds)


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
    with _turns() as place:
        watched = _Watched(*build(), place / "watched.jsonl")
        try:
            return _in_turn(watched, _Training(*build()), repeats)
        finally:
            watched.close()


@contextmanager
def _turns() -> Iterator[Path]:
    """One thread, and a place for logs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as place:
            yield Path(place)
    finally:
        torch.set_num_threads(threads)


class _Training:
    """A training that goes on with every call, for so many seconds; gives its steps a second."""

    def __init__(
        self, model: nn.Module, x: Tensor, after: Callable[[int], None] = lambda step: None
    ) -> None:
        generator = torch.Generator().manual_seed(0)
        self._model, self._x, self._after = model, x, after
        self._y = torch.randint(CLASSES, (len(x),), generator=generator)
        self._optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        self._steps = 0

    def __call__(self, seconds: float) -> float:
        begun, before = perf_counter(), self._steps
        while self._steps == before or perf_counter() - begun < seconds:
            self._optimizer.zero_grad()
            cross_entropy(self._model(self._x), self._y).backward()
            self._optimizer.step()
            self._steps += 1
            self._after(self._steps)
        return (self._steps - before) / (perf_counter() - begun)


class _Watched:
    """The same under a watch, which is there during its own turns only."""

    def __init__(self, model: nn.Module, x: Tensor, log: Path) -> None:
        self._elapsed, self._begun = 0.0, perf_counter()
        with redirect_stderr(StringIO()):  # it says where the log is
            self._watch = Watch(
                {"model": model},
                name="bench",
                log=log,
                every=None,
                budget=0.02,
                probe=None,
                clock=self._clock,
            )
        self._training: Side = _Training(model, x)
        self._rest()

    def _clock(self) -> float:
        return self._elapsed + perf_counter() - self._begun

    def _rest(self) -> None:
        MONITOR.remove(self._watch)  # the other side's steps are none of its business
        self._elapsed = self._clock()

    def __call__(self, seconds: float) -> float:
        self._begun = perf_counter()
        MONITOR.add(self._watch)
        rate = self._training(seconds)
        self._rest()
        return rate

    def close(self) -> None:
        self._watch.close()
