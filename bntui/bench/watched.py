"""The lab in a terminal, recording how late its event loop was and how much memory it took.

`python -m bntui.bench.watched engine SECONDS FILE` or `... script STEPS FILE`.
"""

import asyncio
import resource
import sys
from pathlib import Path

import msgspec
from textual import work

from bntui.bench.script import Scripted
from bntui.config.schema import RunConfig
from bntui.sources.base import Source
from bntui.sources.local import EngineSource
from bntui.tui.app import FRAMES_PER_SECOND, BntuiApp

LOOK_EVERY = 0.01
PARTS = 10
"""Points of the memory's curve."""


class Seen(msgspec.Struct):
    """Milliseconds by which the event loop was late, and (steps, MB) pairs."""

    lags: list[float]
    memory: list[tuple[int, float]]


class Watched(BntuiApp):
    """The lab as it is, and a task that watches it until the run ends or the time is up."""

    def __init__(self, source: Source, steps: int, seconds: float) -> None:
        super().__init__(source, FRAMES_PER_SECOND)
        self._steps, self._seconds = steps, seconds
        self.seen = Seen([], [])

    def on_ready(self) -> None:
        """Begin to watch; Textual calls the lab's own handler, too."""
        self.look_on()

    @work(group="watch")
    async def look_on(self) -> None:
        """Look at the clock and the memory; the time counts from the first step."""
        loop, begun = asyncio.get_running_loop(), None
        while self.history.steps < self._steps:
            due = loop.time() + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
            if begun is None and self.history.steps:
                begun = loop.time()
            if begun is not None:
                self.seen.lags.append(1000 * (loop.time() - due))
                self._note_memory()
                if loop.time() > begun + self._seconds:
                    break
        self.exit()

    def _note_memory(self) -> None:
        if self.history.steps >= self._steps * len(self.seen.memory) // PARTS:
            self.seen.memory.append((self.history.steps, memory()))


def memory() -> float:
    """Memory of this process now, in MB; its peak where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return pages * resource.getpagesize() / 1e6


def main(kind: str, amount: str, file: str) -> None:
    """Run the lab, and leave what was seen in a file."""
    if kind == "engine":
        config = RunConfig(pace=None, steps=1_000_000)
        app = Watched(EngineSource(config), config.steps, float(amount))
    else:
        app = Watched(Scripted(int(amount)), int(amount), 3600.0)
    app.run()
    Path(file).write_bytes(msgspec.json.encode(app.seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
