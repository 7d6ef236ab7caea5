"""Values as text: which texts a type accepts, and how its values are written."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct

from bntui.config.limits import Range, bare, range_of
from bntui.config.schema import MOST_ARMS
from bntui.text import clean


class Accepted(Struct, frozen=True):
    """What a value may be.

    `name` stands for the value in a help text; `words` describe what `parse` accepts, which raises
    ValueError for everything else.
    """

    name: str
    words: str
    parse: Callable[[str], object]
    choices: tuple[str, ...] = ()
    """The words among the values, for a shell to complete."""

    @property
    def brief(self) -> str:
        """The words without "a number from"."""
        return self.words.removeprefix("a whole number from ").removeprefix("a number from ")

    def refusal(self, what: str, text: str) -> str:
        """One sentence: the input's name, its value, what would be accepted."""
        return f"{what} is {clean(text, limit=60) or 'empty'}, but it takes {self.words}."


def accepted(annotation: Any, none: str) -> Accepted:
    """What a field with this annotation accepts; where it may be None, `none` is the word for it.

    Raises:
        TypeError: There is no way to write such a value.
    """
    kind, _, optional, words = bare(annotation)
    allowed = range_of(annotation)
    if kind is str:
        return Accepted("FILE", "a UTF-8 text file, one word per line", str)
    if kind is bool:
        return Accepted("yes|no", "yes or no", _yes_or_no, ("yes", "no"))
    if get_origin(kind) is Literal:
        return one_of(get_args(kind))
    if get_origin(kind) is tuple:
        return _several(get_args(get_args(kind)[0]))
    if allowed is None:
        raise TypeError(f"no option can be made of {annotation}")
    found = number("N", int, allowed) if allowed.whole else number("X", float, allowed)
    for word in words:
        found = _or(word, word, found)
    return _or(none, None, found) if optional else found


def number(name: str, kind: type[float], allowed: Range) -> Accepted:
    """A number in that range, with or without commas."""

    def parse(text: str) -> float:
        value = kind(text.replace(",", ""))
        if not allowed.holds(value):
            raise ValueError
        return value

    return Accepted(name, str(allowed), parse)


def one_of(names: Sequence[str]) -> Accepted:
    """One of these words."""

    def parse(text: str) -> str:
        return names[names.index(text)]

    return Accepted("NAME", either(names), parse, tuple(names))


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([*filter(None, [", ".join(words[:-1])]), words[-1]])


def _or(word: str, value: object, other: Accepted) -> Accepted:
    """A word that stands for `value`, or what `other` accepts."""

    def parse(text: str) -> object:
        return value if text == word else other.parse(text)

    choices = (*other.choices, word)
    return Accepted(f"{other.name}|{word}", f"{other.words}, or {word}", parse, choices)


def _several(names: Sequence[str]) -> Accepted:
    item = one_of(names)

    def parse(text: str) -> object:
        parts = tuple(item.parse(part) for part in text.split(","))
        if not 1 <= len(set(parts)) == len(parts) <= MOST_ARMS:
            raise ValueError
        return parts

    words = f"1 to {MOST_ARMS} distinct values of {item.words}, comma-separated"
    return Accepted("NAME,...", words, parse, item.choices)


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError
    return text == "yes"


def written(value: object, none: str) -> str:
    """A value as `Accepted.parse` reads it; None as the word `none`."""
    match value:
        case None:
            return none
        case bool():
            return "yes" if value else "no"
        case float():
            return repr(value).removesuffix(".0")
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)
