"""What a figure puts on the screen, cell by cell."""

from collections.abc import Sequence
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import Color, ColorSystem

from bntui.tui import themes
from bntui.tui.plotting.dots import BRAILLE, HALVES, Shape
from bntui.tui.plotting.drawing import Cells, draw, spread
from bntui.tui.plotting.figure import (
    Band,
    Bars,
    Figure,
    Guide,
    Layer,
    Mark,
    Panel,
    Points,
    Series,
)
from bntui.tui.plotting.scale import Scale, linear, log_steps, logarithmic, steps

UNIT = Scale(0.0, 1.0)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def one(*layers: Layer, x: Scale = UNIT, y: Scale = UNIT) -> Figure:
    return Figure(((Panel(x, y, layers),),))


def text(drawn: Cells) -> list[str]:
    return ["".join(run for run, _ in row) for row in drawn]


def inks(drawn: Cells) -> list[list[tuple[str, str]]]:
    return [[(char, ink) for run, ink in row for char in run] for row in drawn]


def inside(drawn: Cells, gutter: int = 4) -> list[list[tuple[str, str]]]:
    """The canvas of a figure of one panel without labels at its right."""
    return [row[gutter:] for row in inks(drawn)[:-2]]


def dots(cells: list[list[tuple[str, str]]], ink: str) -> set[tuple[int, int]]:
    """Dot columns and heights of all braille cells whose ink has `ink` in it."""
    places = {
        0: (0, 3),
        1: (0, 2),
        2: (0, 1),
        3: (1, 3),
        4: (1, 2),
        5: (1, 1),
        6: (0, 0),
        7: (1, 0),
    }
    found = set()
    for y, row in enumerate(reversed(cells)):
        for x, (char, of) in enumerate(row):
            if ink in of.split("+") and "\u2800" <= char <= "\u28ff":
                bits = ord(char) - 0x2800
                found |= {
                    (2 * x + dx, 4 * y + dy) for b, (dx, dy) in places.items() if bits >> b & 1
                }
    return found


@st.composite
def any_layer(draw_: st.DrawFn) -> Layer:
    x, y = draw_(st.lists(FLOATS, max_size=12)), draw_(st.lists(FLOATS, max_size=12))
    count = min(len(x), len(y))
    x, y = sorted(x[:count], key=lambda v: (v != v, v)), y[:count]  # noqa: PLR0124 (NaN)
    ink, label = draw_(st.sampled_from(["arm-0", "arm-1"])), draw_(st.sampled_from(["", "BN 0.2"]))
    layers: list[Layer] = [
        Series(x, y, ink, label, dotted=count % 2 == 0),
        Band(x, y, [v + 1 for v in y], ink),
        Points(x, y, ink, label=label),
        Bars(y, ink, [abs(v) for v in y], (1, 1)),
        Guide(0.5, "zero"),
        Mark(0.5, "lr 0.1"),
    ]
    return draw_(st.sampled_from(layers))


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.lists(any_layer(), max_size=4), min_size=1, max_size=2), max_size=2),
    st.integers(1, 200),
    st.integers(1, 60),
    st.sampled_from([BRAILLE, HALVES]),
    st.booleans(),
)
def test_anything_fills_any_size_exactly(
    layers: list[list[list[Layer]]], width: int, height: int, shape: Shape, log: bool
) -> None:
    x, y = (log_steps(500), logarithmic([0.1, 20])) if log else (UNIT, linear([0.0, 3.0]))
    rows = tuple(
        tuple(Panel(x, y, tuple(each), (("title", "arm-0"),) if log else ()) for each in row)
        for row in layers
    )
    assert [len(row) for row in text(draw(Figure(rows), width, height, shape))] == [width] * height


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(20, 120), st.integers(7, 40))
def test_every_value_inside_the_limits_sets_its_dot(
    y: list[float], width: int, height: int
) -> None:
    x = [i / max(len(y) - 1, 1) for i in range(len(y))]
    other = Series([0.0, 1.0], [0.5, 0.5], "arm-1")
    cells = inside(draw(one(Series(x, y, "arm-0"), other), width, height))
    across, up = 2 * len(cells[0]), 4 * len(cells)
    wanted = zip(UNIT.dots(x, across), UNIT.dots(y, up), strict=True)
    assert set(wanted) <= dots(cells, "arm-0")


@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(0, 1), min_size=2, max_size=9),
            st.sampled_from(["arm-0", "arm-1", "arm-2"]),
            st.booleans(),
        ),
        min_size=2,
        max_size=4,
    ),
)
def test_the_order_of_curves_makes_no_difference(
    curves: list[tuple[list[float], str, bool]],
) -> None:
    layers: list[Layer] = [
        (Points if points else Series)([i / (len(y) - 1) for i in range(len(y))], y, ink, label=ink)
        for y, ink, points in curves
    ]
    before = draw(one(*layers), 60, 14)
    assert draw(one(*layers[::-1]), 60, 14) == before


def test_curves_that_share_a_cell_are_both_there_in_a_blend() -> None:
    flat = [0.0, 1.0]
    low, high = Series(flat, [0.0, 0.0], "arm-0"), Series(flat, [0.06, 0.06], "arm-1")
    drawn = inside(draw(one(low, high), 40, 8))
    assert {ink for row in drawn for char, ink in row if ink.startswith("arm")} == {"arm-0+arm-1"}
    assert {y for _, y in dots(drawn, "arm-0")} == {0, 1}


def test_a_gap_is_seen_and_named() -> None:
    y = [0.5] * 8 + [nan] * 4 + [0.5] * 8
    x = [i / 19 for i in range(20)]
    drawn = draw(one(Series(x, y, "arm-0")), 60, 10)
    assert "missing" in text(drawn)[-3]
    assert "▒" in text(drawn)[-3]
    seen = {x for x, _ in dots(inside(drawn), "arm-0")}
    assert not seen & set(range(2 * 56 * 9 // 20, 2 * 56 * 11 // 20))


def test_what_lies_outside_is_counted_at_the_edges() -> None:
    series = Series([0.2, 0.4, 0.6, 0.8], [5.0, 0.5, -3.0, 9.0], "arm-0")
    shown = text(draw(one(series), 60, 12))
    assert "▲2" in shown[0]
    assert "▼1" in shown[-3]


def test_a_band_never_covers_a_curve() -> None:
    x = [i / 50 for i in range(51)]
    curve = Series(x, [v * v for v in x], "arm-0")
    band = Band(x, [0.0] * 51, [1.0] * 51, "arm-0-faint")
    alone = dots(inside(draw(one(curve), 60, 14)), "arm-0")
    assert dots(inside(draw(one(curve, band), 60, 14)), "arm-0") == alone
    assert dots(inside(draw(one(curve, band), 60, 14)), "arm-0-faint")


def test_a_dotted_line_differs_from_a_solid_one_without_colour() -> None:
    flat: Sequence[float] = [0.0, 1.0]
    solid = draw(one(Series(flat, [0.5, 0.5], "eval")), 60, 10)
    dotted = draw(one(Series(flat, [0.5, 0.5], "eval", dotted=True)), 60, 10)
    assert 0 < len(dots(inside(dotted), "eval")) < len(dots(inside(solid), "eval"))


def test_labels_stand_at_the_end_of_their_lines_in_their_order() -> None:
    flat = [0.0, 1.0]
    curves = [Series(flat, [y, y], f"unit-{i}", f"{i} {y}") for i, y in enumerate((0.5, 0.52, 0.9))]
    shown = text(draw(one(*curves), 60, 16))
    rows = [
        next(y for y, row in enumerate(shown) if row.rstrip().endswith(c.label)) for c in curves
    ]
    assert rows[2] < rows[1] < rows[0]
    assert rows[0] - rows[1] == 1


@given(st.lists(st.integers(0, 30), max_size=40).map(sorted), st.integers(1, 31))
def test_labels_never_overlap(wanted: list[int], rows: int) -> None:
    wanted = [min(row, rows - 1) for row in wanted]
    places = spread(wanted, rows)
    assert len(places) == min(len(wanted), rows)
    assert places == sorted(set(places))
    assert all(0 <= place < rows for place in places)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8, unique=True).map(sorted))
def test_labels_with_room_stay_where_they_belong(wanted: list[int]) -> None:
    assert spread(wanted, 21) == wanted


def test_curves_whose_labels_have_no_row_are_counted() -> None:
    curves = [Series([0.0, 1.0], [i / 10, i / 10], "a", f"n{i} 1") for i in range(12)]
    rows = text(draw(one(*curves), 22, 8))
    shown = [curve.label for curve in curves if any(curve.label in row for row in rows)]
    assert 0 < len(shown) < 12
    assert any(row.rstrip().endswith(f"+{12 - len(shown)} …") for row in rows)


def test_labels_share_rows_where_there_are_more_than_rows() -> None:
    names = [f"{run} {network}" for run in "ABCD" for network in ("BN", "no BN")]
    curves = [
        Series([0.0, 1.0], [i / 10] * 2, f"arm-{i % 4}", f"{name} 0.123", name=name)
        for i, name in enumerate(names)
    ]
    rows = text(draw(one(*curves), 80, 6))
    assert all(sum(f"{name} 0.123" in row for row in rows) == 1 for name in names)
    narrow = text(draw(one(*curves), 40, 6))  # names alone
    assert all(sum(name in row for row in narrow) == 1 for name in names)
    assert "0.123" not in "".join(narrow)


def test_labels_of_curves_that_end_in_one_dot_are_in_the_order_of_their_values() -> None:
    flat = [0.0, 1.0]
    for low, high in (("arm-0", "arm-1"), ("arm-1", "arm-0")):
        curves = Series(flat, [0.5, 0.5], low, low), Series(flat, [0.501, 0.501], high, high)
        shown = [row.split()[-1] for row in text(draw(one(*curves), 60, 10)) if "arm" in row]
        assert shown == [high, low]


@pytest.mark.parametrize("dark", [True, False])
def test_levels_of_a_strip_are_five_colours_where_a_terminal_has_sixteen(dark: bool) -> None:
    of = themes.inks(dark, "#101216")
    levels = (of[f"ink-{name}"] for name in ("low", "lowish", "fair", "highish", "bad"))
    assert len({Color.parse(c).downgrade(ColorSystem.STANDARD).number for c in levels}) == 5


@pytest.mark.parametrize(("dark", "ground"), [(True, "#101216"), (False, "#FCFCFA")])
def test_joins_of_points_differ_from_the_grid_and_from_red_where_a_terminal_has_sixteen_colours(
    dark: bool, ground: str
) -> None:
    of = themes.inks(dark, ground)
    names = ["grid", "bad", *(f"{n}-join" for n in ("train", "eval", "gap", "arm-0", "arm-1"))]
    colours = [Color.parse(of[f"ink-{n}"]).downgrade(ColorSystem.STANDARD).number for n in names]
    assert colours[0] not in colours[1:]
    assert not {1, 9} & {*colours[2:]}


@pytest.mark.parametrize(("dark", "own"), [(True, "black"), (False, "white")])
def test_faint_inks_keep_their_hue_on_a_terminals_own_ground(dark: bool, own: str) -> None:
    assert themes.inks(dark, "ansi_default") == themes.inks(dark, own)


def test_points_of_two_kinds_in_a_cell_are_seen_as_two() -> None:
    train, evaluation = Points([0.5], [0.5], "train", "×"), Points([0.5], [0.5], "eval", "○")
    assert ("⊗", "eval+train") in {
        cell for row in inks(draw(one(train, evaluation), 40, 10)) for cell in row
    }


def test_gridlines_stand_at_the_height_of_their_ticks() -> None:
    drawn = inside(draw(one(), 60, 13))
    heights = {y for _, y in dots(drawn, "grid")}
    ticks = {UNIT.dot(value, 4 * len(drawn)) for value, _ in UNIT.ticks(6)}
    assert heights == ticks


def test_the_last_step_is_labelled_at_any_width() -> None:
    curve = Series([1.0, 5000.0], [0.0, 1.0], "arm-0")
    for width in range(20, 120):
        assert text(draw(one(curve, x=log_steps(5000)), width, 12))[-1].rstrip().endswith("5,000")


def test_decades_are_labelled_on_a_narrow_log_axis_of_steps() -> None:
    curve = Series([1, 5000], [1.0, 0.0], "a")
    labels = text(draw(one(curve, x=log_steps(5000)), 20, 12))[-1].split()
    assert labels == ["1", "10", "100", "5,000"]


def test_panels_below_each_other_share_their_left_and_right_edges() -> None:
    upper = Panel(UNIT, Scale(0.0, 1000.0), (Series([0, 1], [0, 1000], "train", "train 1,000"),))
    lower = Panel(UNIT, UNIT, (Guide(0.0, "gap 0"), Series([0, 1], [0, 1], "gap")))
    shown = text(draw(Figure(((upper,), (lower,))), 60, 20))
    assert len({row.index("└") for row in shown if "└" in row}) == 1
    assert len({row.rstrip().rindex("┬") for row in shown if "┬" in row}) == 1


def test_where_there_is_little_room_an_axis_without_labels_takes_no_row() -> None:
    upper = Panel(UNIT, UNIT, (Series([0, 1], [0, 1], "train"),), x_labels=False)
    lower = Panel(UNIT, UNIT, (Guide(0.0, "gap 0"),))
    small = text(draw(Figure(((upper,), (lower,))), 39, 5))
    assert [row[5] for row in small] == ["┤", "┤", "┤", "┤", "└"]
    roomy = text(draw(Figure(((upper,), (lower,))), 39, 20))
    assert sum("└" in row for row in roomy) == 2


def test_a_guide_is_named_on_a_canvas_of_one_row() -> None:
    figure = one(Guide(0.0, "gap 0"), Series([0.0, 1.0], [0.1, 0.2], "gap"), y=Scale(-1.0, 1.0))
    assert text(draw(figure, 30, 2))[0].startswith("gap 0┤")


def test_the_linux_console_gets_half_blocks() -> None:
    curve = Series([0.0, 1.0], [0.0, 1.0], "arm-0")
    shown = "".join(text(draw(one(curve, Guide(0.5)), 40, 10, HALVES)))
    assert not any("\u2800" <= char <= "\u28ff" for char in shown)
    assert "▄" in shown


def test_39_by_10_cells_show_a_curve_its_axes_and_its_label() -> None:
    x = [1.0, 10.0, 100.0, 1000.0, 5000.0]
    curve = Series(x, [20.0, 10.0, 1.0, 0.3, 0.2], "arm-0", "BN 0.196")
    shown = text(draw(one(curve, x=log_steps(5000), y=logarithmic([0.1, 20])), 39, 10))
    assert "BN 0.196" in "\n".join(shown)
    assert {"1", "100", "5,000"} <= set(shown[-1].split())
    assert {"10┤", "1┤", "0.1┤"} <= {row.split("┤")[0].strip() + "┤" for row in shown if "┤" in row}


@pytest.mark.parametrize("value", [inf, -inf, nan])
def test_infinity_is_missing_not_far_away(value: float) -> None:
    shown = "\n".join(text(draw(one(Series([0.1, 0.5, 0.9], [0.5, value, 0.5], "arm-0")), 60, 10)))
    assert "missing" in shown
    assert "▲" not in shown
    assert "▼" not in shown


def test_steps_are_whole_numbers() -> None:
    shown = text(draw(one(x=steps(4501, 5000)), 60, 10))[-1].split()
    assert shown[0] == "4,501"
    assert shown[-1] == "5,000"
