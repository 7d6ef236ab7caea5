"""Fewer bytes, the same screen: a terminal emulator cannot tell the difference."""

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.style import Style

from bntui.tui.terminal.sgr import compact

COLOURS = st.none() | st.sampled_from(
    [Color.from_rgb(42, 79, 102), Color.from_rgb(230, 159, 0), Color.parse("red"), Color.default()]
)
STYLES = st.builds(
    Style,
    color=COLOURS,
    bgcolor=COLOURS,
    bold=st.booleans(),
    reverse=st.booleans(),
    underline=st.booleans(),
)
PIECES = st.one_of(
    st.builds(lambda style, text: style.render(text), STYLES, st.sampled_from(["ab ", "⣿", " "])),
    st.sampled_from(["plain", "\r\n", "\x1b[3;4H", "\x1b[1;1H", "\x1b[K", "\x1b[2J", "\x1b[0m"]),
)


def shown(text: str) -> pyte.Screen:
    screen = pyte.Screen(20, 5)
    pyte.Stream(screen).feed(text)
    return screen


@given(st.lists(PIECES, max_size=20))
def test_the_screen_is_the_same(pieces: list[str]) -> None:
    text = "".join(pieces)
    one, other = shown(text), shown(compact(text))
    assert one.buffer == other.buffer
    assert (one.cursor.x, one.cursor.y) == (other.cursor.x, other.cursor.y)


@given(st.lists(PIECES, max_size=20))
def test_no_colour_is_left_behind(pieces: list[str]) -> None:
    screen = shown(compact("".join(pieces)) + "\x1b[2J\x1b[1;1Hx")
    assert screen.buffer[0][0] == pyte.screens.Char("x")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("plain", "plain"),
        ("\x1b[31mone\x1b[0m\x1b[31mtwo\x1b[0m", "\x1b[31monetwo\x1b[0m"),
        ("\x1b[31;44mone\x1b[0m\x1b[32;44mtwo\x1b[0m", "\x1b[31;44mone\x1b[32mtwo\x1b[0m"),
        ("\x1b[31mone\x1b[0m\x1b[2;3H\x1b[31mtwo\x1b[0m", "\x1b[31mone\x1b[2;3Htwo\x1b[0m"),
        ("\x1b[?1049h\x1b[5n", "\x1b[?1049h\x1b[5n"),
    ],
)
def test_what_is_said_already_is_not_said_again(text: str, short: str) -> None:
    assert compact(text) == short
