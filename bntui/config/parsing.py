"""What every field of RunConfig takes as text, and how its values are written.

The ranges come from RunConfig's annotations; the command line, shared strings and the control panel
all read and refuse values here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import inspect

from bntui.config.limits import Range, fields, range_in
from bntui.config.presets import PRESETS
from bntui.config.schema import MOST_ARMS
from bntui.text import clean

OFF = {"pace": "max"}
"""What stands for None, where it is not `none`."""


@dataclass(frozen=True)
class Accepted:
    """What a value may be.

    `name` stands for the value in a help text, `accepted` says in words what `parse` takes; `parse`
    raises ValueError for everything else.
    """

    name: str
    accepted: str
    parse: Callable[[str], object]

    def refusal(self, what: str, text: str) -> str:
        """One sentence: the input's name, its value, what would be accepted."""
        return f"{what} is {clean(text, limit=60) or 'empty'}, but it takes {self.accepted}."


FILE = Accepted("FILE", "a file", str)


def accepted(field: inspect.Field) -> Accepted:
    """What a field takes, from its annotation."""
    kind = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
    if isinstance(kind, inspect.UnionType):
        word = OFF.get(field.name, "none")
        return FILE if field.name == "data" else _or(word, _of_type(kind.types[0]))
    return one_of(list(PRESETS)) if field.name == "preset" else _of_type(kind)


def _of_type(kind: inspect.Type) -> Accepted:
    if allowed := range_in(kind):
        return number("N", int, allowed) if allowed.whole else number("X", float, allowed)
    match kind:
        case inspect.LiteralType(values=names):
            return one_of([str(name) for name in names])
        case inspect.BoolType():
            return Accepted("yes|no", "yes or no", _yes_or_no)
        case (
            inspect.VarTupleType(item_type=item)
            | inspect.Metadata(type=inspect.VarTupleType(item_type=item))
        ):
            return _several(_of_type(item))
        case inspect.Metadata(type=inner):
            return _of_type(inner)
    raise TypeError(f"no option can be made of {kind}")


def number(name: str, kind: type[float], allowed: Range) -> Accepted:
    """A number in that range, with or without commas."""

    def parse(text: str) -> float:
        value = kind(text.replace(",", ""))
        if not allowed.holds(value):
            raise ValueError
        return value

    return Accepted(name, str(allowed), parse)


def _or(word: str, other: Accepted) -> Accepted:
    """A number, or the word that stands for None."""

    def parse(text: str) -> object:
        return None if text == word else other.parse(text)

    return Accepted(f"{other.name}|{word}", f"{other.accepted}, or {word}", parse)


def _several(item: Accepted) -> Accepted:
    """One to MOST_ARMS different ones, with commas between."""

    def parse(text: str) -> object:
        parts = tuple(item.parse(part) for part in text.split(","))
        if not 1 <= len(set(parts)) == len(parts) <= MOST_ARMS:
            raise ValueError
        return parts

    words = f"one to {MOST_ARMS} different of {item.accepted}, with commas between"
    return Accepted("NAME,...", words, parse)


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError
    return text == "yes"


def text_of(name: str, value: object) -> str:
    """A field's value as it is written."""
    match value:
        case None:
            return OFF.get(name, "none")
        case bool():
            return "yes" if value else "no"
        case float():
            return repr(value).removesuffix(".0")
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def one_of(names: list[str]) -> Accepted:
    """One of these words."""

    def parse(text: str) -> str:
        return names[names.index(text)]

    either = [", ".join(names[:-1])] if len(names) > 1 else []
    return Accepted("NAME", " or ".join([*either, names[-1]]), parse)


ACCEPTED = {field.name: accepted(field) for field in fields()}
"""What each field takes."""
