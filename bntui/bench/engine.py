"""The engine's speed, whole runs with everything they tell, over loops that tell nothing."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter

from bntui.bench.figure import Measurement, Repeats, Side, in_turn
from bntui.bench.reference import Modules, Notebook
from bntui.config import NOTEBOOK_WORDS, RunConfig
from bntui.core.data import Dataset
from bntui.core.engine import SENDS_PER_SECOND
from bntui.core.outlet import Outlet
from bntui.core.run import Run
from bntui.core.trainer import Trainer

NOTEBOOK = RunConfig(pace=None)
DEEP = RunConfig(pace=None, depth=5, hidden=100)


def over_notebook(repeats: Repeats) -> Measurement:
    """The engine over the notebook's loop."""
    return in_turn(engine(NOTEBOOK), loop(Notebook, NOTEBOOK), repeats)


def over_modules(repeats: Repeats) -> Measurement:
    """The engine over torch's modules."""
    return in_turn(engine(NOTEBOOK), loop(Modules, NOTEBOOK), repeats)


def over_silent(repeats: Repeats) -> Measurement:
    """The engine over its own trainer, which tells nothing."""
    return in_turn(engine(NOTEBOOK), loop(Trainer, NOTEBOOK), repeats)


def over_deep_notebook(repeats: Repeats) -> Measurement:
    """The engine over the notebook's loop, five hidden layers."""
    return in_turn(engine(DEEP), loop(Notebook, DEEP), repeats)


def loop(
    kind: Callable[[RunConfig, Dataset], Notebook | Modules | Trainer], config: RunConfig
) -> Side:
    """Steps a second of a loop that does nothing else."""
    learner = kind(config, _dataset(config))

    def measure(seconds: float) -> float:
        begun, steps = perf_counter(), 0
        while perf_counter() - begun < seconds:
            learner.step()
            steps += 1
        return steps / (perf_counter() - begun)

    return measure


def engine(config: RunConfig) -> Side:
    """Steps a second of whole runs, each begun anew, that tell and log everything."""

    def measure(seconds: float) -> float:
        with TemporaryDirectory() as place:
            dataset, outlet = _dataset(config), Outlet(os.open(os.devnull, os.O_WRONLY))
            begun, steps, runs = perf_counter(), 0, 0
            while (left := begun + seconds - perf_counter()) > 0:
                outlet.begin(str(Path(place) / f"{runs}.jsonl"), config)
                steps += _run(Trainer(config, dataset), outlet, left)
                runs += 1
            return steps / (perf_counter() - begun)

    return measure


def _run(trainer: Trainer, outlet: Outlet, seconds: float) -> int:
    """Train as the engine's process does, to the end or until the time is up; the steps done."""
    run, end = Run(trainer, outlet.tell), monotonic() + seconds
    while run.wait() is not None and monotonic() < end:
        run.advance(monotonic() + 1 / SENDS_PER_SECOND)
        run.flush()
    return trainer.steps_done


def _dataset(config: RunConfig) -> Dataset:
    return Dataset(NOTEBOOK_WORDS, config.block_size, config.context)
