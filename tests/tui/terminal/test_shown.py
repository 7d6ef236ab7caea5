"""Only cells that differ are sent, and the terminal shows the same as if everything were."""

from collections.abc import Sequence
from itertools import pairwise

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from bntui.tui.terminal import shown as shown_module
from bntui.tui.terminal.sgr import compact
from bntui.tui.terminal.shown import TRUSTED, Difference, Shown

ROWS, CUTS = 3, (0, 5, 12)
"""Two widgets beside each other."""
STYLES = [
    Style(color="red", bgcolor="black"),
    Style(color="blue", bgcolor="black", bold=True),
    Style(bgcolor="green"),
    Style(underline=True),
]
CONSOLE = Console(force_terminal=True, color_system="truecolor")

Segments = list[tuple[str, Style]]

PIECES = st.lists(st.tuples(st.text("ab ⣿█日é", max_size=4), st.sampled_from(STYLES)), max_size=4)
FRAMES = st.lists(st.tuples(st.integers(0, ROWS - 1), st.sampled_from([0, 1]), PIECES), max_size=12)


def strip(pieces: Segments, width: int) -> Strip:
    return Strip(Segment(text, style) for text, style in pieces).adjust_cell_length(width)


def update(rows: Sequence[Sequence[Segments]], spans: list[tuple[int, int, int]]) -> ChopsUpdate:
    widths = [stop - first for first, stop in pairwise(CUTS)]
    chops = [
        {x: strip(one, width) for x, one, width in zip(CUTS, row, widths, strict=False)}
        for row in rows
    ]
    return ChopsUpdate(chops, spans, [list(CUTS[1:])] * ROWS)


def everything(rows: Sequence[Sequence[Segments]]) -> str:
    return update(rows, [(y, 0, CUTS[-1]) for y in range(ROWS)]).render_segments(CONSOLE)


def seen(screen: pyte.Screen) -> list[list[tuple[str, str, str, bool, bool]]]:
    """What a person sees: the ink of a blank is not seen."""
    buffer = [[screen.buffer[y][x] for x in range(CUTS[-1])] for y in range(ROWS)]
    return [
        [
            (c.data, "" if c.data == " " else c.fg, c.bg, c.underscore, c.data != " " and c.bold)
            for c in row
        ]
        for row in buffer
    ]


@given(FRAMES)
def test_the_screen_is_the_same(frames: list[tuple[int, int, Segments]]) -> None:
    rows: list[list[Segments]] = [[[], []] for _ in range(ROWS)]
    shown = Shown()
    parts, whole = pyte.Screen(CUTS[-1], ROWS), pyte.Screen(CUTS[-1], ROWS)
    for y, widget, pieces in frames:
        rows[y][widget] = pieces
        changed = update(rows, [(y, CUTS[widget], CUTS[widget + 1])])
        written = compact(Difference(changed, shown).render_segments(CONSOLE))
        pyte.Stream(parts).feed(written)
    pyte.Stream(whole).feed(compact(everything(rows)))
    touched = {(y, widget) for y, widget, _ in frames}
    for y in range(ROWS):
        for widget in (0, 1):
            if (y, widget) in touched:
                columns = slice(CUTS[widget], CUTS[widget + 1])
                assert seen(parts)[y][columns] == seen(whole)[y][columns]


@pytest.mark.parametrize(
    ("before", "now", "written"),
    [
        ("abcde", "abcde", ""),
        ("abcde", "abXde", "\x1b[2;3HX"),
        ("abcde", "XbcYe", "\x1b[2;1HX\x1b[4GY"),
        ("a日b", "a日c", "\x1b[2;1Ha日c"),
    ],
)
def test_only_cells_that_differ_are_sent(before: str, now: str, written: str) -> None:
    shown, plain = Shown(), Style()
    for text, expected in ((before, None), (now, written)):
        rows: list[list[Segments]] = [[[], []], [[(text, plain)], []], [[], []]]
        sent = Difference(update(rows, [(1, 0, 5)]), shown).render_segments(CONSOLE)
        assert expected is None or sent == expected


def test_after_a_full_update_everything_is_sent_again() -> None:
    shown, plain = Shown(), Style()
    rows: list[list[Segments]] = [[[], []], [[("abcde", plain)], []], [[], []]]
    first = Difference(update(rows, [(1, 0, 5)]), shown).render_segments(CONSOLE)
    shown.forget()
    assert Difference(update(rows, [(1, 0, 5)]), shown).render_segments(CONSOLE) == first != ""


def test_a_row_is_sent_again_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, TRUSTED - 1, TRUSTED + 1])
    monkeypatch.setattr(shown_module, "monotonic", lambda: next(clock))
    shown, plain = Shown(), Style()
    rows: list[list[Segments]] = [[[], []], [[("abcde", plain)], []], [[], []]]
    first, soon, later = (
        Difference(update(rows, [(1, 0, 5)]), shown).render_segments(CONSOLE) for _ in range(3)
    )
    assert soon == ""
    assert later == first != ""
