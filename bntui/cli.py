"""The command line. Heavy imports live inside the commands that need them."""

import codecs
import os
import sys
from pathlib import Path

import click

from bntui import __version__, recordings
from bntui.errors import InputError
from bntui.options import chosen, config, log_options, log_place, run_options
from bntui.sources import EngineSource, Source
from bntui.text import clean

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


@click.group(invoke_without_command=True, context_settings=SETTINGS)
@run_options
@log_options
@click.version_option(__version__, message="bntui %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **_: object) -> int:
    """See what Batch Normalization does: two networks, with it and without, train live.

    Without a command, opens the lab in this terminal.
    """
    if ctx.invoked_subcommand:
        if chosen(ctx):
            raise click.UsageError(f"Options go after {ctx.invoked_subcommand}, not before it.")
        return 0
    _require_terminal()
    return _show(EngineSource(config(ctx), log_place(ctx)))


@cli.command(name="run")
@run_options
@log_options
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
@click.pass_context
def run_headless(ctx: click.Context, /, as_json: bool, **_: object) -> int:
    """Train without a screen, at full speed unless --pace is given."""
    from bntui.headless import run  # noqa: PLC0415 (rich takes a moment)

    return run(config(ctx, pace=None), log_place(ctx), as_json)


@cli.command()
def engine() -> int:
    """Hear commands and tell events, a line of JSON each."""
    from bntui.core.process import main as serve  # noqa: PLC0415 (loads the engine's own)

    return serve()


@cli.command(name="open")
@click.argument("log")
@click.option("--follow/--no-follow", default=True, help="Whether to go on while the log grows.")
def open_recording(log: str, follow: bool) -> int:
    """Show a run log, or with - the events on standard input."""
    recording = recordings.open_stdin() if log == "-" else recordings.open_log(Path(log), follow)
    _require_terminal()
    return _show(recording)


def _show(source: Source) -> int:
    from bntui.tui.app import run  # noqa: PLC0415 (textual takes a moment)

    return run(source)


def _require_terminal() -> None:
    """Refuse where no screen can be drawn; Textual draws on stderr and reads stdin."""
    if problem := _problem():
        raise click.UsageError(f"{problem}; bntui run trains without a screen.")


def _problem() -> str | None:
    if not (sys.__stdin__ and sys.__stdin__.isatty()):
        return "Standard input is not a terminal"
    if not (sys.__stderr__ and sys.__stderr__.isatty()):
        return "Standard error, where the screen is drawn, is not a terminal"
    if os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        return f"TERM is {clean(os.environ.get('TERM', 'not set'))}, which cannot draw a screen"
    if codecs.lookup(sys.__stderr__.encoding).name != "utf-8":
        return f"The terminal's encoding is {sys.__stderr__.encoding}, but the screen needs UTF-8"
    return None


def main() -> None:
    """The `bntui` command."""
    try:
        code = cli.main(standalone_mode=False)
    except (click.ClickException, InputError) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"bntui: {clean(text)}", err=True)
        code = 2
    except click.Abort:
        code = 130
    sys.exit(code)
