"""Looking back: the panes stand at an earlier step, the run goes on."""

import re

import pytest
from msgspec.structs import replace

from bntui.protocol import Ended, Log, State, Steps
from bntui.tui.timeline import PARTS
from tests.scripted import beginning, probes, steps
from tests.tui.screen import Lab, lab

LONG = [event for i in range(0, 5000, 500) for event in (*steps(i, 500), *probes(i + 500))]
FINISHED = [*beginning(), *LONG, State("finished", 5000, 500.0)]
SLOW = [replace(e, elapsed=60 * e.elapsed) if isinstance(e, Steps) else e for e in FINISHED]
"""It took ten minutes: no replay ends by itself, however busy the machine is."""


async def test_arrows_look_back_and_end_returns() -> None:
    async with lab(FINISHED) as it:
        assert "live" in it.text
        assert "as of 4,500" in await it.after("left")
        assert "as of 4,499" in await it.after("comma")
        assert "as of 4,000" in await it.after("left")
        assert "as of 4,001" in await it.after("full_stop")
        assert "as of 4,500" in await it.after("right")
        assert "as of 0" in await it.after("shift+left")
        assert "as of 500" in await it.after("right")
        assert "as of 0" in await it.after("home")
        assert "no step yet" in it.text
        assert "◀ step 0 of 5,000 · last batch ■ no BN –  ○ BN –" in it.text
        text = await it.after("end")
        assert "as of" not in text
        assert "live" in text


async def test_the_panes_show_the_run_as_it_was() -> None:
    async with lab(beginning()) as early, lab(FINISHED) as late:
        await early.play(*LONG[: len(LONG) // 2])
        await late.press(*["left"] * 5)
        assert "as of 2,500" in late.text
        assert shown(early) == shown(late)


def shown(it: Lab) -> list[list[str]]:
    """Headlines and numbers; curves move as the limits of the y axes only ever widen."""
    words = ("Loss", "Running stats", "sat.", "train", "eval", "gap", "BN")
    rows = (
        re.sub(r"[\u2800-\u28ff▲▼]+\d*|-?[\d.]*[┤│]|[■○] \d\.\d{3}(?= )", " ", row)
        for row in panes(it)
    )
    return [row.split() for row in rows if any(word in row for word in words)]


def panes(it: Lab) -> list[str]:
    """The screen between the status line and the scrub bar."""
    rows = it.text.splitlines()
    return rows[1 : next(i for i, row in enumerate(rows) if "p replay" in row)]


async def test_a_run_goes_on_while_one_looks_back() -> None:
    async with lab([*beginning(), *LONG[: len(LONG) // 2]]) as it:
        await it.press("left")
        before = panes(it)
        await it.play(*LONG[len(LONG) // 2 :])
        assert "◀ step 2,000 of 5,000, running" in it.text
        assert panes(it) == before
        assert "as of 2,000" in it.text


async def test_moving_on_past_the_newest_step_is_live() -> None:
    async with lab(FINISHED) as it:
        await it.press("left")
        assert "as of" not in await it.after("right")


async def test_replay_goes_faster_with_every_press_and_ends_live() -> None:
    async with lab(SLOW) as it:
        assert "replay 1x" in await it.after("p")
        assert "replay 2x" in await it.after("p")
        assert "replay 10x" in await it.after("p")
        assert "replay max" in await it.after("p")
        assert "replay" not in (await it.after("p")).replace("p replay", "")
        assert "as of 4,500" in await it.after("end", "left")
        await it.press("p", "p", "p", "p")
        for _ in range(PARTS // 10):  # frames, without waiting for their clock
            it.app.lab._tick()
        assert "live ·" in await it.drawn()


async def test_the_mouse_drags_the_mark() -> None:
    async with lab(FINISHED, (120, 40)) as it:
        bar = "ScrubBar"
        await it.pilot.mouse_down(bar, offset=(1, 0))
        await it.pilot.hover(bar, offset=(40, 0))
        await it.pilot.mouse_up(bar, offset=(40, 0))
        await it.pilot.pause()
        assert "as of 2,5" in it.text
        before = it.text
        await it.pilot.hover(bar, offset=(60, 0))
        assert it.text == before


@pytest.mark.parametrize("size", [(79, 24), (40, 12)])
async def test_a_small_screen_shows_the_bar_only_while_looking_back(size: tuple[int, int]) -> None:
    async with lab(FINISHED, size=size) as it:
        assert "━●" not in it.text
        await it.press("left")
        await it.pilot.pause()
        assert "━●" in it.text
        await it.press("end")
        await it.pilot.pause()
        assert "━●" not in it.text


async def test_a_recording_that_stops_in_the_middle_was_cut_off() -> None:
    async with lab([*beginning(), *LONG[:8], Ended()], commands=False) as it:
        assert "cut off" in it.text
        await it.play(*LONG[8:])
        assert "cut off" not in it.text


async def test_an_empty_recording_says_so() -> None:
    async with lab([Ended()], commands=False) as it:
        assert "no run in this recording" in it.text


async def test_a_log_that_fails_is_said_for_as_long_as_it_does() -> None:
    async with lab(FINISHED) as it:
        await it.play(Log("/tmp/x", "No space left on device"))
        assert "NOT LOGGED: No space left on device" in it.text
        await it.play(Log("/tmp/x", None))
        assert "NOT LOGGED" not in it.text
