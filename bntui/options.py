"""The command line's options, made from RunConfig, where names, ranges and defaults stand once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from click.core import ParameterSource
from msgspec import inspect

from bntui.config import MOST_ARMS, RunConfig
from bntui.core.words import check
from bntui.presets import PRESETS
from bntui.protocol import LOG_BY_DEFAULT
from bntui.ranges import Range
from bntui.ranges import check as check_config
from bntui.text import clean

OFF = {"pace": "max"}
"""What stands for None, where it is not `none`."""

F = TypeVar("F", bound=Callable[..., Any])


class Accepted(click.ParamType[object]):
    """A value that is refused with one sentence: the option, the value, what would be accepted.

    Args:
        name: Stands for the value in the help.
        accepted: What `parse` takes, in words.
        parse: From text; raises ValueError.
    """

    def __init__(self, name: str, accepted: str, parse: Callable[[str], object]) -> None:
        self.name, self.accepted, self._parse = name, accepted, parse

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The value parsed, or a usage error."""
        try:
            return self._parse(value)
        except ValueError:
            option = param.opts[0] if param else self.name
            shown = clean(value, limit=60) or "empty"
            raise click.UsageError(f"{option} is {shown}, but it takes {self.accepted}.") from None


def run_options(command: F) -> F:
    """Every field of RunConfig as an option, in the order of its declaration."""
    for field in reversed(_fields()):
        accepted = _accepted(field)
        command = click.option(
            "--" + field.name.replace("_", "-"),
            type=accepted,
            metavar=accepted.name,
            help=_help(field, accepted),
        )(command)
    return command


def log_options(command: F) -> F:
    """Where the run is logged."""
    help_log = "Log the run there, a new file.  [a file of its own in the data directory]"
    command = click.option("--no-log", is_flag=True, help="Do not log the run.")(command)
    return click.option("--log", metavar="PATH", help=help_log)(command)


def fps_option(command: F) -> F:
    """How often the screen is drawn."""
    accepted = _number("X", float, Range(False, 0.1, 30))
    text = "Frames a second; fewer send less.  [4; 0.1 to 30]"
    return click.option("--fps", type=accepted, metavar="X", default="4", help=text)(command)


def log_place(ctx: click.Context) -> str | None:
    """The engine's word for what was asked of the log."""
    path = ctx.params["log"]
    if ctx.params["no_log"]:
        if path is not None:
            raise click.UsageError("--log and --no-log exclude each other.")
        return None
    if path is None:
        return LOG_BY_DEFAULT
    return f"./{path}" if path == LOG_BY_DEFAULT else str(path)


def local_config(ctx: click.Context, **defaults: Any) -> RunConfig:
    """`config`, for a run on this machine: the data are looked at at once.

    Raises:
        InputError: They cannot be used.
    """
    made = config(ctx, **defaults)
    if made.data is not None:
        check(Path(made.data))
    return made


def chosen(ctx: click.Context) -> dict[str, Any]:
    """The fields that were named on the command line."""
    given = ParameterSource.COMMANDLINE
    names = [field.name for field in _fields()]
    return {name: ctx.params[name] for name in names if ctx.get_parameter_source(name) is given}


def config(ctx: click.Context, **defaults: Any) -> RunConfig:
    """The preset with what was named on the command line; `defaults` are the command's own.

    Raises:
        InputError: The options do not go together.
    """
    fields = chosen(ctx)
    preset = PRESETS[fields.get("preset", RunConfig().preset)]
    made = msgspec.structs.replace(preset, **{**defaults, **fields})
    check_config(made)
    return made


def _fields() -> tuple[inspect.Field, ...]:
    kind = inspect.type_info(RunConfig)
    return kind.fields if isinstance(kind, inspect.StructType) else ()


def _accepted(field: inspect.Field) -> Accepted:
    """What a field takes, from its annotation."""
    kind = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
    if isinstance(kind, inspect.UnionType):
        word = OFF.get(field.name, "none")
        return FILE if field.name == "data" else _or(word, _of_type(kind.types[0]))
    return one_of(list(PRESETS)) if field.name == "preset" else _of_type(kind)


def _of_type(kind: inspect.Type) -> Accepted:
    match kind:
        case inspect.IntType(ge=low, le=high) if low is not None and high is not None:
            return _number("N", int, Range(True, low, high))
        case inspect.FloatType(ge=low, le=high) if low is not None and high is not None:
            return _number("X", float, Range(False, low, high))
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


def _number(name: str, kind: type[float], allowed: Range) -> Accepted:
    def parse(text: str) -> float:
        number = kind(text.replace(",", ""))
        if not allowed.holds(number):
            raise ValueError
        return number

    return Accepted(name, str(allowed), parse)


def _or(word: str, number: Accepted) -> Accepted:
    """A number, or the word that stands for None."""

    def parse(text: str) -> object:
        return None if text == word else number._parse(text)

    return Accepted(f"{number.name}|{word}", f"{number.accepted}, or {word}", parse)


def _several(item: Accepted) -> Accepted:
    """One to MOST_ARMS different ones, with commas between."""

    def parse(text: str) -> object:
        parts = tuple(item._parse(part) for part in text.split(","))
        if not 1 <= len(set(parts)) == len(parts) <= MOST_ARMS:
            raise ValueError
        return parts

    accepted = f"one to {MOST_ARMS} different of {item.accepted}, with commas between"
    return Accepted("NAME,...", accepted, parse)


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError
    return text == "yes"


def text_of(name: str, value: object) -> str:
    """A field's value as its option takes it."""
    match value:
        case None:
            return OFF.get(name, "none")
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
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


FILE = Accepted("FILE", "a file", str)


def _help(field: inspect.Field, accepted: Accepted) -> str:
    """Description, default, what is accepted."""
    schema = field.type.extra_json_schema if isinstance(field.type, inspect.Metadata) else None
    text = (schema or {}).get("description", "A named starting point.")
    if accepted is FILE:
        return f"{text}  [the notebook's 20 names]"
    default = text_of(field.name, field.default)
    takes = accepted.accepted.removeprefix("a whole number from ").removeprefix("a number from ")
    return f"{text}  [{default}; {takes}]" if takes != default else f"{text}  [{default}]"
