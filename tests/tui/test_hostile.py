"""Odd numbers and hostile words draw something sensible; nothing crashes, nothing is obeyed."""

import msgspec
import pytest

from bntui.config.schema import RunConfig
from bntui.history.history import History
from bntui.protocol import (
    Activations,
    AnyEvent,
    Changed,
    Dataset,
    Failed,
    ModeLosses,
    Reading,
    Skipped,
    State,
    Statistics,
    Steps,
)
from bntui.tui.panes.loss import LossPane
from tests.scripted import beginning, hello, probes, steps
from tests.tui.screen import lab

COLUMNS: dict[str, list[float | None]] = {
    "not finite": [None] * 40,
    "constant": [1.0] * 40,
    "zero": [0.0] * 40,
    "negative": [-3.0] * 40,
    "huge": [1e300 * i for i in range(40)],
    "tiny": [1e-300 * i for i in range(40)],
    "beyond single precision": [1e39] * 40,
    "single": [2.5],
    "gaps": [1.0, None, 2.0, None],
    "wild": [1e-30, 1e30, None, -1e30],
}


def everywhere(column: list[float | None]) -> list[AnyEvent]:
    n = len(column)
    both = {"no BN": column, "BN": column}
    units = [column] * 5
    return [
        hello(),
        Dataset("words", 20, 90, 21, 128, 128),
        State("running", 0, None),
        Steps(0, 0.1, both),
        Statistics("BN", 0, [0, 1, 2, 3, 4], list(range(n)), units, units, units, units),
        ModeLosses("BN", 0, list(range(1, n + 1))[:6], column[:6], column[:6]),
        ModeLosses("no BN", 0, list(range(1, n + 1))[:6], column[:6], column[:6]),
    ]


async def test_any_numbers() -> None:
    """On one screen; the keys that turn something are pressed until all is as it was."""
    async with lab([]) as it:
        sizes = [((120, 40), list(COLUMNS)), ((40, 12), ["wild", "not finite"])]
        for size, names in sizes:
            await it.resize(*size)
            for name in names:
                await it.play(*everywhere(COLUMNS[name]))
                for keys in ("lwl", "3dvd", "4mnz", "z3v4m1w"):
                    text = await it.after(*keys)
                    assert "running" in text, name
                    assert "cannot be drawn" not in text, name


async def test_strange_events() -> None:
    events: list[AnyEvent] = [
        Activations("BN", 0, 0, 0, [0] * 50, None),
        Activations("BN", 0, 0, 5, [0] * 50, None),
        Activations("BN", 0, 0, 10**15, [10**15] * 50, 1.0),
        ModeLosses("BN", 0, [1] * 20, [1.0] * 20, [2.0] * 20),
        Statistics("BN", 0, [], [0, 1], [], [], [], []),
        Statistics("BN", 0, [3], [], [[]], [[]], [[]], [[]]),
        Statistics("BN", 0, [0, 0], [9], [[1.0]] * 2, [[1.0]] * 2, [[1.0]] * 2, [[1.0]] * 2),
    ]
    async with lab([]) as it:
        for event in events:
            await it.play(*beginning(), event)
            text = await it.after("4", "n", "3", "d", "d", "2")
            assert "running" in text, event
            assert "cannot be drawn" not in text, event


async def test_a_run_of_a_billion_steps_that_has_made_few() -> None:
    config = RunConfig(steps=10**9)
    async with lab([*beginning(config), *steps(0, 300), *probes(300)]) as it:
        assert "300/1,000,000,000" in it.text
        await it.press("left", "shift+left", "home", "p", "end", "w")
        assert "live" in it.text


async def test_a_log_from_the_future_says_so_and_shows_what_is_known() -> None:
    newer = msgspec.structs.replace(hello(), protocol=99, version="9.9")
    async with lab([newer, *beginning()[1:], *steps(0, 300)], (160, 40)) as it:
        assert "written by bntui 9.9 in protocol 99" in it.text
        assert "last-300 mean" in it.text


HOSTILE = "[/nope][@click=app.quit]x[/]\x1b]0;owned\x07\x1b[31m\x9b1mé\u202e\ud800"


@pytest.mark.parametrize(
    "event",
    [
        Reading(HOSTILE, 1, 100),
        Failed("crash", HOSTILE, HOSTILE),
        Skipped(1, HOSTILE),
        Dataset(HOSTILE, 1, 1, 1, 1, 1),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_words_from_outside_are_shown_and_never_obeyed(event: AnyEvent) -> None:
    async with lab([hello(RunConfig(preset=HOSTILE)), event], (200, 50)) as it:
        if isinstance(event, Skipped):
            await it.play(State("paused", 0, None))
        assert "\x1b" not in it.text
        assert "\x9b" not in it.text
        assert "[/nope][@click=app.quit]x[/]" in it.text


async def test_a_storm_of_sizes() -> None:
    sizes = [(1, 1), (300, 100), (40, 12), (41, 13), (99, 30), (100, 29), (2, 60), (120, 40)]
    async with lab([*beginning(), *steps(0, 300), *probes(300)]) as it:
        for size in sizes * 2:
            await it.pilot.resize_terminal(*size)
        await it.wait_for("Running stats")


async def test_keys_pressed_before_anything_is_known() -> None:
    async with lab([]) as it:
        await it.press(*"sr-+x1234zzlwddDUvyymnt", "space", "tab", "shift+tab")
        assert "warming up" in it.text


async def test_a_fault_of_drawing_is_said_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: LossPane, history: object) -> None:
        raise OverflowError("it broke")

    async with lab([*beginning(), *steps(0, 100)], (120, 40)) as it:
        with monkeypatch.context() as patch:
            patch.setattr(LossPane, "draw", broken)
            await it.play(*steps(100, 100))
            assert "this cannot be drawn (OverflowError: it broke)" in it.text
        await it.play(*steps(200, 100))
        assert "cannot be drawn" not in it.text


async def test_a_fault_of_reading_is_counted_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fold = History.fold

    def broken(self: History, event: AnyEvent) -> None:
        if isinstance(event, Changed):
            raise OverflowError("it broke")
        fold(self, event)

    monkeypatch.setattr(History, "fold", broken)
    async with lab([*beginning(), Changed(0, "lr", 0.5, 0.1)], (160, 40)) as it:
        assert "1 line skipped (Changed cannot be read: it broke)" in it.text
        await it.play(*steps(0, 100))
        assert "100/5,000" in it.text
