"""A source that plays a list of events, and events of a made-up run to play."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from math import cos, sin

from bntui.config import RunConfig
from bntui.protocol import (
    Activations,
    AnyEvent,
    Command,
    Dataset,
    Hello,
    ModeLosses,
    State,
    Statistics,
    Steps,
)

ARMS = ["no BN", "BN"]


class ScriptedSource:
    """Plays `events`, then whatever is put in later; remembers the commands it was sent."""

    def __init__(self, events: Iterable[AnyEvent], accepts_commands: bool = True) -> None:
        self.queue: asyncio.Queue[AnyEvent] = asyncio.Queue()
        for event in events:
            self.queue.put_nowait(event)
        self.accepts_commands = accepts_commands
        self.sent: list[Command] = []
        self.closed = False

    async def events(self) -> AsyncIterator[AnyEvent]:
        while True:
            yield await self.queue.get()
            self.queue.task_done()

    async def send(self, command: Command) -> None:
        self.sent.append(command)

    async def close(self) -> None:
        self.closed = True


def hello(config: RunConfig | None = None) -> Hello:
    return Hello(1, "0.1.0", "2026-01-01T00:00:00Z", config or RunConfig(), ARMS)


def beginning(config: RunConfig | None = None) -> list[AnyEvent]:
    """Everything up to the first step."""
    return [
        hello(config),
        Dataset("the notebook's 20 names", 20, 90, 21, 128, 128),
        State("running", 0, 500.0),
        *probes(0),
    ]


def steps(first: int, count: int) -> list[AnyEvent]:
    """Losses that fall, and statistics of five units, at `count` steps."""
    at = range(first, first + count)
    losses = {
        name: [(20 - 8 * arm) / (1 + 0.05 * i) + 0.15 + 0.1 * sin(i * 1.7 + arm) for i in at]
        for arm, name in enumerate(ARMS)
    }
    mean = [[u - 2 + 0.5 * sin(i * 2.3 + u) for i in at] for u in range(5)]
    running = [[(u - 2) * (1 - 0.9**i) for i in at] for u in range(5)]
    var = [[30 + u + 9 * cos(i * 1.3 + u) for i in at] for u in range(5)]
    flat = [[30.0 + u for _ in at] for u in range(5)]
    units, numbers = list(range(5)), list(at)
    return [
        Steps(first, (first + count) / 500, {n: list(v) for n, v in losses.items()}),
        Statistics("BN", 0, units, numbers, _c(mean), _c(running), _c(var), _c(flat)),
    ]


def _c(columns: list[list[float]]) -> list[list[float | None]]:
    return [list(column) for column in columns]


def probes(step: int) -> list[AnyEvent]:
    """Histograms and losses in both modes of both arms."""
    piled = [47_949, *[600] * 48, 45_107]
    spread = [2_000 + 40 * abs(i - 25) for i in range(50)]
    sizes = [1, 2, 4, 8, 32, 90]
    train: list[float | None] = [11.5895, 5.0, 2.0, 0.9, 0.3, 0.1905]
    evaluation: list[float | None] = [0.3564, 0.3, 0.25, 0.2, 0.2, 0.1938]
    plain: list[float | None] = [0.1, 0.2, 0.2, 0.18, 0.2, 0.17]
    return [
        Activations("no BN", 0, step, sum(piled), piled, 0.708),
        Activations("BN", 0, step, sum(spread), spread, 0.028),
        ModeLosses("no BN", step, sizes, plain, plain),
        ModeLosses("BN", step, sizes, train, evaluation),
    ]
