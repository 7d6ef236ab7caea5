"""The command line's options, made from RunConfig, where names, ranges and defaults stand once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from click.core import ParameterSource
from click.shell_completion import CompletionItem
from msgspec import inspect

from bntui.cli.completion import setting_values
from bntui.config.limits import Range, fields
from bntui.config.limits import check as check_config
from bntui.config.parsing import ACCEPTED, FILE, Accepted, number, text_of
from bntui.config.presets import PRESETS, SOURCES
from bntui.config.schema import RunConfig
from bntui.config.share import parts
from bntui.data.word_file import check
from bntui.protocol import LOG_BY_DEFAULT

F = TypeVar("F", bound=Callable[..., Any])


class Value(click.ParamType[object]):
    """A value that is refused with one sentence: the option, the value, what would be accepted."""

    def __init__(self, accepted: Accepted) -> None:
        self.name, self._accepted = accepted.name, accepted

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The value parsed, or a usage error."""
        try:
            return self._accepted.parse(value)
        except ValueError:
            option = param.opts[0] if param else self.name
            raise click.UsageError(self._accepted.refusal(option, value)) from None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The words that the option accepts."""
        return setting_values(param.name or "", incomplete)


def run_options(command: F) -> F:
    """Every field of RunConfig as an option, in the order of its declaration, and `--share`."""
    help_share = "A whole config, as the lab's control panel shows it, in place of --preset."
    command = click.option("--share", metavar="TEXT", help=help_share)(command)
    for field in reversed(fields()):
        accepted = ACCEPTED[field.name]
        command = click.option(
            "--" + field.name.replace("_", "-"),
            type=Value(accepted),
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
    accepted = Value(number("X", float, Range(False, 0.1, 30)))
    text = "Frames a second; fewer send less.  [4; 0.1 to 30]"
    return click.option("--fps", type=accepted, metavar="X", default="4", help=text)(command)


def tour_option(command: F) -> F:
    """Whether the lab begins with the guided tour."""
    return click.option("--tour", is_flag=True, help="Show the guided tour again.")(command)


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
    """What was named on the command line: fields, and `share`."""
    given = ParameterSource.COMMANDLINE
    names = [*ACCEPTED, "share"]
    return {name: ctx.params[name] for name in names if ctx.get_parameter_source(name) is given}


def config(ctx: click.Context, **defaults: Any) -> RunConfig:
    """The preset or shared config with what was named beside it; `defaults` are the command's own.

    Raises:
        InputError: The shared string cannot be read, or the options do not go together.
    """
    named = chosen(ctx)
    shared = named.pop("share", None)
    if shared is not None and "preset" in named:
        raise click.UsageError("--share and --preset exclude each other.")
    preset, told = (named.get("preset", "notebook"), {}) if shared is None else parts(shared)
    made = msgspec.structs.replace(PRESETS[preset], **{**defaults, **told, **named})
    check_config(made)
    return made


def _help(field: inspect.Field, accepted: Accepted) -> str:
    """Description, default, what is accepted."""
    schema = field.type.extra_json_schema if isinstance(field.type, inspect.Metadata) else None
    text = (schema or {}).get("description", "")
    if field.name == "preset":
        return " ".join(f"{name}: {source}." for name, source in SOURCES.items())
    if accepted is FILE:
        return f"{text}  [the notebook's 20 names]"
    default = text_of(field.name, field.default)
    takes = accepted.accepted.removeprefix("a whole number from ").removeprefix("a number from ")
    return f"{text}  [{default}; {takes}]" if takes != default else f"{text}  [{default}]"
