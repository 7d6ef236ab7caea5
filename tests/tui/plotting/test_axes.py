"""Axes hold every number they are given, hold still, and never choke."""

from math import inf, isfinite, log10, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.tui.plotting import axes

ANY = st.lists(st.floats(width=64, min_value=-1e300, max_value=1e300), max_size=20)
POSITIVE = st.lists(st.floats(1e-30, 1e30), min_size=1, max_size=20)


@given(ANY)
def test_a_linear_axis_covers_its_values(values: list[float]) -> None:
    axis = axes.linear("y", values)
    assert isfinite(axis.low)
    assert axis.low < axis.high
    assert all(axis.place(value) is not None for value in values)


@given(POSITIVE)
def test_a_log_axis_covers_its_values(values: list[float]) -> None:
    axis = axes.logarithmic("y", values)
    assert axis.low < axis.high
    assert all(axis.low - 1e-6 <= log10(value) <= axis.high + 1e-6 for value in values)


@given(POSITIVE)
def test_ticks_are_few_ascending_and_inside(values: list[float]) -> None:
    for axis in (axes.linear("y", values), axes.logarithmic("y", values)):
        at = [tick for tick, _ in axis.ticks]
        assert at == sorted(at)
        assert len(at) <= 12
        assert all(axis.low - 1e-9 <= tick <= axis.high + 1e-9 for tick in at)


@pytest.mark.parametrize("values", [[], [nan], [inf, -inf], [0.0], [-1.0], [nan, inf, 0.0]])
def test_nothing_to_show_still_makes_an_axis(values: list[float]) -> None:
    for make in (axes.linear, axes.logarithmic, axes.fitting):
        axis = make("y", values)
        assert axis.low < axis.high


def test_what_cannot_be_shown_has_no_place() -> None:
    axis = axes.logarithmic("y", [1.0, 100.0])
    assert axis.place(10.0) == pytest.approx(1.0)
    assert axis.place(0.0) is None
    assert axis.place(-1.0) is None
    assert axis.place(nan) is None
    assert axis.place(inf) is None


def test_an_axis_holds_still_while_a_curve_wanders() -> None:
    before = axes.linear("y", [0.12, 19.3])
    assert axes.linear("y", [0.11, 19.9]) == before


@given(st.integers(0, 10_000_000), st.integers(1, 10_000_000))
def test_the_step_axis_has_room_for_what_is_done(done: int, total: int) -> None:
    done = min(done, total)
    assert done <= axes.room_for(done, total) <= total


def test_the_step_axis_grows_in_leaps() -> None:
    rooms = {axes.room_for(done, 5000) for done in range(5001)}
    assert len(rooms) < 10


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.19, "0.19"), (2000, "2,000"), (1e-9, "1e-9"), (2.5e12, "2.5e12"), (-4, "-4")],
)
def test_ticks_are_short(value: float, text: str) -> None:
    assert axes.number(value) == text
