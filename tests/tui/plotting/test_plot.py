"""What the plots put on the screen, cell by cell."""

from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bntui.tui.plotting import axes
from bntui.tui.plotting.histogram import columns
from bntui.tui.plotting.plot import DOTS, THICK, THIN, Cells, Figure, Series, cells


def figure(*series: Series, log: bool = False, marks: tuple[float, ...] = ()) -> Figure:
    values = [y for one in series for y in one.y]
    make = axes.logarithmic if log else axes.linear
    return Figure(axes.steps("step", 0, 100), make("loss", values), series, marks)


def text(drawn: Cells) -> list[str]:
    return ["".join(run for run, _ in row) for row in drawn]


def inks(drawn: Cells) -> set[str]:
    return {ink for row in drawn for run, ink in row if run.strip()}


@settings(max_examples=30)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30),
    st.sampled_from([THIN, THICK, DOTS]),
    st.booleans(),
)
def test_any_numbers_fill_the_widget_exactly(y: list[float], shape: str, log: bool) -> None:
    x = [float(i) for i in range(len(y))]
    drawn = cells(figure(Series(x, y, "arm-0", shape), log=log), 40, 10)
    assert [len(row) for row in text(drawn)] == [40] * 10


def test_a_single_point_is_seen() -> None:
    drawn = cells(figure(Series([50.0], [3.0], "arm-0", THICK)), 40, 10)
    assert "arm-0" in inks(drawn)


def test_a_constant_is_seen() -> None:
    drawn = cells(figure(Series([0.0, 100.0], [7.0, 7.0], "arm-0", THICK)), 40, 10)
    assert "arm-0" in inks(drawn)


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    broken = Series([0.0, 30.0, 50.0, 70.0, 100.0], [1.0, 1.0, nan, 1.0, 1.0], "arm-0", THICK)
    rows = [row for row in cells(figure(broken), 60, 10) if any(ink == "arm-0" for _, ink in row)]
    parts = [part for row in rows for run, ink in row if ink == "arm-0" for part in run.split()]
    assert len(parts) == 2


def test_curves_on_the_same_cells_are_both_seen() -> None:
    x, y = [0.0, 100.0], [1.0, 1.0]
    drawn = cells(figure(Series(x, y, "arm-0", THICK), Series(x, y, "arm-1", THICK)), 60, 10)
    assert {"arm-0", "arm-1"} <= inks(drawn)


def curve_of(drawn: Cells) -> list[list[str]]:
    return [[c for run, ink in row for c in run if ink == "arm-1" and c != " "] for row in drawn]


def test_faint_ground_never_hides_a_curve() -> None:
    x = [float(i) for i in range(101)]
    ground = Series(x, [0.0, 2.0] * 50 + [0.0], "arm-0-faint", THIN)
    alone = cells(figure(Series([0.0, 100.0], [0.0, 2.0], "arm-1", THICK)), 60, 12)
    drawn = cells(figure(Series([0.0, 100.0], [0.0, 2.0], "arm-1", THICK), ground), 60, 12)
    assert curve_of(drawn) == curve_of(alone)


def test_axes_are_labelled() -> None:
    shown = "\n".join(text(cells(figure(Series([0.0, 9.0], [1.0, 2.0], "arm-0")), 60, 12)))
    assert "step" in shown
    assert "loss" in shown
    assert "100" in shown


def test_divergence_is_an_upright_mark() -> None:
    curve = Series([0.0, 100.0], [1.0, 2.0], "arm-0")
    drawn = cells(figure(curve, marks=(50.0,)), 60, 12)
    assert sum("mark" in {ink for run, ink in row if run.strip()} for row in drawn) >= 7


def test_infinity_does_not_stretch_the_axis() -> None:
    y = [1.0, inf, 2.0]
    assert figure(Series([0.0, 1.0, 2.0], y, "arm-0")).y.high <= 2.5


@pytest.mark.parametrize("width", range(1, 130))
def test_histogram_columns_are_of_equal_width_and_keep_the_mass(width: int) -> None:
    densities = tuple(float(i % 7) for i in range(50))
    shown = columns(densities, width)
    assert len(shown) <= max(width, 1)
    assert sum(shown) / len(shown) == pytest.approx(sum(densities) / 50)
