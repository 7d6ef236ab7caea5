"""The findings on the screen: one calm line where there is room, all of them in the help."""

from time import monotonic

import pytest

from bntui.history.findings import Finding
from bntui.protocol import State
from bntui.tui.widgets.findings_line import HOLD, TURN, FindingsLine
from tests.scripted import beginning, probes, steps
from tests.tui.screen import lab

SOME = [*beginning(), *steps(0, 100)]
SENTENCE = "mean loss of the last 100 steps is higher"


async def test_above_the_keys_where_there_is_room_and_in_the_help_everywhere() -> None:
    async with lab(SOME, (120, 40)) as it:
        rows = it.text.splitlines()
        place = next(i for i, row in enumerate(rows) if SENTENCE in row)
        assert "space Pause" in rows[place + 1]
    async with lab(SOME, (80, 24)) as it:
        assert SENTENCE in it.text
    async with lab(SOME, (80, 20)) as it:
        assert SENTENCE not in it.text
        assert SENTENCE in " ".join((await it.after("question_mark")).split())


async def test_it_is_about_the_step_that_is_looked_at() -> None:
    async with lab([*SOME, *steps(100, 400)], (120, 40)) as it:
        assert "the last 500 steps" in it.text
        await it.press("home", *["full_stop"] * 50)
        assert "the last 50 steps" in it.text


async def test_a_run_that_comes_to_rest_is_spoken_of_at_once() -> None:
    async with lab(SOME, (120, 40)) as it:
        assert "the last 100 steps" in it.text
        await it.play(*steps(100, 400), State("finished", 500, None))
        assert "the last 500 steps" in it.text


async def test_its_numbers_are_those_beside_it_while_a_run_goes_on() -> None:
    async with lab(SOME, (120, 40)) as it:
        await it.play(*steps(100, 150))
        assert "the last 250 steps" in it.text


async def test_findings_take_turns_while_a_run_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab([*SOME, *probes(100), State("paused", 100, None)], (120, 40)) as it:
        first = it.text.splitlines()[-3]
        now = monotonic()
        monkeypatch.setattr("bntui.tui.screens.lab.monotonic", lambda: now + TURN)
        it.app.lab._tick()
        assert (await it.drawn()).splitlines()[-3] != first


async def test_a_finding_stays_long_enough_to_be_read_while_it_holds() -> None:
    pressing, usual = Finding("pressing", ("diverged",)), Finding("usual", ("is higher",))
    line = FindingsLine()

    def shown(found: list[Finding], now: float, at: object = None) -> str:
        line.show(found, now, at)
        return line.topic

    assert shown([usual], 10) == "usual"
    assert not line.is_due(10 + TURN)  # there is no other
    assert shown([pressing, usual], 10 + HOLD / 2) == "usual"
    assert not line.is_due(10 + HOLD / 2)
    assert line.is_due(10 + HOLD)
    assert shown([pressing, usual], 10 + HOLD) == "pressing"
    assert shown([usual], 10.5 + HOLD) == "usual"
    assert shown([pressing, usual], 11 + HOLD, at=5) == "pressing"
    assert not line.is_due(11 + 2 * HOLD)
    assert line.is_due(11 + HOLD + TURN)
    assert shown([pressing, usual], 11 + HOLD + TURN, at=5) == "usual"
    assert shown([], 12 + HOLD + TURN, at=5) == ""
