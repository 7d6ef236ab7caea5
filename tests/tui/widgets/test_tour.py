"""The guided tour: shown once, in nobody's way."""

import os
from pathlib import Path

import pytest

from bntui.cli.first_start import MARKER, is_first_start
from bntui.protocol import Pause
from bntui.tui.widgets.tour import STOPS
from tests.scripted import beginning, probes, steps
from tests.tui.screen import lab

SOME = [*beginning(), *steps(0, 100), *probes(100)]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
async def test_it_goes_from_stop_to_stop_and_ends(size: tuple[int, int]) -> None:
    async with lab(SOME, size, tour=True) as it:
        for i, stop in enumerate(STOPS, 1):
            assert f"{i}/{len(STOPS)} {stop.name}" in it.text
            await it.press("enter" if i % 2 else "right")
        assert f"/{len(STOPS)} " not in it.text


async def test_it_points_at_the_pane_that_it_speaks_of() -> None:
    async with lab(SOME, (79, 24), tour=True) as it:
        assert "last-100 mean" in await it.press("right")
        assert "density ·" in await it.press("right")
        assert "last-100 mean" in await it.press("left")


async def test_escape_skips_it_and_no_key_is_blocked() -> None:
    async with lab(SOME, tour=True) as it:
        await it.press("space")
        assert it.source.sent == [Pause()]
        assert f"1/{len(STOPS)}" in it.text
        assert f"1/{len(STOPS)}" not in await it.press("escape")
        assert "as of" in await it.press("left")
    async with lab(SOME, tour=True) as it:
        await it.press("q")
    assert it.source.closed


async def test_who_goes_to_a_pane_needs_no_guide() -> None:
    async with lab(SOME, tour=True) as it:
        await it.press("2")
        await it.pilot.pause()
        assert f"1/{len(STOPS)}" not in it.text


async def test_it_is_not_shown_unasked() -> None:
    async with lab(SOME) as it:
        assert f"/{len(STOPS)} " not in it.text


def test_the_first_start_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "not" / "there"))
    assert is_first_start()
    assert not is_first_start()
    assert (tmp_path / "not" / "there" / "bntui" / MARKER).exists()


def test_a_state_that_cannot_be_kept_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", Path("/proc/nowhere"), Path(os.devnull)):
        monkeypatch.setenv("XDG_STATE_HOME", str(place))
        assert not is_first_start()


async def test_it_ends_where_the_lab_begins() -> None:
    async with lab(SOME, (79, 24), tour=True) as it:
        await it.press(*["enter"] * (len(STOPS) - 1))
        assert "TRAIN" in it.text
        assert "last-100 mean" in await it.press("enter")
