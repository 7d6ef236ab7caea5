"""One frame's work: four panes at 120 x 40, drawn and turned into text, in the app itself."""

import asyncio
from itertools import chain
from time import process_time

from bntui.bench.figure import Measurement, Repeats
from bntui.bench.live import LARGE
from bntui.bench.script import Scripted, more, start
from bntui.tui.app import BntuiApp

SHORT, LONG = 1_000, 1_000_000
STEPS_A_FRAME = 1_000


def short(repeats: Repeats) -> Measurement:
    """With 1,000 steps of history, in ms."""
    return Measurement(asyncio.run(_frames(SHORT, repeats)))


def long(repeats: Repeats) -> Measurement:
    """With 1,000,000 steps of history, in ms."""
    return Measurement(asyncio.run(_frames(LONG, repeats)))


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
            begun = process_time()
            app.lab.action_live()
            await pilot.pause()
            values.append(1000 * (process_time() - begun))
    return values[2:]
