"""Scales hold every number they are given, hold still, and never choke."""

from itertools import pairwise
from math import inf, isfinite, log10, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.tui.plotting import scale
from bntui.tui.plotting.scale import Scale, ScaleKeeper

ANY = st.lists(st.floats(width=64, min_value=-1e300, max_value=1e300), max_size=20)
POSITIVE = st.lists(st.floats(1e-30, 1e30), min_size=1, max_size=20)


@given(ANY, st.integers(2, 400))
def test_a_linear_scale_has_a_dot_for_each_of_its_values(values: list[float], dots: int) -> None:
    made = scale.linear(values)
    assert isfinite(made.low)
    assert made.low < made.high
    assert all(made.dot(value, dots) is not None for value in values)


@given(POSITIVE)
def test_a_log_scale_begins_below_its_values_and_shows_at_most_eight_decades(
    values: list[float],
) -> None:
    made = scale.logarithmic(values)
    assert made.low <= log10(min(values)) + 1e-6
    assert made.low < made.high <= made.low + scale.MOST_DECADES + 1
    assert log10(max(values)) <= made.high + 1e-6 or made.high - made.low > 7


@given(POSITIVE, st.integers(2, 30))
def test_ticks_are_few_ascending_and_inside(values: list[float], most: int) -> None:
    for made in (scale.linear(values), scale.logarithmic(values)):
        at = [value for value, _ in made.ticks(most)]
        assert at == sorted(at)
        assert len(at) <= most + 1
        assert len({text for _, text in made.ticks(most)}) == len(at)
        assert all(made.dot(value, 100) is not None for value in at)


def test_a_small_axis_has_two_ticks_so_that_distances_can_be_read() -> None:
    assert [text for _, text in Scale(-45.0, 5.0).ticks(2)] == ["-40", "0"]
    assert [text for _, text in Scale(-28.0, 3.0).ticks(2)] == ["-20", "0"]


def test_the_last_steps_of_a_long_run_have_ticks_that_differ() -> None:
    assert [text for _, text in scale.steps(999_900, 1_000_300).ticks(6)] == [
        "999,900",
        "1,000,000",
        "1,000,100",
        "1,000,200",
        "1,000,300",
    ]


@pytest.mark.parametrize(
    "values", [[], [nan], [inf, -inf], [0.0], [-1.0], [nan, inf, 0.0], [5e-324]]
)
def test_nothing_to_show_still_makes_a_scale(values: list[float]) -> None:
    for made in (scale.linear(values), scale.logarithmic(values)):
        assert made.low < made.high
        made.ticks(5)


def test_what_cannot_be_shown_has_no_dot() -> None:
    made = scale.logarithmic([1.0, 100.0])
    assert made.dots([nan, inf, -inf], 9) == [None] * 3
    below, above = made.dots([0.0, 1e9], 9)
    assert below is not None
    assert above is not None
    assert below < 0
    assert above >= 9


@given(st.integers(2, 10_000_000))
def test_log_steps_name_the_first_and_the_last_step_and_decades_are_evenly_spaced(
    total: int,
) -> None:
    made = scale.log_steps(total)
    ticks = made.ticks(20)
    assert ticks[0][1] == "1"
    assert ticks[-1][1] == f"{total:,}"
    dots = [made.dot(float(value), 10_001) for value, _ in ticks[:-1]]
    gaps = {b - a for a, b in pairwise(dots) if a is not None and b is not None}
    assert not gaps or max(gaps) - min(gaps) <= 1


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), min_size=1, max_size=8))
def test_limits_only_ever_widen_and_hold_every_value(batches: list[list[float]]) -> None:
    keeper, before = ScaleKeeper(), None
    for values in batches:
        made = keeper.fit("run", values)
        assert all(made.dot(value, 100) is not None for value in values)
        if before:
            assert made.low <= before.low
            assert made.high >= before.high
        before = made


def test_limits_hold_still_while_a_curve_creeps() -> None:
    keeper = ScaleKeeper()
    seen = [keeper.fit("run", [20.0, 20.0 / step], log=True) for step in range(1, 5000)]
    assert len(set(seen)) < 15


def test_another_view_begins_anew() -> None:
    keeper = ScaleKeeper()
    keeper.fit("one run", [0.0, 1000.0])
    assert keeper.fit("another", [0.0, 1.0]).high < 2


def test_a_moving_window_narrows_once_its_values_fill_little_of_it() -> None:
    keeper = ScaleKeeper()
    wide = keeper.fit("run", [0.0, 10.0], moving=True)
    assert keeper.fit("run", [0.0, 6.0], moving=True) == wide
    assert keeper.fit("run", [0.0, 1.0], moving=True).high < 2


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (Scale(0.14, 0.2), ["0.14", "0.16", "0.18", "0.20"]),
        (Scale(-2.0, 2.0), ["-2", "-1", "0", "1", "2"]),
        (Scale(-1.0, 2.0, log=True), ["0.1", "1", "10", "100"]),
        (Scale(0.0, 2e-4), ["0", "5e-5", "1e-4", "1.5e-4", "2e-4"]),
        (Scale(-2e-5, 2e-5), ["-2e-5", "-1e-5", "0", "1e-5", "2e-5"]),
        (Scale(-6.0, -3.0, log=True), ["1e-6", "1e-5", "1e-4", "1e-3"]),
        (Scale(4501.0, 5000.0, steps=True), ["4,501", "4,600", "4,700", "4,800", "4,900", "5,000"]),
    ],
)
def test_numbers_on_an_axis_have_as_many_decimals_each(made: Scale, texts: list[str]) -> None:
    assert [text for _, text in made.ticks(5)] == texts
