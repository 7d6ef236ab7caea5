"""What the pages say about layers, weights, units, statistics and checks."""

from math import nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.config.schema import Activation, RunConfig
from bntui.history.arm import ArmHistory
from bntui.history.history import folded
from bntui.protocol import (
    AnyEvent,
    Checks,
    Ladder,
    LayerHealth,
    Layers,
    Recalibrated,
    SplitLosses,
    Statistics,
    Units,
    Updates,
    WeightHealth,
    Weights,
)
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.checks import relative, verdict
from bntui.tui.panes.inference import explained
from bntui.tui.panes.layers import Measured, top
from bntui.tui.panes.pane import fixed, form_for, power
from bntui.tui.panes.statistics import lag
from bntui.tui.panes.units import drawn, unpacked
from bntui.tui.plotting.text_rows import Rows
from tests.scripted import beginning, diagnostics, hello, steps, updates
from tests.tui.screen import lab


def some(depth: int = 1, activation: Activation = "tanh") -> list[AnyEvent]:
    config = RunConfig(depth=depth, activation=activation)
    return [
        *(hello(config), *beginning()[1:], *steps(0, 100)),
        *(*updates(0, 100), *diagnostics(100, depth)),
    ]


async def test_layers_tell_both_arms_in_numbers() -> None:
    words = ("no BN", "BN", "mean", "std", "sat.", "71.0%", "2.8%", "dead", "12", "0.010", "1.0e-6")
    async with lab(some()) as it:
        await it.press("5")
        for text in (it.text, await it.resize(80, 24)):
            assert all(word in text for word in words)
            assert "h -1 … 1 · grad ±0.01" in text


async def test_networks_stand_side_by_side_where_there_is_room() -> None:
    async with lab(some(), (200, 60)) as it:
        for page in "56":
            rows = (await it.after(page)).splitlines()[3:]
            assert any("■ no BN" in row and "○ BN" in row for row in rows)
        assert "■C " in await it.after(">")
        assert "○C " in it.text


async def test_what_is_flat_goes_by_the_activation() -> None:
    async with lab(some(activation="relu")) as it:
        text = await it.after("5")
        assert "zero = h = 0" in text
        assert "sat." not in text


async def test_layers_of_five_stand_below_each_other() -> None:
    async with lab(some(5), (80, 24)) as it:
        rows = (await it.after("5")).splitlines()
        assert sum("71.0%" in row for row in rows) == 5
        assert sum("2.8%" in row for row in rows) == 5


async def test_fifty_layers_turn_by_page_and_follow_the_chosen_one() -> None:
    async with lab(some(50), (79, 24)) as it:
        assert "layers 1–17 of 50" in await it.after("5")
        assert "layers 18–34 of 50" in await it.after("pagedown")
        assert "layers 1–17 of 50" in await it.after("pageup")
        assert "layers 35–50 of 50" in await it.after("Y")
        assert "1 of 2 networks" in it.text
        assert "71.0%" not in it.text
        assert "71.0%" in await it.after("a")


async def test_updates_show_a_guide_and_turn_to_gradients() -> None:
    async with lab(some()) as it:
        text = await it.after("6")
        assert "log10 update:data" in text
        guide = next(row for row in text.splitlines() if row.lstrip().startswith("-3┤"))
        assert "⠒ ⠒ ⠒" in guide or "⠉ ⠉ ⠉" in guide or "⠤ ⠤ ⠤" in guide or "⣀ ⣀ ⣀" in guide
        gradients = await it.after("g")
        assert "log10 gradient:data" in gradients
        assert not any(row.lstrip().startswith("-3┤") for row in gradients.splitlines())
        assert all(name in gradients for name in ("C ", "W1 ", "W2 "))


async def test_every_weight_has_a_strip_by_its_distance_from_the_guide() -> None:
    names = ["far-below", "healthy", "far-above"]
    columns: list[list[float | None]] = [[-6.0, -6.0], [-3.0, -3.0], [-0.5, -0.5]]
    ratios = Updates("BN", names, [0, 1], columns, columns)
    async with lab([*beginning(), ratios], (120, 40)) as it:
        rows = (await it.after("6")).splitlines()
        strips = {name: next(row for row in rows if row.startswith(f" {name}")) for name in names}
        assert "▁▁▁" in strips["far-below"]
        assert "▅▅▅" in strips["healthy"]
        assert "███" in strips["far-above"]


async def test_many_weights_are_thinned_and_said_to_be() -> None:
    names = [f"W{i}" for i in range(52)]
    column: list[float | None] = [-3.0]
    told = Updates("BN", names, [0], [column] * 52, [column] * 52)
    weights = Weights("BN", 0, [WeightHealth(n, 0.0, 1.0, -1.0, 1.0, [1] * 50) for n in names])
    async with lab([*beginning(), told, weights], (79, 24)) as it:
        text = await it.after("6")
        assert "curves: 5 of 52" in text
        assert "1–8 of 52" in text
        assert all(f"W{i} " in text for i in range(8))
        assert "9–16 of 52" in await it.after("pagedown")


def test_the_lag_is_the_batch_less_the_running_mean_over_the_last_100_sampled_steps() -> None:
    at: list[float | None] = [float(step) for step in range(200)]
    still: list[list[float | None]] = [[0.0] * 200]
    told = Statistics("BN", 0, [7], list(range(200)), [at], still, still, still)
    trace = folded([*beginning(), told]).trace
    assert trace
    assert lag(trace, "mean", 0) == 149.5
    assert lag(trace, "var", 0) == 0


def test_bits_are_read_from_the_first_example_down() -> None:
    units = unpacked(Units("BN", 0, 0, 6, 2, 0, ["21", "3f"]))
    assert units == [[True, False, False, False, False, True], [True] * 6]


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=9))
def test_every_flat_unit_is_one_mark_on_the_map(units: list[list[bool]]) -> None:
    ink = {mark: bin(bits).count("1") for bits, mark in enumerate(" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█")}
    paired = [*units, units[-1]] if len(units) % 2 else units
    rows = drawn(units, 2)
    assert sum(ink[mark] for row in rows for mark in row) == sum(map(sum, paired))
    assert sum(ink[mark] for row in drawn(units, 1) for mark in row) == 2 * sum(map(sum, units))


async def test_units_of_all_networks_stand_below_each_other() -> None:
    async with lab(some(), (120, 40)) as it:
        await it.press("7")
        for text in (it.text, await it.resize(200, 60)):
            assert "units 0–199 of 200" in text
            assert "■ no BN  50.5% flat · dead for all 8 examples: 2 of 200: 0, 1" in text
            assert "○ BN  0.1% flat · dead for all 8 examples: 0 of 200" in text


async def test_where_there_is_little_room_a_chooses_the_network() -> None:
    texts = [f"emm{chr(97 + i % 26)}" for i in range(32)]
    units = [Units(n, 0, 1, 32, 200, 0, ["00ff00ff"] * 200, texts) for n in ("no BN", "BN")]
    async with lab([*beginning(), *units], (80, 24)) as it:
        text = await it.after("7")
        assert "■ no BN  50.0% flat" in text
        assert "○ BN  50.0% flat" in text
        assert " emm a emm b  " in text
        text = await it.resize(120, 18)
        assert "1 more: a" in text
        assert "■ no BN  " not in text.split("Units", 2)[2]
        assert "■ no BN  50.0% flat" in await it.after("a")


async def test_dead_units_are_red_and_the_others_are_not() -> None:
    units = Units("BN", 0, 1, 8, 4, 1, ["ff", "0f", "00", "81"])
    async with lab([*beginning(), units], (80, 24)) as it:
        await it.press("7")
        *rows, legend = it.app.lab.pages.current.query_one(Rows)._rows
        assert legend[1:] == [(" · █ flat", "plain"), (" · █ dead", "bad")]
        drawn_rows = [
            row for row in rows if any(set(text) & set("▘▝▀▖▌▞▛▗▚▐▜▄▙▟█") for text, _ in row)
        ]
        assert [row[0] for row in drawn_rows] == [("█", "bad")] * 4
        assert {ink for row in drawn_rows for _, ink in row[1:]} == {"plain"}


async def test_units_without_room_are_a_page_further() -> None:
    told = Units("BN", 0, 1, 32, 200, 0, ["00ff00ff"] * 200)
    async with lab([*beginning(), told], (80, 24)) as it:
        assert "units 0–155 of 200" in await it.after("7")
        assert "units 156–199 of 200" in await it.after("pagedown")
        assert "units 0–155 of 200" in await it.after("pagedown")


async def test_a_thousand_units() -> None:
    told = Units("BN", 0, 1, 32, 10_000, 0, ["deadbeef"] * 1024)
    async with lab([*beginning(), told]) as it:
        await it.press("7")
        for size in ((120, 40), (80, 24), (40, 12)):
            text = await it.resize(*size)
            assert "of 10,000" in text
            assert "of the first 1,024 units" in " ".join(text.split())
            assert "of 10,000" in await it.after("pageup", "pagedown", "pagedown")


async def test_the_ladder_is_a_table_and_a_sentence_that_adds_up() -> None:
    async with lab(some(), (120, 40)) as it:
        text = await it.after("8")
        for told in ("0.1938", "0.1921", "11.6000", " 0.2400", "by class", "the same 90 examples"):
            assert told in text
        assert "At n = 32 train is 0.2400 and eval 0.1938, a gap of +0.0462" in text
        assert "+0.0479 because a batch's statistics are noisy" in text
        assert "At n = 1 train is 11.6" in await it.after("n")


def test_a_gap_that_cannot_be_told_is_not() -> None:
    ladder = Ladder("BN", 0, 9, None, 1.0, [1], [None], [None])
    assert "is unknown" in explained(ladder, 0)


async def test_what_was_recalibrated_is_told() -> None:
    async with lab(some(), size=(80, 24)) as it:
        await it.press("8")
        await it.play(Recalibrated("BN", 100))
        assert "Recalibrated at step 100; u undoes it." in it.text
        await it.play(Recalibrated("BN", 100, undone=True))
        assert "Recalibration undone at step 100." in it.text
        await it.play(Recalibrated("BN", 100, undone=True, since=40))
        told = (
            "Recalibration undone at step 100: the statistics are those of the weights of step 40 "
        )
        assert told + "again." in " ".join(it.text.split())


@pytest.mark.parametrize(
    ("difference", "scale", "mark"),
    [
        (3e-6, 14.2, "✔"),
        (1e-3, 1.0, "~"),
        (0.5, 1.0, "✘"),
        (0.0, 0.0, "✔"),
        (0.1, None, " "),
        (None, 1.0, " "),
    ],
)
def test_verdicts(difference: float | None, scale: float | None, mark: str) -> None:
    assert verdict(relative(difference, scale))[0] == mark


async def test_checks_are_a_table_with_verdicts_and_the_tolerance() -> None:
    wrong = [Checks("BN", 101, 0.4, 2.0, 1e-9, 0.1)]
    async with lab([*some(), *wrong]) as it:
        await it.press("9")
        for size in ((120, 40), (80, 24), (50, 20)):
            text = await it.resize(*size)
            rows = [row.split() for row in text.splitlines()]
            plain = next(row for row in rows if row[:3] == ["■", "no", "BN"] and "100" in row)
            assert plain[-2:] == ["6.7e-08", "✔"]
            normalized = next(row for row in rows if row[:3] == ["○", "BN", "101"])
            assert normalized[normalized.index("✘") - 1] == "2.0e-01"
            assert normalized[-1] == "✔"
            assert "1.2e-05" in text


async def test_checks_keep_their_last_measurements() -> None:
    more = [Checks("BN", step, 1e-6 * step, 10.0, 1e-9, 0.1) for step in range(200, 2000, 100)]
    async with lab([*some(), *more], (80, 24)) as it:
        text = await it.after("9")
        assert "1,900" in text
        assert text.index("1,900") < text.index("1,800")


async def test_losses_by_split_are_seen_where_losses_are() -> None:
    async with lab(some(), (200, 50)) as it:
        assert "/2.9" in it.text
        assert "/2.5" in it.text
        assert "■" in it.text
        assert "mean/validation (n = 9) ·" in it.text
        text = await it.after("8")
        assert "train 0.19 · validation 2.5" in text
        assert "eval mode, now: train (90) · validation (9)" in text
        await it.play(*steps(100, 50))
        assert "eval mode, step 100: train (90) · validation (9)" in it.text
        assert "mean/validation (n = 9) as of step 100 ·" in await it.after("1")


async def test_no_split_no_word_of_it() -> None:
    async with lab([*beginning(), *steps(0, 100)], (200, 50)) as it:
        assert "/val" not in it.text


NOTHING = LayerHealth(None, None, None, 0, None, None, [], [])
ODD = LayerHealth(1e300, -1e-300, 1.0, 10**9, 1e300, 0.0, [1, 2, 3], [0] * 50)
UNWELL = WeightHealth("\x1b[31m" * 20, None, None, 0.0, 0.0, [])
COLUMN: list[float | None] = [None]


ODD_EVENTS: list[AnyEvent] = [
    Layers("BN", 0, -1.0, 1.0, 0.0, []),
    Layers("BN", 0, 0.0, 0.0, 0.0, [NOTHING] * 50),
    Layers("BN", 0, -1e300, 1e300, 1e300, [ODD, NOTHING]),
    Weights("BN", 0, []),
    Weights("BN", 0, [UNWELL] * 60),
    Updates("BN", [], [0], [], []),
    Updates("BN", ["a", "a"], [0], [COLUMN] * 2, [COLUMN] * 2),
    Updates("BN", ["\x1b"], [], [[]], [[]]),
    Units("BN", 0, 0, 0, 0, 0, []),
    Units("BN", 0, 0, 8, 3, 0, ["", "zz", "-ff"]),
    Units("BN", 0, 0, 10**12, 10**12, 10**12, ["ff"] * 1024),
    Units("BN", 0, 0, -5, -5, -5, ["ff"]),
    Units("BN", 0, 0, 4000, 3, 0, ["f" * 1000] * 3),
    Ladder("BN", 0, 0, None, None, [], [], []),
    Ladder("BN", 0, 9, None, None, [1, 2], [None, None], [None, None]),
    Ladder("BN", 0, 9, 1.0, 1.0, [1, 2, 4], [1.0], [2.0, None]),
    Ladder("BN", 0, 9, 1e300, -1e300, [0, -1], [1e300, 0.0], [0.0, -1.0]),
    Checks("BN", 0, None, None, None, None),
    Checks("BN", 0, 1e300, 1e-300, 0.0, -1.0),
    SplitLosses("BN", 0, {"validation": None, "\x1b]": 1.0}, {}),
    SplitLosses("BN", 0, {"validation": 1e300}, {}),
]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
async def test_odd_events_are_drawn(size: tuple[int, int]) -> None:
    async with lab(beginning(), size) as it:
        for key in "156789":
            await it.press(key)
            pane = it.app.lab.pages.current
            for event in ODD_EVENTS:
                pane.draw(folded([*beginning(), *steps(0, 10), event]))
                assert f" {pane.TITLE}  " in it.text
                assert "\x1b" not in it.text


@pytest.mark.parametrize(
    ("number", "width", "text"),
    [(11.5895, 6, "11.589"), (11.5895, 5, "11.59"), (-0.0032, 5, "-.003"), (-0.0003, 5, "-3e-4"),
     (0.1905, 9, "0.191"), (0.0, 5, "0.000"), (123456.7, 4, "1e5"), (nan, 5, "–"), (None, 5, "–")],
)  # fmt: skip
def test_numbers_of_a_table_have_three_decimals_or_as_many_as_fit(
    number: float | None, width: int, text: str
) -> None:
    assert fixed(number, width) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(2.8e-7, "2.8e-7"), (-0.00041, "-4.1e-4"), (0.0146, "1.5e-2"), (-4.1e-14, "-4e-14"),
     (123.4, "1.2e2"), (0.0, "0"), (nan, "–"), (None, "–")],
)  # fmt: skip
def test_gradients_of_a_table_have_two_digits_and_a_power_of_ten(
    number: float | None, text: str
) -> None:
    assert power(number, 7) == text


def test_labels_of_a_diverged_network_are_short() -> None:
    assert form_for([1.0, -9999.0, nan, None], "+z.2f") == "+z.2f"
    assert f"{-6694920517.1:{form_for([1.0, -6694920517.1], '+z.2f')}}" == "-6.7e+09"


def test_a_layers_bowl_is_seen_beside_saturated_ends() -> None:
    """At 80 columns a network with towers must not press the other's bars to the ground."""
    bowl = [100 - abs(25 - i) for i in range(50)]
    towers = [4000, *[20] * 48, 4000]
    layers = [LayerHealth(0, 1, 0, 0, 0, 1, counts, bowl) for counts in (towers, bowl)]
    measured = [Measured(Arm(0, "BN", ArmHistory()), Layers("BN", 1, -1, 1, 1, layers))]
    assert top(measured, "counts", 10) < 0.3


async def test_the_inference_page_says_of_how_many_examples_and_orders() -> None:
    event = Ladder("BN", 100, 90, 0.2, 0.2, [2, 90], [0.5, 0.2], [0.6, 0.2], 45, 8, [0.1, 0.0])
    text = explained(event, 0)
    assert "train is 0.5000 (mean of 8 random orders, standard deviation 0.1)" in text
    assert "orders" not in explained(event, 1)
    async with lab([*beginning(), *steps(0, 100), event]) as it:
        assert "one pass over 45 examples, a sample" in await it.after("8")
        await it.play(msgspec.structs.replace(event, precise_examples=90))
        assert "one pass over all 90 examples" in it.text
        assert "R recalibrates" not in it.text  # the key bar has the key, where it does something
