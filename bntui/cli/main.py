"""The command line. Heavy imports live inside the commands that need them."""

import os
import signal
import sys

import click

from bntui import __version__
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
from bntui.cli.sweep import sweep
from bntui.errors import InputError
from bntui.sources.local import EngineSource
from bntui.sources.ssh import SshSource
from bntui.text import clean

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
    return show(EngineSource(local_config(ctx), log_place(ctx)), fps, tour)


@cli.command(name="run")
@run_options
@log_options
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
@click.pass_context
def run_headless(ctx: click.Context, /, as_json: bool, **_: object) -> int:
    """Train without a screen, at full speed unless --pace is given."""
    from bntui.cli.headless import run  # noqa: PLC0415 (rich takes a moment)

    return run(local_config(ctx, pace=None), log_place(ctx), as_json)


@cli.command()
@click.argument("host")
@run_options
@log_options
@click.option(
    "--remote",
    default="bntui",
    metavar="PATH",
    help="bntui on the other machine.  [bntui, found on its PATH]",
)
@fps_option
@tour_option
@click.pass_context
def ssh(ctx: click.Context, /, host: str, remote: str, fps: float, tour: bool, **_: object) -> int:
    """The screen here, the training on HOST, over your own ssh.

    Paths (--data, --log) are HOST's. Host keys and passwords must be settled beforehand: ssh cannot
    ask while the lab is on the screen.
    """
    return show(SshSource(host, remote, config(ctx), log_place(ctx)), fps, tour)


@cli.command()
def engine() -> int:
    """Hear commands and tell events, a line of JSON each."""
    from bntui.core.engine.process import main as serve  # noqa: PLC0415 (loads the engine's own)

    return serve()


@cli.command()
@click.option("--only", metavar="NAME", help="Only the figures with this in their name.")
@click.option("--grow", is_flag=True, help="Steps a second by hidden size, depth and batch.")
@click.option("--quick", is_flag=True, help="A glance: one short round of each.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench(only: str | None, grow: bool, quick: bool, as_json: bool) -> int:
    """Measure what bntui costs beside what one would write otherwise."""
    from bntui.bench.command import bench as measure  # noqa: PLC0415 (rich takes a moment)

    return measure(only, grow, quick, as_json)


for command in (open_log, runs, export, sweep):
    cli.add_command(command)


def _broken_pipe() -> int:
    """Whoever read stdout is gone: nothing to say, and nothing left for Python to flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 128 + signal.SIGPIPE


def main() -> None:
    """The `bntui` command."""
    try:
        # Not cli.main, which makes a closed pipe an error.
        with cli.make_context("bntui", sys.argv[1:]) as ctx:
            code = cli.invoke(ctx)
    except click.exceptions.Exit as end:
        code = end.exit_code
    except (click.ClickException, InputError) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"bntui: {clean(text)}", err=True)
        code = 2
    except click.Abort:
        code = 130
    except BrokenPipeError:
        code = _broken_pipe()
    sys.exit(code)
