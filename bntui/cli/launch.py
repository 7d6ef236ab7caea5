"""Open the lab in this terminal, or raise why it cannot be drawn there."""

import codecs
import gc
import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bntui.cli.first_start import is_first_start
from bntui.errors import InputError
from bntui.sources.base import Source
from bntui.text import clean

if TYPE_CHECKING:
    from bntui.sources.script import ScriptSource
    from bntui.sweep.source import SweepSource


def show(source: Source, fps: float, tour: bool = False) -> int:
    """Open the lab, drawn `fps` times a second; returns the exit code.

    The guided tour is shown with `tour`, and on the user's first start; a recording has none.

    Raises:
        InputError: No screen can be drawn here.
    """
    require_screen()
    gc.disable()  # until the first frame is up: what is loaded is no garbage
    import asyncio  # noqa: PLC0415 (takes a moment)

    return asyncio.run(_open(source, fps, tour))


async def _open(source: Source, fps: float, tour: bool) -> int:
    """An engine is started first: it loads torch while the screen is loaded here."""
    from bntui.sources.local import EngineSource  # noqa: PLC0415 (loads asyncio)

    if isinstance(source, EngineSource):
        await source.start()
    try:
        from bntui.tui.app import run  # noqa: PLC0415 (textual takes a moment)

        with_tour = source.accepts_commands and (is_first_start() or tour)
        return await run(source, fps, with_tour)
    finally:
        await source.close()


def show_together(recordings: Sequence[tuple[str, Source]], fps: float, watched: bool) -> int:
    """Overlay several logs, of watched runs or of the lab; returns the exit code.

    Raises:
        InputError: No screen can be drawn here.
    """
    require_screen()
    gc.disable()
    from bntui.tui.app import compare  # noqa: PLC0415 (textual takes a moment)

    return compare(recordings, fps, watched)


def print_once(
    sources: Sequence[tuple[str, Source]],
    size: tuple[int, int] | None,
    ansi: bool | None,
    watched: bool = False,
) -> int:
    """Print one frame of a run, or of several overlaid; returns the exit code.

    `size` is by default the terminal's, as far as it can be drawn to; with `ansi` None there are
    colours on a terminal. Several may be `watched` runs.
    """
    import asyncio  # noqa: PLC0415 (takes a moment)

    from bntui.tui.app import frame  # noqa: PLC0415 (textual takes a moment)
    from bntui.tui.screens.panes import ROOM_FOR_ALL  # noqa: PLC0415

    columns, rows = shutil.get_terminal_size((120, 41))
    rows -= rows != ROOM_FOR_ALL[1]  # one for the prompt, unless panes would have to go for it
    size = size or (min(max(columns, 40), 500), min(max(rows, 12), 200))
    colours = sys.stdout.isatty() if ansi is None else ansi
    sys.stdout.write(asyncio.run(frame(sources, size, colours, watched)))
    return 0


def show_sweep(source: "SweepSource", fps: float) -> int:
    """Open a sweep's screen; returns the exit code.

    Raises:
        InputError: No screen can be drawn here.
    """
    require_screen()
    from bntui.tui.sweep_app import show_sweep as show  # noqa: PLC0415 (textual takes a moment)

    return show(source, fps)


def show_script(source: "ScriptSource", fps: float) -> int:
    """Start a script and show it; returns the exit code. `require_screen` is to be called before.

    Raises:
        InputError: The user's keys cannot be used.
    """
    from bntui.tui.script_app import show_script as show  # noqa: PLC0415 (textual takes a moment)

    return show(source, fps)


def has_screen() -> bool:
    """Whether a screen can be drawn here and nobody reads standard output."""
    return _problem() is None and bool(sys.__stdout__ and sys.__stdout__.isatty())


def require_screen(otherwise: str = "bntui run trains without a screen") -> None:
    """Refuse to go on where no screen can be drawn.

    Raises:
        InputError: That is so; the sentence ends in what can be done instead.
    """
    if problem := _problem():
        raise InputError(f"{problem}; {otherwise}.")


def _problem() -> str | None:
    """Why no screen can be drawn here: Textual draws on stderr and reads stdin."""
    if not (sys.__stdin__ and sys.__stdin__.isatty()):
        return "Standard input is not a terminal"
    if not (sys.__stderr__ and sys.__stderr__.isatty()):
        return "Standard error, where the screen is drawn, is not a terminal"
    if os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        return f"TERM is {clean(os.environ.get('TERM', 'not set'))}, which cannot draw a screen"
    if codecs.lookup(sys.__stderr__.encoding).name != "utf-8":
        return f"The terminal's encoding is {sys.__stderr__.encoding}, but the screen needs UTF-8"
    return None
