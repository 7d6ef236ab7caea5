"""Histograms: heights are densities, nothing vanishes, and what is cut says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.tui.plotting.bars import column_bins, in_columns
from bntui.tui.plotting.drawing import draw
from bntui.tui.plotting.figure import Bars, Figure, Panel
from bntui.tui.plotting.scale import Scale


def drawn(bars: Bars, width: int = 60, height: int = 12) -> list[list[tuple[str, str]]]:
    panel = Panel(Scale(-1.0, 1.0), Scale(0.0, 1.0), (bars,))
    cells = draw(Figure(((panel,),)), width, height)
    return [[(char, ink) for text, ink in row for char in text] for row in cells]


@given(st.integers(1, 200), st.integers(1, 80))
def test_columns_cover_every_bin_in_order(width: int, count: int) -> None:
    bins = column_bins(count, width)
    assert len(bins) == width
    assert bins[0][0] == 0
    assert bins[-1][1] == count
    covered = [i for a, b in bins for i in range(a, b)]
    assert sorted(set(covered)) == list(range(count))
    assert covered == sorted(covered)


@pytest.mark.parametrize("width", [12, 26, 49, 50, 72])
def test_the_outermost_bins_keep_their_height_at_any_width(width: int) -> None:
    densities = [9.0] + [0.1] * 48 + [8.0]
    shown = in_columns(densities, width)
    assert (shown[0], shown[-1]) == (9.0, 8.0)


def test_heights_are_linear_in_the_density() -> None:
    cells = drawn(Bars([0.25, 0.5, 0.75, 1.0], "arm-0"), 44, 12)
    heights = {char: i / 8 for i, char in enumerate(" ▁▂▃▄▅▆▇█")}
    columns = list(zip(*cells[:-2], strict=True))
    filled = [sum(heights.get(c, 0) for c, ink in column if ink == "arm-0") for column in columns]
    levels = sorted({height for height in filled if height})
    assert levels == pytest.approx([2.5, 5.0, 7.5, 10.0], abs=0.13)


def test_what_is_rare_is_still_seen() -> None:
    cells = drawn(Bars([1.0, 1e-6, 1.0], "arm-0"))
    bottom = cells[-3]
    assert all(char != " " for char, _ in bottom[5:])


def test_a_tower_is_cut_red_and_says_how_high_it_is() -> None:
    cells = drawn(Bars([10.1] + [0.2] * 48 + [9.2], "arm-0", saturated=(1, 1)))
    top = "".join(char for char, _ in cells[0])
    assert "▲10.1" in top
    assert "▲9.2" in top
    assert {ink for row in cells for char, ink in row if char == "█"} == {"bad", "arm-0"}
    assert all(row[4] == ("█", "bad") for row in cells[:-2])


def test_the_outline_of_init_is_seen_on_and_above_the_bars() -> None:
    lower = drawn(Bars([0.8] * 20, "arm-0", [0.4] * 20))
    assert {ink for row in lower for _, ink in row} >= {"arm-0", "outline on arm-0"}
    higher = drawn(Bars([0.2] * 20, "arm-0", [0.7] * 20))
    assert "outline" in {ink for row in higher for _, ink in row}


def test_the_outline_makes_no_bar_higher() -> None:
    low = drawn(Bars([0.01] * 20, "arm-0", [0.01] * 20))
    assert not any(" on " in ink for row in low for _, ink in row)
    assert ("▁", "arm-0") in low[-3]


def test_an_outline_at_the_bars_top_is_that_top_and_one_further_up_is_dots() -> None:
    """A density of 1 / 40 is a dot, where the canvas has ten rows."""
    same = drawn(Bars([0.51] * 20, "arm-0", [0.52] * 20))
    assert not any("outline" in ink for row in same for _, ink in row)
    apart = drawn(Bars([0.51] * 20, "arm-0", [0.59] * 20))
    assert any(ink == "arm-0+outline" for row in apart for _, ink in row)
