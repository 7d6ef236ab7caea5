"""The guided tour: shown once, in nobody's way."""

import os
import textwrap
from pathlib import Path

import pytest

from bntui.cli.first_start import MARKER, is_first_start
from bntui.config.schema import RunConfig
from bntui.history.history import History
from bntui.protocol import Pause, Recalibrate, Resume, SetPace, Start, State, Subscribe
from bntui.tui.widgets.tour import CARDS
from tests.scripted import beginning, diagnostics, probes, steps
from tests.tui.screen import lab

SOME = [*beginning(), *steps(0, 100), *probes(100)]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
async def test_three_acts_drive_the_lab(size: tuple[int, int]) -> None:
    async with lab([*beginning(), State("paused", 0, "log")], size, tour=True) as it:
        assert it.source.sent == [Pause()]
        for i, card in enumerate(CARDS, 1):
            assert f"{i}/{len(CARDS)} {card.title}" in it.text
            keys = ("left", "right", "enter") if i > 1 else ("right",)
            await it.press(*keys)
        assert f"/{len(CARDS)} " not in it.text
    sent = [command for command in it.source.sent if not isinstance(command, Subscribe)]
    assert sent == [
        Pause(),
        Resume(),
        Start(RunConfig(depth=5, hidden=100)),
        Start(RunConfig(momentum=0.001, steps=500, pace=None)),
        Recalibrate("BN"),
        Resume(),
    ]


async def test_it_covers_nothing_and_its_numbers_are_the_runs() -> None:
    async with lab(beginning(), (80, 24), tour=True) as it:
        text = await it.after("right")
        assert "no BN 70.8%, BN 2.8%" in text
        for title in ("Loss", "Activations", "Running stats", "Train / eval"):
            assert title in text
        assert "in training mode" not in text
        await it.play(*SOME[2:])
        assert "gap 0" in it.text
        assert "live" not in it.text  # the time bar gives its row
        assert "as of" in await it.after("comma")
        for event in diagnostics(0):
            await it.play(event)
        await it.press("end")
        assert "Dead now: no BN 12, BN 0." in await it.after("right", "right", "right")
        text = await it.after("right")
        assert "loss 0.1938 in evaluation, 0.1905 in training mode" in " ".join(text.split())


def test_every_card_has_two_rows_at_80_columns() -> None:
    history = History()
    for event in [*beginning(), *steps(0, 5000), *probes(5000), *diagnostics(0)]:
        history.fold(event)
    for known in (History(), history):
        for card in CARDS:
            assert len(textwrap.wrap(card.text(known), 78)) <= 2, card.title


async def test_it_points_at_the_pane_that_it_speaks_of() -> None:
    async with lab(SOME, (79, 24), tour=True) as it:
        assert "density" in await it.after("right")
        assert "last-100 mean" in await it.after("right")
        assert "density" in await it.after("left")


async def test_escape_skips_it_starts_what_waits_and_no_key_is_blocked() -> None:
    async with lab([*beginning(), State("paused", 0, "log")], tour=True) as it:
        await it.press("plus")
        assert it.source.sent == [Pause(), SetPace(500)]
        assert f"1/{len(CARDS)}" in it.text
        assert f"1/{len(CARDS)}" not in await it.after("escape")
        assert it.source.sent[2:] == [Resume()]
    async with lab([beginning()[0]], tour=True) as it:
        await it.press("escape")
        assert it.source.sent == [Pause(), Resume()]
    async with lab([], tour=True) as it:
        await it.press("escape")
        await it.play(*beginning())
        assert it.source.sent == []
    async with lab(SOME, tour=True) as it:
        await it.press("q")
    assert it.source.closed
    assert Resume() not in it.source.sent


async def test_who_goes_to_a_pane_needs_no_guide() -> None:
    async with lab(SOME, tour=True) as it:
        await it.press("2")
        await it.pilot.pause()
        assert f"1/{len(CARDS)}" not in it.text


async def test_it_is_not_shown_unasked() -> None:
    async with lab(SOME) as it:
        assert f"/{len(CARDS)} " not in it.text


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
