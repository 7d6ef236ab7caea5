"""One frame's work, drawn and turned into text in the app itself: four panes, or a page."""

import asyncio
from itertools import chain
from time import monotonic, process_time

from textual.pilot import Pilot

from bntui.bench.figure import Measurement, Repeats
from bntui.bench.live import LARGE
from bntui.bench.script import Scripted, more, start
from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.engine.session import Session
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer
from bntui.protocol import PROTOCOL, Hello, Subscribe
from bntui.tui.app import BntuiApp

SHORT, LONG = 1_000, 1_000_000
STEPS_A_FRAME = 1_000

WIDE = (200, 60)
FOUR = RunConfig(arms=("none", "bn", "ln", "gn"), pace=None)
FIVE = ("layers", "updates", "units", "inference", "checks")
"""Pages, each drawn from what an engine measures for it."""
TRAIN = 0.05
"""Seconds of training between two frames of a page."""


def short(repeats: Repeats) -> Measurement:
    """With 1,000 steps of history, in ms."""
    return Measurement(asyncio.run(_frames(SHORT, repeats)))


def long(repeats: Repeats) -> Measurement:
    """With 1,000,000 steps of history, in ms."""
    return Measurement(asyncio.run(_frames(LONG, repeats)))


def pages(repeats: Repeats) -> Measurement:
    """The slowest of five pages at 200 x 60 with four networks, in ms."""
    return Measurement(asyncio.run(_slowest(repeats)))


async def _frames(steps: int, repeats: Repeats) -> list[float]:
    """A run has more steps ahead than are drawn here: the axis of steps holds still."""
    app = BntuiApp(Scripted(0))
    total = steps + 100 * STEPS_A_FRAME
    async with app.run_test(size=LARGE) as pilot:
        for event in chain(start(total), more(0, steps, total)):
            app.history.fold(event)
        values = []
        for i in range(2 + 5 * repeats.rounds):
            for event in more(steps + i * STEPS_A_FRAME, STEPS_A_FRAME, total):
                app.history.fold(event)
            values.append(await _frame(app, pilot))
    return values[2:]


async def _slowest(repeats: Repeats) -> list[float]:
    app = BntuiApp(Scripted(0))
    async with app.run_test(size=WIDE) as pilot:
        fold = app.history.fold
        fold(Hello(PROTOCOL, "bench", "2026-01-01T00:00:00Z", FOUR, FOUR.arm_names))
        dataset = Dataset(NOTEBOOK_WORDS, FOUR.block_size, FOUR.context)
        session = Session(Trainer(FOUR, dataset), fold, fold)

        async def page(name: str) -> list[float]:
            """Its frames after the first, which also lays it out; each shows new measurements."""
            app.lab.action_focus_pane(name)
            values = []
            for _ in range(1 + repeats.few):
                session.handle(Subscribe(list(app.lab.pages.current.PROBES)))
                session.advance(monotonic() + TRAIN)
                session.flush()
                values.append(await _frame(app, pilot))
            return values[1:]

        return [max(frames) for frames in zip(*[await page(name) for name in FIVE], strict=True)]


async def _frame(app: BntuiApp, pilot: Pilot[None]) -> float:
    """Milliseconds of processor time that drawing everything that is shown takes."""
    begun = process_time()
    app.lab.action_live()
    await pilot.pause()
    return 1000 * (process_time() - begun)
