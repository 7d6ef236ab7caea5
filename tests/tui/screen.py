"""Opening the app on scripted events, and reading its screen as a person would."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from bntui.protocol import AnyEvent
from bntui.tui.app import BntuiApp
from bntui.tui.screens.lab import LabScreen
from bntui.tui.screens.watched import WatchedScreen
from tests.scripted import ScriptedSource

PATIENCE = 60.0
"""Seconds until what does not appear is a failure: many, since a machine may be busy."""


class Lab:
    """An open app, its pilot and the source it reads."""

    def __init__(self, pilot: Pilot[None], source: ScriptedSource, app: BntuiApp) -> None:
        self.pilot, self.source, self.app = pilot, source, app

    async def settle(self) -> None:
        """Wait until every event put in is folded and drawn."""
        async with asyncio.timeout(PATIENCE):
            await self.source.queue.join()
            while self.is_behind and not self.app._exit:
                await self.pilot.pause(0.02)
        await self.pilot.pause()

    @property
    def is_behind(self) -> bool:
        """Whether the screen below all others has events to draw."""
        screen = self.app.screen_stack[0]
        return isinstance(screen, LabScreen | WatchedScreen) and screen.is_behind

    async def play(self, *events: AnyEvent) -> None:
        for event in events:
            self.source.queue.put_nowait(event)
        await self.settle()

    async def press(self, *keys: str) -> str:
        """Press keys one by one; the screen afterwards."""
        await self.pilot.press(*keys)
        return await self.drawn()

    async def resize(self, columns: int, rows: int) -> str:
        """Give the terminal another size; the screen afterwards."""
        await self.pilot.resize_terminal(columns, rows)
        return await self.drawn()

    async def drawn(self) -> str:
        """The screen once two looks at it agree; what never rests (a replay) gets ten.

        Panes get a new size first and are drawn after it.
        """
        before = ""
        for _ in range(10):
            await self.pilot.pause()
            if self.text == before:
                break
            before = self.text
        return before

    async def wait_for(self, sentence: str) -> None:
        """Wait until the screen shows `sentence`; on failure show the screen instead."""
        try:
            async with asyncio.timeout(PATIENCE):
                while sentence not in self.text:
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"{sentence!r} is not on the screen:\n{self.text}") from None

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@asynccontextmanager
async def lab(
    events: Iterable[AnyEvent],
    size: tuple[int, int] = (120, 40),
    commands: bool = True,
    tour: bool = False,
) -> AsyncIterator[Lab]:
    source = ScriptedSource(events, commands)
    app = BntuiApp(source, tour=tour)
    async with app.run_test(size=size, notifications=True) as pilot:
        opened = Lab(pilot, source, app)
        await opened.settle()
        yield opened
