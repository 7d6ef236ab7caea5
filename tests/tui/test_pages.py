"""Pages beside the lab: how one gets there and back, and what the engine is told to measure."""

import pytest
from textual import events

from bntui.config.schema import RunConfig
from bntui.protocol import AnyEvent, Probe, Recalibrate, Subscribe, TraceUnits
from bntui.tui.pane_grid import PaneGrid
from bntui.tui.panes.pane import Pane
from tests.scripted import beginning, diagnostics, hello, probes, steps, updates
from tests.tui.screen import lab

PAGES = {
    "5": ("Layers", "71.0%"),
    "6": ("Updates", "update:data"),
    "7": ("Units", "units 0–"),
    "8": ("Inference", "0.1921"),
    "9": ("Checks", "backward"),
    "0": ("Doctor", "A bias right before BatchNorm"),
}
PROBES: dict[str, list[Probe]] = {
    "5": ["layers"],
    "6": ["weights"],
    "7": ["units"],
    "8": ["ladder"],
    "9": ["checks"],
    "0": ["ladder"],
}


def some(config: RunConfig | None = None) -> list[AnyEvent]:
    start = [hello(config), *beginning()[1:]]
    depth = config.depth if config else 1
    return [*start, *steps(0, 100), *probes(100), *updates(0, 100), *diagnostics(100, depth)]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_page_has_the_whole_room_and_the_lab_comes_back(size: tuple[int, int]) -> None:
    async with lab(some(), size) as it:
        before = it.text
        mounted = it.app.lab.query(Pane)
        assert list(mounted) == it.app.lab.pages.four  # a page is made when it is first needed
        for key, (title, seen) in PAGES.items():
            text = await it.after(key)
            assert f" {title}  " in text
            assert seen in text
            assert "last-100 mean" not in text
        assert await it.after("escape") == before
        assert "TRAIN" in await it.after("9", "4")


async def test_back_to_the_pane_that_one_came_from() -> None:
    async with lab(some(), (80, 24)) as it:
        await it.press("3")
        for key in ("escape", "z"):
            assert "Running stats  " not in await it.after("8", "9")
            assert "Running stats  " in await it.after(key)
            assert it.app.lab.pages.current is it.app.lab.pages.statistics


async def test_tab_turns_the_pages() -> None:
    async with lab(some()) as it:
        await it.press("5")
        for _, seen in [*list(PAGES.values())[1:], PAGES["5"]]:
            assert seen in await it.after("tab")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (40, 12)])
async def test_all_tabs_have_room(width: int, height: int) -> None:
    async with lab(some(), (width, height)) as it:
        row = (await it.after("9")).splitlines()[1]
        assert "9 Checks" in row
        assert all(f"{number}" in row for number in range(10))
        if width >= 80:
            assert "5 Layers" in row
            assert "6 Updates" in row


async def test_a_click_on_a_tab_turns_to_its_page() -> None:
    async with lab(some(), (79, 24)) as it:
        place = it.text.splitlines()[1].index("7 Units")
        await it.pilot.click("PaneTabs", offset=(place, 0))
        await it.wait_for("units 0–")


async def test_the_engine_measures_what_is_seen_and_no_more() -> None:
    async with lab(some()) as it:
        await it.press("1", "2", "z", "z")
        assert it.source.sent == []
        for key in PAGES:
            await it.press(key)
        await it.press("1", "2")
        assert it.source.sent == [*(Subscribe(PROBES[key]) for key in PAGES), Subscribe([])]


async def test_the_layer_that_is_seen_is_the_one_measured() -> None:
    async with lab(some(RunConfig(depth=3))) as it:
        await it.press("7", "y", "y", "Y", "escape", "y")
        assert it.source.sent == [
            Subscribe(["units"], 0),
            Subscribe(["units"], 1),
            Subscribe(["units"], 2),
            Subscribe(["units"], 1),
            Subscribe([]),
            TraceUnits(2, [0, 1, 2, 3, 4]),
        ]


async def test_a_run_begun_again_is_told_what_is_seen() -> None:
    async with lab(some()) as it:
        await it.press("8")
        await it.play(*some())
        assert it.source.sent == [Subscribe(["ladder"])] * 2


async def test_a_page_chosen_before_the_run_is_told_once_there_is_one() -> None:
    async with lab([]) as it:
        await it.press("5")
        assert it.source.sent == []
        await it.play(hello())
        assert it.source.sent == [Subscribe(["layers"])]


async def test_a_recording_shows_its_pages_without_complaint() -> None:
    async with lab(some(), commands=False) as it:
        for key, (_, seen) in PAGES.items():
            assert seen in await it.after(key)
        await it.press("1")
        assert "takes no commands" not in it.text
        assert it.source.sent == []


async def test_recalibration_is_asked_for_and_told_once_it_is_done() -> None:
    async with lab(some()) as it:
        await it.press("8", "R")
        assert it.source.sent == [Subscribe(["ladder"]), Recalibrate("BN")]
        assert "recalibrated" not in it.text


async def test_nothing_to_recalibrate_is_said() -> None:
    async with lab([hello(RunConfig(arms=("none", "ln")))]) as it:
        assert "no network here has BatchNorm" in await it.after("8")
        await it.press("R")
        await it.wait_for("No network here has BatchNorm")


@pytest.mark.parametrize("size", [(120, 40), (40, 12)])
async def test_pages_before_anything_is_measured(size: tuple[int, int]) -> None:
    async with lab(beginning(), size) as it:
        for key in PAGES:
            assert "not measured yet" in await it.after(key)


async def test_a_page_shows_the_run_as_it_was() -> None:
    later = [*steps(100, 4900), *updates(100, 4900), *diagnostics(5000)]
    keys = "567"
    async with lab(some()) as early, lab([*some(), *later]) as late:
        await late.press("5", "home", "right")
        assert "as of 100" in late.text
        for key in keys:
            assert body(await early.after(key)) == body(await late.after(key))
        await late.press("5", "home")
        assert "no layer measured yet" in late.text
        assert "step 5,000" in await late.after("end")


def body(text: str) -> list[str]:
    """The page alone, without the axis whose length is that of the run until now."""
    return text.splitlines()[2:-8]


@pytest.mark.parametrize("name", ["activations", "doctor"])
async def test_focus_that_moves_while_the_screen_is_taken_apart_mounts_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lab(some()) as it:
        screen = it.app.lab
        (pane,) = (pane for pane in screen.pages.panes if pane.id == name)
        with monkeypatch.context() as gone:
            gone.setattr(PaneGrid, "is_attached", False)
            gone.setattr(Pane, "is_attached", False)
            screen.on_descendant_focus(events.DescendantFocus(pane))
        assert screen.pages.current is screen.pages.loss
