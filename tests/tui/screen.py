"""Opening the app on scripted events, and reading its screen as a person would."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from bntui.protocol import AnyEvent
from bntui.tui.app import BntuiApp
from bntui.tui.screens.lab import LabScreen
from bntui.tui.screens.watched import WatchedScreen
from tests.scripted import ScriptedSource

PATIENCE = 60.0
"""Seconds until what does not appear is a failure: many, since a machine may be busy."""


async def wait_for_idle(*_: float) -> None:
    """Wait until the event loop has nothing to run but timers and what comes from outside.

    Textual's own looks every 20 ms whether this process took little processor time meanwhile, which
    is never long enough on a busy machine.
    """
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:
        await asyncio.sleep(0)


async def rest(app: App[None]) -> None:
    """Wait until everything that was asked for is laid out and drawn.

    What Textual puts off until its next frame is done at once. Panes get a new size first and are
    drawn after it.
    """
    with app._context():  # another app may be open as well
        async with asyncio.timeout(PATIENCE):
            await wait_for_idle()
            while not app._exit and (app._resize_event or is_dirty(app.screen)):
                if app._resize_event:
                    app._check_resize()
                else:
                    app.screen._on_timer_update()
                await wait_for_idle()


def is_dirty(screen: Screen[object]) -> bool:
    """Whether the screen's next update has something to do."""
    layout = screen._layout_required or screen._scroll_required
    return bool(layout or screen._repaint_required or screen._dirty_widgets or screen._callbacks)


def text_of(app: App[None]) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


class Lab:
    """An open app, its pilot and the source it reads."""

    def __init__(self, pilot: Pilot[None], source: ScriptedSource, app: BntuiApp) -> None:
        self.pilot, self.source, self.app = pilot, source, app

    async def settle(self) -> None:
        """Wait until every event put in is folded, and draw, as the frame clock would."""
        async with asyncio.timeout(PATIENCE):
            await self.source.queue.join()
        await rest(self.app)
        screen = self.app.screen_stack[0]
        if isinstance(screen, LabScreen | WatchedScreen) and screen.is_behind:
            screen._tick()
        await rest(self.app)

    async def play(self, *events: AnyEvent) -> None:
        for event in events:
            self.source.queue.put_nowait(event)
        await self.settle()

    async def press(self, *keys: str) -> None:
        """Press keys one by one."""
        for key in keys:
            await self.app._press_keys([key])
            await rest(self.app)

    async def after(self, *keys: str) -> str:
        """Press keys one by one; the screen afterwards."""
        await self.press(*keys)
        return self.text

    async def resize(self, columns: int, rows: int) -> str:
        """Give the terminal another size; the screen afterwards."""
        await self.pilot.resize_terminal(columns, rows)
        return await self.drawn()

    async def drawn(self) -> str:
        """The screen once it is at rest."""
        await rest(self.app)
        return self.text

    async def wait_for(self, sentence: str) -> None:
        """Wait until the screen shows `sentence`; on failure show the screen instead."""
        try:
            async with asyncio.timeout(PATIENCE):
                while sentence not in await self.drawn():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{sentence!r} is not on the screen:\n{self.text}") from None

    @property
    def text(self) -> str:
        return text_of(self.app)


@asynccontextmanager
async def lab(
    events: Iterable[AnyEvent],
    size: tuple[int, int] = (80, 24),
    commands: bool = True,
    tour: bool = False,
) -> AsyncIterator[Lab]:
    source = ScriptedSource(events, commands)
    app = BntuiApp(source, tour=tour)
    async with app.run_test(size=size, notifications=True) as pilot:
        opened = Lab(pilot, source, app)
        await opened.settle()
        yield opened
