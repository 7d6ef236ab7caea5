"""Economy of escape codes: send colours only when they change, not with every piece of text.

Rich sets every style from scratch and resets it after each piece; on a screen of curves those codes
are three quarters of the bytes. Only SGR sequences are touched (ECMA-48, 8.3.117).
"""

import re
from functools import lru_cache
from typing import NamedTuple

SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m")
MOVE = re.compile(r"(\r?\n)?(\x1b\[(\d*;\d*H|\d*G))?")
"""Cursor movement, which neither shows nor erases: a colour change can wait until after it."""
CODE = re.compile(r"[34]8;(?:5;\d*|2;\d*;\d*;\d*)|\d+")
"""One setting of a sequence: an extended colour, or a number."""


class Colours(NamedTuple):
    """Attributes other than colours, foreground and background, as SGR codes."""

    attributes: tuple[str, ...] = ()
    foreground: str = "39"
    background: str = "49"


PLAIN = Colours()


def compact(text: str) -> str:
    """`text` with as few colour codes as possible; starts and ends with default colours."""
    out: list[str] = []
    wanted = shown = PLAIN
    pieces = SEQUENCE.split(text)
    for plain, codes in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if plain:
            if not MOVE.fullmatch(plain):
                out.append(_change(shown, wanted))
                shown = wanted
            out.append(plain)
        wanted = _apply(wanted, codes)
    return "".join([*out, _change(shown, PLAIN)])


@lru_cache(4096)
def _apply(colours: Colours, codes: str) -> Colours:
    """What `colours` are after a sequence."""
    for code in CODE.findall(codes) if codes else ["0"]:
        colours = _set(colours, code)
    return colours


def _set(colours: Colours, code: str) -> Colours:
    first = int(code.partition(";")[0])
    if first == 0:
        return PLAIN
    if 30 <= first <= 39 or 90 <= first <= 97:
        return colours._replace(foreground=code)
    if 40 <= first <= 49 or 100 <= first <= 107:
        return colours._replace(background=code)
    return colours._replace(attributes=(*colours.attributes, code))


@lru_cache(4096)
def _change(old: Colours, new: Colours) -> str:
    """The sequence that makes `new` of `old`."""
    if old == new:
        return ""
    if new == PLAIN:
        return "\x1b[0m"
    kept = new.attributes[: len(old.attributes)] == old.attributes
    codes = [] if kept else ["0"]
    before = old if kept else PLAIN
    codes += new.attributes[len(before.attributes) :]
    codes += [now for was, now in zip(before[1:], new[1:], strict=True) if was != now]
    return f"\x1b[{';'.join(codes)}m"
