"""A run made up at full speed, for measuring what reads and draws runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

from bntui.config.schema import RunConfig
from bntui.protocol import (
    PROTOCOL,
    Activations,
    AnyEvent,
    Column,
    Command,
    Hello,
    ModeLosses,
    State,
    Statistics,
    Steps,
)
from bntui.protocol.codec import encode

BATCH = 50
"""Steps per event: what an engine makes in a thirtieth of a second."""
SAMPLES = 20_000
"""Sampled statistics of a long run; a real one's thin out to about as many."""
DIGITS = 6
UNITS = [0, 1, 2, 3, 4]


def run(steps: int) -> Iterator[AnyEvent]:
    """Every event of a run of so many steps: noisy losses that fall, statistics, probes."""
    yield from start(steps)
    yield from more(0, steps, steps)
    yield State("finished", steps, None)


def write_log(place: Path, steps: int) -> Path:
    """That run as a log in the directory `place`."""
    path = place / "run.jsonl"
    with path.open("wb") as file:
        file.writelines(map(encode, run(steps)))
    return path


def start(steps: int) -> Iterator[AnyEvent]:
    """The first events of a run that will have so many steps."""
    config = RunConfig(steps=steps)
    yield Hello(PROTOCOL, "bench", "2026-01-01T00:00:00Z", config, config.arm_names)
    yield State("running", 0, None)


def more(first: int, count: int, steps: int) -> Iterator[AnyEvent]:
    """The events of `count` steps from `first` on, of a run of `steps`."""
    random = Random(first)
    for start in range(first, first + count, BATCH):
        at = range(start, min(start + BATCH, first + count))
        yield Steps(start, at.stop / 5000, {arm: _losses(random, at) for arm in ("no BN", "BN")})
        sampled = [step for step in at if step % max(steps // SAMPLES, 1) == 0]
        if sampled:
            batch, running = _noise(random, sampled), _noise(random, sampled)
            yield Statistics("BN", 0, UNITS, sampled, batch, running, batch, running)
        if start % max(steps // 2, BATCH) == 0:
            yield from _probes(start)


def _losses(random: Random, at: range) -> Column:
    return [round(0.1 + 20 / (1 + step / 20) + random.random() / 10, DIGITS) for step in at]


def _noise(random: Random, sampled: list[int]) -> list[Column]:
    return [[round(unit + random.random(), DIGITS) for _ in sampled] for unit in UNITS]


def _probes(step: int) -> Iterator[AnyEvent]:
    sizes, losses = [1, 32, 90], [1.0 + step, 0.5, 0.2]
    for arm in ("no BN", "BN"):
        yield Activations(arm, 0, step, 1000, [20] * 50, 0.1)
        yield ModeLosses(arm, step, sizes, list(losses), list(losses))


class Scripted:
    """A source that emits such a run as fast as it is read."""

    accepts_commands = False
    name = "made up"

    def __init__(self, steps: int) -> None:
        self._steps = steps

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Every event; the screen may draw in between."""
        for event in run(self._steps):
            yield event
            if isinstance(event, Steps):
                await asyncio.sleep(0)

    async def send(self, command: Command) -> None:
        """Ignore it: a script takes no commands."""

    async def close(self) -> None:
        """Nothing is open."""
