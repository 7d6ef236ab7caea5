"""The value cursor: where it stands, and what it reads."""

from math import nan

import pytest

from bntui.tui.plotting.cursor import Reading, readings
from bntui.tui.plotting.drawing import draw, step_at, step_beside
from bntui.tui.plotting.figure import Figure, Layer, Panel, Points, Series
from bntui.tui.plotting.scale import Scale, linear, log_steps, steps

X = log_steps(1000)
LINE = Series([1.0, 10.0, 100.0, 1000.0], [9.0, 3.0, nan, 1.0], "arm-0", "a 1.0", form=".1f")
POINTS = Points([10.0, 100.0], [0.2, 0.4], "eval", name="eval", form=".2f")


def figure(cursor: int | None, *layers: Layer, x: Scale = X) -> Figure:
    return Figure(((Panel(x, linear([0.0, 10.0]), layers or (LINE, POINTS)),),), cursor)


def read(cursor: int | None, *layers: Layer, x: Scale = X) -> dict[str, str]:
    return {name: text for name, text, _ in readings(figure(cursor, *layers, x=x))}


def text(of: Figure, width: int = 60, height: int = 12) -> list[str]:
    return ["".join(run for run, _ in row) for row in draw(of, width, height)]


def test_without_a_cursor_nothing_is_read() -> None:
    assert readings(figure(None)) == []
    assert text(figure(None)) == text(Figure(figure(7).rows))


def test_a_curve_is_read_at_its_nearest_sample_and_a_gap_stays_a_gap() -> None:
    assert read(12)["a"] == "3.0"
    assert read(28)["a"] == "3.0"  # 31.6 is half way to 100 on a log axis
    assert read(35)["a"] == "–"
    assert read(1000)["a"] == "1.0"


def test_a_measured_point_holds_until_the_next() -> None:
    assert read(9)["eval"] == "–"
    assert read(10)["eval"] == "0.20"
    assert read(99)["eval"] == "0.20"
    assert read(500)["eval"] == "0.40"


def test_a_fork_has_no_value_before_it_begins() -> None:
    fork = Series([100.0, 101.0, 102.0], [1.0, 2.0, 3.0], "arm-2", "f")
    assert read(50, fork) == {"f": "–"}
    assert read(100, fork) == {"f": "1"}


def test_parts_of_a_broken_curve_are_one_reading() -> None:
    parts = [Points([10.0], [0.5], "eval", name="eval"), Points([60.0], [0.7], "eval", name="eval")]
    assert readings(figure(20, *parts)) == [Reading("eval", "0.5", "eval")]
    assert readings(figure(70, *parts)) == [Reading("eval", "0.7", "eval")]


def test_of_two_panels_the_last_that_shows_the_step_is_read() -> None:
    coarse = Panel(X, linear([0.0, 9.0]), (Series([1.0, 1000.0], [1.0, 2.0], "arm-0", "a"),))
    fine = Panel(steps(901, 1000), linear([0.0, 9.0]), (Series([950.0], [7.0], "arm-0", "a 7"),))
    assert readings(Figure(((coarse, fine),), 950))[0].text == "7"
    assert readings(Figure(((coarse, fine),), 20))[0].text == "1"


def test_the_line_its_step_and_the_values_are_drawn() -> None:
    drawn = text(figure(100))
    assert "100" in drawn[-1]
    column = drawn[-1].index("100") + 1
    assert sum(row[column] in "⡇⢸" for row in drawn) >= 8
    assert any(row.rstrip().endswith("a –") for row in drawn)
    assert any(row.rstrip().endswith("a 3.0") for row in text(figure(12)))


def test_the_cursors_step_takes_the_place_of_ticks_in_its_way() -> None:
    assert "950" in text(figure(950))[-1]
    assert "1,000" not in text(figure(950))[-1]


def test_a_panel_that_is_not_over_steps_has_no_cursor() -> None:
    other = Panel(linear([1.0, 1000.0]), linear([0.0, 9.0]), (LINE,))
    assert readings(Figure(((other,),), 100)) == []
    assert text(Figure(((other,),), 100)) == text(Figure(((other,),)))


@pytest.mark.parametrize("x", [X, steps(1, 1000), steps(501, 1000)])
@pytest.mark.parametrize("width", [20, 60, 200])
def test_the_step_under_the_mouse_is_drawn_under_the_mouse(x: Scale, width: int) -> None:
    drawn = text(figure(None, x=x), width)
    left = drawn[0].index("│") + 1 if "│" in drawn[0] else drawn[0].index("┤") + 1
    for column in range(left + 1, left + 8):
        step = step_at(figure(None, x=x), (width, 12), (column, 3))
        assert step is not None
        # An early column of a log axis has no step of its own.
        if x.log and step < 30:
            continue
        assert sum(row[column] in "⡇⢸" for row in text(figure(step, x=x), width)) >= 7
    assert step_at(figure(None, x=x), (width, 12), (0, 3)) is None
    assert step_at(figure(None, x=x), (width, 12), (width - 1, 3)) is None
    assert step_at(figure(None, x=x), (width, 12), (left + 1, 40)) is None


def test_keys_reach_every_end_and_never_stand_still() -> None:
    step, seen = 1000, [1000]
    while step > 1:
        beside = step_beside(figure(None), (60, 12), step, -1)
        assert beside is not None
        assert beside < step
        step = beside
        seen.append(step)
    assert len(seen) < 60
    assert step_beside(figure(None), (60, 12), 1, -1) == 1
    assert step_beside(figure(None), (60, 12), 1000, 1) == 1000
    assert step_beside(figure(None), (60, 12), 40, 0) == 40
    assert step_beside(Figure(()), (60, 12), 40, 1) is None
