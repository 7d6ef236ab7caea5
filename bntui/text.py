"""Text for the terminal: text from outside made safe to show, and numbers."""

import re
from math import isnan

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separators
    "\ud800-\udfff]"  # lone surrogates
)


def clean(text: str, limit: int = 1000) -> str:
    """`text` without control characters, at most `limit` characters long."""
    shown = _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text[: limit + 1])
    return shown if len(text) <= limit else shown[: limit - 1] + "…"


def quoted(text: object, limit: int = 200) -> str:
    """What a sentence about bad input calls it: its text in quotes, cleaned."""
    return clean(repr(str(text)), limit)


def ends_of(text: str, limit: int) -> str:
    """`text` without control characters; of a longer one than `limit` both ends.

    Names of logs begin with their time, and end with what tells those of one second apart.
    """
    shown = clean(text)
    kept = limit // 2
    return shown if len(shown) <= limit else f"{shown[: limit - kept - 1]}…{shown[-kept:]}"


def percent(share: float) -> str:
    """A share with one decimal, as 0 or 100 % only where it is exactly that."""
    text = f"{share:.1%}"
    if text == "100.0%" and share < 1:
        return ">99.9%"
    return "<0.1%" if text == "0.0%" and share > 0 else text


def number(value: float | None) -> str:
    """Four significant digits, or a dash where there is no number."""
    return "–" if value is None or isnan(value) else f"{value:.4g}"
