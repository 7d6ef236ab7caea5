"""The live screen at full speed, in a real pseudo-terminal: what it costs and how it answers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

import msgspec
import torch

from bntui.bench.engine import NOTEBOOK, loop
from bntui.bench.figure import Measurement, Repeats, in_turn
from bntui.bench.reference import Notebook
from bntui.bench.script import write_log
from bntui.bench.terminal import Terminal
from bntui.bench.watched import Seen
from bntui.logs.reader import read_log
from bntui.protocol import Steps

LARGE, SMALL = (120, 40), (80, 24)
BNTUI = (sys.executable, "-m", "bntui")
FULL_SPEED = (*BNTUI, "--pace", "max", "--steps", "1000000")
UP = "steps/s"
"""On the screen as soon as there are steps, at every size."""

WARM_UP = 0.5
"""Seconds that a lab runs before it is measured."""

PRESSES_PER_SECOND = 10
"""Keys, about, so that each meets another moment of a frame."""

LONG = 1_000_000
"""Steps of a log that is open while keys are pressed."""

SCRIPT = """
import os
import torch
from torch import nn

torch.set_num_threads(os.cpu_count() or 1)
model = nn.Sequential(nn.Linear(256, 2048), nn.BatchNorm1d(2048), nn.ReLU(), nn.Linear(2048, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(512, 256), torch.randint(10, (512,))
while True:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
"""A user's training that keeps every core busy."""


def over_notebook(repeats: Repeats) -> Measurement:
    """The engine under a live screen over the notebook's loop alone, each with one thread."""
    torch.set_num_threads(1)
    few = repeats._replace(rounds=repeats.few)
    return in_turn(_engine, loop(Notebook, NOTEBOOK), few, warm_up=0, here=False)


def _engine(seconds: float) -> float:
    with TemporaryDirectory() as place:
        log = Path(place) / "run.jsonl"
        with Terminal(*FULL_SPEED, "--log", str(log), size=LARGE) as terminal:
            terminal.wait_for(UP)
            terminal.read_for(seconds)
        *_, last = (event for event in read_log(log) if isinstance(event, Steps))
    return (last.first + len(next(iter(last.loss.values())))) / last.elapsed


def bytes_large(repeats: Repeats) -> Measurement:
    """What is written at 120 x 40, in kB a second."""
    return _bytes(LARGE, repeats)


def bytes_small(repeats: Repeats) -> Measurement:
    """What is written at 80 x 24, in kB a second."""
    return _bytes(SMALL, repeats)


def _bytes(size: tuple[int, int], repeats: Repeats) -> Measurement:
    values = []
    with _lab(size) as terminal:
        for _ in range(repeats.few):
            before, begun = terminal.taken, monotonic()
            terminal.read_for(2 * repeats.seconds)
            values.append((terminal.taken - before) / 1000 / (monotonic() - begun))
    return Measurement(values)


def key(repeats: Repeats) -> Measurement:
    """From a key press to its effect on the screen, 99th percentile, in ms."""
    with _lab(LARGE) as terminal:
        return _answers(terminal, repeats, "l", ("· linear", "· log"))


def key_on_log(repeats: Repeats) -> Measurement:
    """The same on the open log of a million steps."""
    with TemporaryDirectory() as place:
        path = write_log(Path(place), LONG)
        with Terminal(*BNTUI, "open", str(path), size=LARGE) as terminal:
            terminal.wait_for("finished")
            terminal.read_for(WARM_UP)
            return _answers(terminal, repeats, "l", ("· linear", "· log"))


def key_beside_script(repeats: Repeats) -> Measurement:
    """The same on the screen of a watched script that computes on all cores: zoom, all panes."""
    with TemporaryDirectory() as place:
        script = Path(place) / "train.py"
        script.write_text(SCRIPT)
        command = (*BNTUI, "watch", "--log", str(Path(place) / "run.jsonl"), str(script))
        with Terminal(*command, size=LARGE) as terminal:
            terminal.wait_for("1 layer")
            terminal.read_for(WARM_UP)
            return _answers(terminal, repeats, "z", ("8 Output", "Layers over time  running"))


def _answers(
    terminal: Terminal, repeats: Repeats, pressed: str, effects: tuple[str, str]
) -> Measurement:
    """A key that goes back and forth, pressed at moments that fall anywhere in a frame."""
    random, latencies = Random(0), []
    for i in range(max(int(repeats.rounds * repeats.seconds * PRESSES_PER_SECOND), 2)):
        terminal.read_for(random.uniform(0, 2 / PRESSES_PER_SECOND))
        begun = monotonic()
        terminal.send(pressed)
        terminal.wait_for(effects[i % 2])
        latencies.append(1000 * (monotonic() - begun))
    return Measurement([worst(latencies)])


@contextmanager
def _lab(size: tuple[int, int]) -> Iterator[Terminal]:
    """The lab at full speed, warmed up."""
    with Terminal(*FULL_SPEED, "--no-log", size=size) as terminal:
        terminal.wait_for(UP)
        terminal.read_for(WARM_UP)
        yield terminal


def lag(repeats: Repeats) -> Measurement:
    """How late the event loop is, 99th percentile, in ms; a run's parts are the rounds."""
    lags = watch("engine", 2 * repeats.seconds * repeats.few).lags
    part = max(len(lags) // repeats.few, 1)
    return Measurement([worst(lags[i * part : (i + 1) * part]) for i in range(repeats.few)])


def memory(repeats: Repeats) -> Measurement:
    """The most memory that the screen's process takes over half a million steps, in MB."""
    return Measurement([max(size for _, size in watch("script", 500_000).memory)])


def watch(kind: str, amount: float) -> Seen:
    """The watched lab in a terminal."""
    with TemporaryDirectory() as place:
        file = Path(place) / "seen.json"
        command = (sys.executable, "-m", "bntui.bench.watched", kind, str(amount), str(file))
        with Terminal(*command, size=LARGE) as terminal:
            terminal.read_to_end()
        return msgspec.json.decode(file.read_bytes(), type=Seen)


def worst(values: list[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[min(int(0.99 * len(values)), len(values) - 1)]
