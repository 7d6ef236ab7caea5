"""A column's pyramid agrees with the plain numbers under it."""

from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.history.columns import Column, steps_to_reach

NUMBERS = st.lists(
    st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([None, nan, inf, -inf])), max_size=300
)


def column_of(numbers: list[float | None]) -> Column:
    column = Column()
    column.extend(numbers)
    return column


def plain(numbers: list[float | None]) -> list[float]:
    return [n for n in numbers if n is not None and not isnan(n) and abs(n) != inf]


@given(NUMBERS, st.integers(0, 300), st.integers(0, 300))
def test_any_range_is_summarised_as_its_numbers(
    numbers: list[float | None], start: int, length: int
) -> None:
    stop = min(start + length, len(numbers))
    known = plain(numbers[start:stop])
    low, high, mean = column_of(numbers).over(start, stop)
    if known:
        assert (low, high) == (min(known), max(known))
        if len(known) == stop - start:
            assert mean == pytest.approx(sum(known) / len(known), rel=1e-4, abs=1)
    else:
        assert isnan(low)


@given(NUMBERS, NUMBERS)
def test_a_prefix_reads_as_the_column_did_before_it_grew(
    one: list[float | None], other: list[float | None]
) -> None:
    before = column_of(one)
    whole = column_of([*one, *other])
    prefix = whole.prefix(len(one))
    assert len(prefix) == len(one)
    assert repr(prefix.over(0, len(one))) == repr(before.over(0, len(one)))
    assert repr(prefix.mean_of_last(7)) == repr(before.mean_of_last(7))
    assert repr(prefix.last) == repr(before.last)


@given(NUMBERS, NUMBERS)
def test_growing_in_parts_is_growing_at_once(
    one: list[float | None], other: list[float | None]
) -> None:
    parts = column_of(one)
    parts.extend(other)
    whole = column_of([*one, *other])
    assert repr(parts.over(0, 600)) == repr(whole.over(0, 600))


def test_the_mean_of_the_last_numbers_leaves_gaps_out() -> None:
    assert column_of([100.0, None, 2.0, inf, 4.0]).mean_of_last(4) == 3.0
    assert isnan(column_of([]).mean_of_last(5))
    assert isnan(column_of([None]).mean_of_last(5))


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_long_ranges_are_summarised_exactly(start: int, length: int) -> None:
    numbers = [float((i * 7919) % 10_007) for i in range(20_000)]
    part = numbers[start : start + length]
    low, high, mean = LONG.over(start, start + length)
    if part:
        assert (low, high) == (min(part), max(part))
        assert mean == pytest.approx(sum(part) / len(part), rel=1e-5)
    else:
        assert isnan(mean)


LONG = column_of([float((i * 7919) % 10_007) for i in range(20_000)])


def test_steps_to_reach_a_loss() -> None:
    falling = [10.0 - 0.1 * i for i in range(100)]
    # The mean of steps t-24..t is 10 - 0.1 (t - 12) <= 5.05 from t = 62 on.
    assert steps_to_reach(falling, 5.05) == 62
    assert steps_to_reach(falling, 0.0) is None
    assert steps_to_reach([0.0] * 10, 1.0) is None


def test_losses_that_are_missing_do_not_count_as_reached() -> None:
    losses = [nan] * 30 + [0.5] * 40
    assert steps_to_reach(losses, 1.0) == 30 + 24
