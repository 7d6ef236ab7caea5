"""A source that plays a list of events, and events of a made-up run to play."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from math import cos, sin
from pathlib import Path

from bntui.config.schema import RunConfig
from bntui.protocol import (
    PROTOCOL,
    Activations,
    AnyEvent,
    Checks,
    Command,
    Dataset,
    Hello,
    Ladder,
    LayerHealth,
    Layers,
    ModeLosses,
    SplitLosses,
    State,
    Statistics,
    Steps,
    Units,
    Updates,
    WeightHealth,
    Weights,
)
from bntui.protocol.codec import encode, event_reader

ARMS = ["no BN", "BN"]


class ScriptedSource:
    """Plays `events`, then whatever is put in later; remembers the commands it was sent."""

    def __init__(self, events: Iterable[AnyEvent], accepts_commands: bool = True) -> None:
        self.queue: asyncio.Queue[AnyEvent] = asyncio.Queue()
        for event in events:
            self.queue.put_nowait(event)
        self.accepts_commands = accepts_commands
        self.name = "" if accepts_commands else "recorded"
        self.sent: list[Command] = []
        self.closed = False

    async def events(self) -> AsyncIterator[AnyEvent]:
        while True:
            yield _decoded(await self.queue.get())
            self.queue.task_done()

    async def send(self, command: Command) -> None:
        self.sent.append(command)

    async def close(self) -> None:
        self.closed = True


def _decoded(event: AnyEvent) -> AnyEvent:
    """The event as a reader gives it; those that a reader adds by itself are not decoded."""
    return next(event_reader().feed(encode(event)), event)


def hello(config: RunConfig | None = None) -> Hello:
    made = config or RunConfig()
    return Hello(PROTOCOL, "0.1.0", "2026-01-01T00:00:00Z", made, made.arm_names, "notebook")


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


def diagnostics(step: int, depth: int = 1) -> list[AnyEvent]:
    """What the pages beyond the lab draw from, of both arms."""
    hill = [2 * (25 - abs(i - 25)) for i in range(50)]
    towers = [400, *[5] * 48, 400]
    plain = LayerHealth(0.01, 0.9, 0.71, 12, 1e-6, 2e-4, towers, hill)
    healthy = LayerHealth(0.0, 0.6, 0.028, 0, 1e-7, 3e-3, hill, hill)
    names, sizes = ["C", "W1", "W2"], {"train": 90, "validation": 9}
    weights = [WeightHealth(name, 0.0, 1.0, -4.0, 4.0, hill) for name in names]
    return [
        Layers("no BN", step, -1.0, 1.0, 0.01, [plain] * depth),
        Layers("BN", step, -1.0, 1.0, 0.01, [healthy] * depth),
        Weights("no BN", step, weights),
        Weights("BN", step, weights),
        Units("no BN", 0, step, 8, 200, 2, ["ff", "ff", "a5", *["0f"] * 197]),
        Units("BN", 0, step, 8, 200, 0, ["01", "80", *["00"] * 198]),
        Ladder("BN", step, 90, 0.1938, 0.1921, [1, 2, 4, 8, 32, 90],
               [11.6, 4.1, 1.2, 0.5, 0.24, 0.1905], [11.6, 5.1, 2.2, 1.5, 1.1, 0.1905]),
        Checks("no BN", step, None, None, 2e-9, 0.03),
        Checks("BN", step, 3e-6, 14.2, 4e-9, 0.02),
        SplitLosses("no BN", step, {"train": 0.17, "validation": 2.9}, sizes),
        SplitLosses("BN", step, {"train": 0.19, "validation": 2.5}, sizes),
    ]  # fmt: skip


def updates(first: int, count: int) -> list[AnyEvent]:
    """Update:data ratios of three weights at every tenth of `count` steps."""
    steps = list(range(first, first + count, 10))
    ratios = [[-3 + 0.4 * w + 0.2 * sin(i) for i in steps] for w in range(3)]
    return [Updates(n, ["C", "W1", "W2"], steps, _c(ratios), _c(ratios)) for n in ARMS]


def finished_log(path: Path) -> str:
    """A log of 500 made-up steps, for what needs a picture but no engine; its path."""
    events = [*beginning(), *steps(0, 500), *probes(500), State("finished", 500, None)]
    path.write_bytes(b"".join(map(encode, events)))
    return str(path)
