"""Networks beyond no BN and BN: which are shown, and which one is chosen."""

import pytest

from bntui.config.schema import RunConfig
from bntui.protocol import Activations, AnyEvent, Forked, ModeLosses, Statistics, TraceUnits
from tests.scripted import ARMS, beginning, hello, probes, steps
from tests.tui.screen import lab


def four() -> list[AnyEvent]:
    config = RunConfig(arms=("none", "bn", "bn-torch", "ln"))
    hill = [20] * 50
    both: list[float | None] = [0.7, 0.6]
    flat: list[list[float | None]] = [[1.0, 2.0]]
    return [
        *(hello(config), *beginning()[1:]),
        Activations("BN torch", 0, 0, 1000, hill, 0.111),
        Activations("LN", 0, 0, 1000, hill, 0.222),
        ModeLosses("BN torch", 0, [1, 90], both, both),
        Statistics("BN", 0, [4], [0, 1], flat, flat, flat, flat),
        Statistics("BN torch", 0, [7], [0, 1], flat, flat, flat, flat),
    ]


async def test_panes_about_bn_show_the_chosen_arm() -> None:
    async with lab(four(), (79, 24)) as it:
        assert "BN  TRAIN 0.1905" in await it.after("4")
        assert "BN torch  TRAIN 0.6" in await it.after("a")
        assert "units 7" in await it.after("3")
        assert "units 4" in await it.after("a")
        await it.press("D")
        assert it.source.sent == [TraceUnits(0, [9, 10, 11, 12, 13])]


async def test_activations_show_as_many_arms_as_have_room() -> None:
    async with lab(four(), (120, 60)) as it:
        assert all(share in it.text for share in ("70.8%", "2.8%", "11.1%", "22.2%"))
    async with lab(four(), (80, 18)) as it:
        text = await it.after("2")
        assert "70.8%" in text
        assert "22.2%" not in text
        await it.press("a")
        assert "11.1%" in it.text
        assert "22.2%" in await it.after("a")


async def test_without_bn_nothing_is_claimed_of_running_statistics() -> None:
    both: list[float | None] = [0.5]
    same = ModeLosses("LN", 0, [90], both, both)
    config = RunConfig(arms=("ln",))
    async with lab([hello(config), *beginning()[1:], same], (120, 40)) as it:
        assert "no network here has BatchNorm" in it.text
        assert "LN: 0.5 in either mode" in it.text


async def test_an_axis_tells_the_range_of_its_activation() -> None:
    zero_up = Activations("BN", 0, 0, 1000, [20] * 50, 0.5, 0.0, 6.0)
    config = RunConfig(activation="relu", arms=("bn",))
    async with lab([hello(config), zero_up], (120, 40)) as it:
        assert "BN  zero 50.0% → 50.0%" in it.text
        assert any(row.split()[-3:] == ["4", "5", "6"] for row in it.text.splitlines())


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_four_arms_on_every_page(size: tuple[int, int]) -> None:
    fork = Forked("BN lr 1", "BN", 100)
    events = [*beginning(), *steps(0, 100), *probes(100), fork, Forked("BN lr 2", "BN", 100)]
    async with lab(events, size) as it:
        if size == (80, 24):
            headline = it.text.splitlines()[1]
            assert all(f"{shape} " in headline.split("Activ")[0] for shape in "■○◆□")
            assert "2 of 4 shown, a: next" in headline
            assert not headline.rstrip().endswith("·")  # what had no room leaves no sign behind
        for key in "123456789":
            await it.press(key, "a")
        assert "running" in it.text


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40)])
async def test_no_headline_ends_within_a_number(size: tuple[int, int]) -> None:
    run = [*beginning(), *steps(0, 500), *probes(500)]
    async with lab(run, size) as it:
        text = await it.after("4")
        panes = text.splitlines()[1:-2]
        assert not any("…" in row for row in panes)
        assert "TRAIN 0.1905 · n=90" in text
        assert ("gap -0.0033" in text) == (size[0] >= 100)


async def test_a_measurement_older_than_the_last_step_names_its_own() -> None:
    run = [*beginning(), *steps(0, 500), *probes(500)]
    async with lab(run, (200, 60)) as it:
        assert "█ now ⠒ init" in it.text
        assert "as of step" not in it.text
        await it.play(*steps(500, 100))
        assert "density · █ step 500 ⠒ init" in it.text
        assert "TRAIN 0.1905 · as of step 500 · n=90" in it.text
    async with lab([*run, *steps(500, 100)], (80, 24)) as it:
        assert "TRAIN 0.1905 at 500" in it.text
        assert "█ step 500 ⠒ init" in it.text


async def test_no_gap_is_called_minus_nothing() -> None:
    nearly: list[float | None] = [0.5, 0.499999]
    same = [ModeLosses(name, 0, [1, 90], nearly[1:] * 2, nearly[:1] * 2) for name in ARMS]
    async with lab([hello(), *beginning()[1:], *same], (120, 40)) as it:
        assert "gap +0.0%" in it.text
        assert "gap +0.0000" in it.text


async def test_in_passing_an_n_that_was_not_measured_is_not_shown() -> None:
    known: list[float | None] = [0.5, 0.4, None]
    partly = [ModeLosses(name, 0, [1, 2, 4, 8, 1024, 65_536], known, known) for name in ARMS]
    known[1:1] = [0.5] * 3
    async with lab([hello(), *beginning()[1:], *partly], (120, 40)) as it:
        assert "no BN: 0.4 in either mode (n = 1,024)" in it.text
        await it.resize(80, 24)
        assert "1024 65536" in it.text  # columns stay apart, in one form
