"""The engine's speed, with telemetry and log, over loops that only train."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter
from typing import Protocol

from bntui.bench.figure import Measurement, Repeats, Side, in_turn
from bntui.bench.reference import Modules, Notebook
from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.engine.event_sink import EventSink
from bntui.core.engine.loop import SENDS_PER_SECOND
from bntui.core.engine.session import Session
from bntui.core.training.dataset import Dataset
from bntui.core.training.device import configure_device
from bntui.core.training.trainer import Trainer

NOTEBOOK = RunConfig(pace=None)
MANY = 100
"""Most steps between two looks at the clock."""

DEEP = RunConfig(pace=None, depth=5, hidden=100)


def over_notebook(repeats: Repeats) -> Measurement:
    """The engine over the notebook's loop."""
    with engine(NOTEBOOK) as whole:
        return in_turn(whole, loop(Notebook, NOTEBOOK), repeats)


def over_modules(repeats: Repeats) -> Measurement:
    """The engine over torch's modules."""
    with engine(NOTEBOOK) as whole:
        return in_turn(whole, loop(Modules, NOTEBOOK), repeats)


def over_silent(repeats: Repeats) -> Measurement:
    """The engine over its own trainer, which only trains."""
    with engine(NOTEBOOK) as whole:
        return in_turn(whole, loop(Trainer, NOTEBOOK), repeats)


def over_deep_notebook(repeats: Repeats) -> Measurement:
    """The engine over the notebook's loop, five hidden layers."""
    with engine(DEEP) as whole:
        return in_turn(whole, loop(Notebook, DEEP), repeats)


class Learner(Protocol):
    """Whatever trains when asked to."""

    def advance(self, steps: int) -> object:
        """Make so many steps."""


def loop(kind: Callable[[RunConfig, Dataset], Learner], config: RunConfig) -> Side:
    """Steps a second of a loop that does nothing else."""
    learner = kind(config, _dataset(config))

    def measure(seconds: float) -> float:
        configure_device(config)
        begun, steps, many = perf_counter(), 0, 1
        while (left := seconds - (perf_counter() - begun)) > 0:
            learner.advance(many)
            steps += many
            many = max(1, min(MANY, int(steps * left / (seconds - left))))
        return steps / (perf_counter() - begun)

    return measure


@contextmanager
def engine(config: RunConfig) -> Iterator[Side]:
    """Steps per second of runs that emit and log every event, one run after the other."""
    nowhere = EventSink(os.open(os.devnull, os.O_WRONLY))
    with TemporaryDirectory() as place, closing(nowhere) as outlet:
        yield Engine(config, outlet, Path(place)).measure


class Engine:
    """What the engine's process does, without its commands."""

    def __init__(self, config: RunConfig, outlet: EventSink, place: Path) -> None:
        self._config, self._outlet, self._place = config, outlet, place
        self._dataset = _dataset(config)
        self._runs = 0
        self._begin()

    def _begin(self) -> None:
        configure_device(self._config)
        self._outlet.begin(str(self._place / f"{self._runs}.jsonl"), self._config)
        self._runs += 1
        self._trainer = Trainer(self._config, self._dataset)
        self._run = Session(self._trainer, self._outlet.emit, self._outlet.emit_unlogged)

    def measure(self, seconds: float) -> float:
        """Go on for so long; steps a second."""
        configure_device(self._config)
        begun, steps = perf_counter(), -self._trainer.steps_done
        while perf_counter() - begun < seconds:
            self._run.advance(monotonic() + 1 / SENDS_PER_SECOND)
            self._run.flush()
            if self._run.wait() is None:
                steps += self._trainer.steps_done
                self._begin()
        return (steps + self._trainer.steps_done) / (perf_counter() - begun)


def _dataset(config: RunConfig) -> Dataset:
    return Dataset(NOTEBOOK_WORDS, config.block_size, config.context)
