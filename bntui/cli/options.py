"""The command line's options, made from the table of settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from bntui.cli.completion import values
from bntui.config.limits import Range
from bntui.config.limits import check as check_config
from bntui.config.parsing import Accepted, number
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.config.settings import SETTINGS, Setting
from bntui.config.share import parts
from bntui.data.word_file import check
from bntui.protocol import LOG_BY_DEFAULT
from bntui.text import clean, quoted

NEED_DATA = ("makemore-deep", "makemore-200k")
"""Presets whose figures are of a file of words that is not ours to bring."""

F = TypeVar("F", bound=Callable[..., Any])


class Value(click.ParamType[object]):
    """A parameter type whose refusal names the option, the value and what would be accepted."""

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
        return values(self._accepted, incomplete)


def run_options(command: F) -> F:
    """Every field of RunConfig as an option, in the order of its declaration, and `--share`."""
    help_share = "A whole config as one string, which c in the lab copies; replaces --preset."
    command = click.option("--share", metavar="TEXT", help=help_share)(command)
    for name in reversed(RunConfig.__struct_fields__):
        setting = SETTINGS[name]
        command = click.option(
            "--" + setting.key,
            type=Value(setting.accepted),
            metavar=setting.accepted.name,
            help=_help(setting),
        )(command)
    return command


def log_options(command: F) -> F:
    """Where the run is logged."""
    help_log = "Log the run to this new file.  [a new file in the data directory]"
    command = click.option("--no-log", is_flag=True, help="Do not log the run.")(command)
    return click.option("--log", metavar="PATH", help=help_log)(command)


def fps_option(command: F) -> F:
    """Frames per second."""
    accepted = Value(number("X", float, Range(False, 0.1, 30)))
    text = "Frames per second; fewer send less to the terminal.  [4; 0.1 to 30]"
    return click.option("--fps", type=accepted, metavar="X", default="4", help=text)(command)


def tour_option(command: F) -> F:
    """Whether the lab starts with the guided tour."""
    return click.option("--tour", is_flag=True, help="Show the guided tour again.")(command)


def log_place(ctx: click.Context) -> str | None:
    """The log's path as `Start` takes it: a path, the default place, or None for no log."""
    path = ctx.params["log"]
    if ctx.params["no_log"]:
        if path is not None:
            raise click.UsageError("--log and --no-log exclude each other.")
        return None
    if path is None:
        return LOG_BY_DEFAULT
    _check_path("--log", str(path))
    return f"./{path}" if path == LOG_BY_DEFAULT else str(path)


def local_config(ctx: click.Context, **defaults: Any) -> RunConfig:
    """`config` for a run on this machine; its data file is checked now.

    Raises:
        InputError: As in `config`, or the file cannot be used.
    """
    made = config(ctx, **defaults)
    if made.data is not None:
        check(Path(made.data))
    return made


def chosen(ctx: click.Context) -> dict[str, Any]:
    """Options given on the command line: fields of RunConfig, and `share`."""
    given = ParameterSource.COMMANDLINE
    names = [*RunConfig.__struct_fields__, "share"]
    return {name: ctx.params[name] for name in names if ctx.get_parameter_source(name) is given}


def config(ctx: click.Context, **defaults: Any) -> RunConfig:
    """The preset or shared config, changed by the options given; `defaults` are the command's own.

    Raises:
        InputError: The shared string cannot be parsed, the options exclude each other, or the
            preset needs a file that is not given.
    """
    named = chosen(ctx)
    shared = named.pop("share", None)
    if shared is not None and "preset" in named:
        raise click.UsageError("--share and --preset exclude each other.")
    preset, differences = (named.get("preset", "notebook"), {}) if shared is None else parts(shared)
    made = msgspec.structs.replace(PRESETS[preset], **{**defaults, **differences, **named})
    if made.preset in NEED_DATA and made.data is None:
        raise click.UsageError(
            f"The preset {made.preset} needs --data names.txt, a file of one word per line: the "
            "names of karpathy/makemore."
        )
    if made.data is not None:
        _check_path("--data", made.data)
    check_config(made)
    return made


def _check_path(option: str, path: str) -> None:
    """Check that a path arrives as it is: what no terminal may show is cleaned on the way."""
    if clean(path, len(path)) != path:
        name = quoted(path)
        raise click.UsageError(
            f"{option} {name} has control characters or is no UTF-8; it takes a path without."
        )


def _help(setting: Setting) -> str:
    """Description, default, what is accepted."""
    if setting.name == "preset":
        return setting.help
    default = setting.show(getattr(RunConfig(), setting.name))
    takes = setting.accepted.brief
    return (
        f"{setting.help}  [{default}; {takes}]"
        if takes != default
        else f"{setting.help}  [{default}]"
    )
