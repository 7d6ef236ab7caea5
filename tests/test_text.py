"""Nothing that a terminal obeys survives."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bntui.text import clean

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HOSTILE = st.text(st.characters() | st.sampled_from("\x1b\x9b\x07\r\x08\x7f" + BIDI))


@given(HOSTILE)
def test_no_control_bidi_or_surrogate_character_survives(text: str) -> None:
    for character in clean(text):
        category = unicodedata.category(character)
        assert category not in {"Cs", "Zl", "Zp"}
        assert category != "Cc" or character in "\t\n"
        assert character not in BIDI


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=1000))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


@given(HOSTILE, st.integers(1, 50))
def test_it_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit
