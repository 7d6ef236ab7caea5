"""The command line. Heavy imports live inside the commands that need them."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

import click

from bntui import __version__
from bntui.cli import completion
from bntui.cli.bug import bug_lab
from bntui.cli.doctor import doctor
from bntui.cli.launch import show
from bntui.cli.logs import export, open_log, runs
from bntui.cli.options import (
    chosen,
    config,
    fps_option,
    local_config,
    log_options,
    log_place,
    run_options,
    tour_option,
)
from bntui.cli.stream import events
from bntui.cli.sweep import sweep
from bntui.cli.watch import watch
from bntui.errors import InputError
from bntui.text import clean

NO_MORE = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of an output whose reader is gone, or whose disk is full or broken."""

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


@click.group(invoke_without_command=True, context_settings=SETTINGS)
@run_options
@log_options
@fps_option
@tour_option
@click.version_option(__version__, message="bntui %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, fps: float, tour: bool, **_: object) -> int:
    """See what Batch Normalization does: two networks, with it and without, train live.

    Without a command, opens the lab in this terminal.
    """
    if ctx.invoked_subcommand:
        if chosen(ctx):
            raise click.UsageError(f"Options go after {ctx.invoked_subcommand}, not before it.")
        return 0
    from bntui.sources.local import EngineSource  # noqa: PLC0415 (asyncio takes a moment)

    return show(EngineSource(local_config(ctx), log_place(ctx)), fps, tour)


@cli.command(name="run")
@run_options
@log_options
@click.option(
    "--json", "as_json", is_flag=True, help="Print every event, one JSON object per line."
)
@click.option("--quiet", is_flag=True, help="No progress, and not where the log is.")
@click.pass_context
def run_headless(ctx: click.Context, /, as_json: bool, quiet: bool, **_: object) -> int:
    """Train without a screen, at full speed unless --pace is given.

    Progress is a bar on a terminal, and elsewhere a line every few seconds.
    """
    from bntui.cli.headless import run  # noqa: PLC0415 (rich takes a moment)

    return run(local_config(ctx, pace=None), log_place(ctx), as_json, quiet)


@cli.command()
@click.argument("host")
@click.argument("words", nargs=-1, metavar="[open LOG]")
@click.option("--latest", "is_latest", is_flag=True, help="With open: the run logged last.")
@run_options
@log_options
@click.option(
    "--remote",
    default="bntui",
    metavar="PATH",
    help="Path of bntui on HOST.  [bntui, found on its PATH]",
)
@fps_option
@tour_option
@click.pass_context
def ssh(
    ctx: click.Context,
    /,
    host: str,
    *,
    words: tuple[str, ...],
    is_latest: bool,
    remote: str,
    fps: float,
    tour: bool,
    **_: object,
) -> int:
    """Run the UI here and train on HOST over ssh; or show a run that HOST has logged.

    bntui ssh HOST open LOG (or open --latest) follows a log of HOST's, also one that a script
    writes which is watched there.

    Paths (--data, --log) are HOST's. Accept host keys and set up login without a password
    first: ssh cannot ask while the lab is on the screen.
    """
    from bntui.sources.ssh import SshLog, SshSource  # noqa: PLC0415 (asyncio takes a moment)

    if words or is_latest:
        if words[:1] != ("open",) or len(words) + is_latest != 2:
            raise click.UsageError("After HOST may follow: open LOG, or open --latest.")
        return show(SshLog(host, remote, words[1] if len(words) > 1 else None), fps)
    return show(SshSource(host, remote, config(ctx), log_place(ctx)), fps, tour)


@cli.command()
def engine() -> int:
    """Run the engine: JSON commands on stdin, events on stdout."""
    from bntui.core.engine.process import main as serve  # noqa: PLC0415 (loads the engine's own)

    _set_ctrl_c(signal.SIG_DFL, signal.default_int_handler)  # it closes its log first
    return serve()


@cli.command()
@click.option("--only", metavar="NAME", help="Only the figures with this in their name.")
@click.option("--grow", is_flag=True, help="Steps per second by hidden size, depth and batch size.")
@click.option("--quick", is_flag=True, help="One short round of each figure.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--compare", metavar="FILE", help="Show what --json printed earlier beside them.")
def bench(only: str | None, grow: bool, quick: bool, as_json: bool, compare: str | None) -> int:
    """Measure what bntui costs compared with plain PyTorch."""
    from bntui.bench.command import bench as measure  # noqa: PLC0415 (rich takes a moment)

    return measure(only, grow, quick, as_json, compare)


for command in (open_log, runs, export, sweep, watch, doctor, bug_lab, events):
    cli.add_command(command)


def _without_output(error: OSError) -> int:
    """Point stdout, which takes no more, at nothing, say so if it is full, return the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if isinstance(error, BrokenPipeError):
        return 128 + signal.SIGPIPE
    _complain(f"The output cannot be written ({error.strerror}).")
    return 1


def _complain(sentence: str) -> None:
    with suppress(OSError):  # nobody reads it; the exit code says it, too
        click.echo(f"bntui: {sentence}", err=True)


def _set_ctrl_c(old: object, new: Callable[..., object] | signal.Handlers) -> None:
    """Replace the handler `old` of SIGINT; leave any other, such as an inherited "ignore"."""
    if signal.getsignal(signal.SIGINT) is old:
        signal.signal(signal.SIGINT, new)


def main() -> None:
    """The `bntui` command.

    ctrl+c ends it at once, without a traceback, until a command handles signals itself.
    """
    _set_ctrl_c(signal.default_int_handler, signal.SIG_DFL)
    if (code := completion.answer(cli)) is not None:
        sys.exit(code)
    try:
        # Not cli.main, which makes a closed pipe an error.
        with cli.make_context("bntui", sys.argv[1:]) as ctx:
            code = cli.invoke(ctx)
        if sys.stdout:  # none where it was closed
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        code = end.exit_code
    except (click.ClickException, InputError) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        _complain(clean(text))
        code = 2
    except click.Abort:
        code = 130
    except OSError as error:
        if error.errno not in NO_MORE:
            raise
        code = _without_output(error)
    _set_ctrl_c(signal.default_int_handler, signal.SIG_DFL)  # asyncio has put it back
    sys.exit(code)
