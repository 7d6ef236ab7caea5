"""What a dot column shows of the steps under it."""

from array import array
from itertools import pairwise
from math import isnan, nan
from statistics import fmean, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.history.columns import Column
from bntui.tui.plotting.sampling import Sampled, sample, step_ranges
from bntui.tui.plotting.scale import Scale, log_steps, steps


def column(values: list[float]) -> Column:
    made = Column()
    made.extend(values)
    return made


@given(st.integers(2, 100_000), st.integers(1, 300), st.booleans())
def test_every_step_belongs_to_one_dot_column_and_is_drawn_there(
    total: int, dots: int, log: bool
) -> None:
    scale = log_steps(total) if log else steps(1, total)
    ranges = step_ranges(scale, dots)
    assert ranges[0][0] == 1
    assert ranges[-1][1] == total + 1
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    if dots > 1:
        for first, stop in ranges:
            one, other = scale.dots([first, stop - 1], dots)
            assert one is not None
            assert other is not None
            assert 0 <= other - one <= 1  # a step on the border of two may round to either


def test_a_column_s_mean_is_that_of_its_own_steps_and_of_a_window_that_grows_with_the_step() -> (
    None
):
    values = [float(i % 7) for i in range(1000)]
    taken = sample(column(values), log_steps(1000), 200)
    by_step = {round(x): mean for x, mean in zip(taken.x, taken.mean, strict=True)}
    assert by_step[1] == values[0]
    assert by_step[7] == values[6]
    assert by_step[17] == pytest.approx(fmean(values[14:19]))
    every = sample(column(values), steps(901, 1000), 100)
    assert every.mean[40] == pytest.approx(fmean(values[928:953]))  # 25 steps around step 941


def test_the_strong_curve_does_not_lag() -> None:
    """A loss that falls tenfold a decade: an exponential mean would lie far above it."""
    values = [1000 / (1 + step) for step in range(5000)]
    taken = sample(column(values), log_steps(5000), 160)
    for x, mean in zip(taken.x, taken.mean, strict=True):
        assert mean == pytest.approx(1000 / x, rel=0.1)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(2, 120), st.booleans())
def test_a_growing_column_reads_as_one_that_was_there_at_once(
    batches: list[int], dots: int, sampled: bool
) -> None:
    total, grown, told = sum(batches), Column(), array("q")
    scale = log_steps(3 * total)
    for batch in batches:
        first = len(grown)
        grown.extend([(i * 37 % 101) / 7 for i in range(first, first + batch)])
        told.extend(3 * i for i in range(first, first + batch))
        sample(grown, scale, dots, steps=told if sampled else None)
    at_once = column([(i * 37 % 101) / 7 for i in range(total)])
    assert sample(grown, scale, dots, steps=told if sampled else None) == sample(
        at_once, scale, dots, steps=told if sampled else None
    )


def test_what_is_missing_stays_missing() -> None:
    values = [1.0] * 100 + [nan] * 100 + [1.0] * 100
    taken = sample(column(values), steps(1, 300), 300)
    assert [isnan(mean) for mean in taken.mean] == [False] * 100 + [True] * 100 + [False] * 100


@pytest.mark.parametrize("count", [50, 5000])
def test_the_band_is_from_the_tenth_to_the_ninetieth_percentile(count: int) -> None:
    values = [float(i * 7919 % count) for i in range(count)]
    taken = sample(column(values), Scale(1.0, float(count), steps=True), 1, window=0)
    tenths = quantiles(values, n=10)
    assert taken.low[0] == pytest.approx(tenths[0], abs=0.05 * count)
    assert taken.high[0] == pytest.approx(tenths[-1], abs=0.05 * count)


def test_a_fork_begins_where_it_began() -> None:
    taken = sample(column([1.0] * 100), log_steps(100), 80, since=50)
    assert min(taken.x) > 50


def test_nothing_yet_is_nothing() -> None:
    assert sample(Column(), log_steps(100), 80) == Sampled()
