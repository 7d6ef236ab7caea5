"""`bntui watch`: a user's own script, run here, and its BatchNorm layers live."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bntui.cli.launch import require_screen, show_script
from bntui.cli.options import Value, fps_option, log_options, log_place
from bntui.config.limits import Range
from bntui.config.parsing import number
from bntui.errors import InputError
from bntui.logs.reader import open_regular
from bntui.logs.writer import NameTakenError, already_exists, watched_path
from bntui.protocol import LOG_BY_DEFAULT
from bntui.text import clean, quoted

if TYPE_CHECKING:
    from bntui.sources.script import ScriptSource

WITHOUT = "bntui watch --no-screen runs the script without"


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("script", type=click.Path())
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("-m", "is_module", is_flag=True, help="SCRIPT is a module, as in python -m.")
@log_options
@click.option("--name", metavar="NAME", help="The run's name.  [the script's]")
@click.option(
    "--every",
    type=Value(number("N", int, Range(True, 1, 10**9))),
    metavar="N",
    help="Measure every N steps.  [as --budget allows; 1 to 1,000,000,000]",
)
@click.option(
    "--budget",
    type=Value(number("X", float, Range(False, 0.0001, 1))),
    metavar="X",
    default="0.02",
    help="Share of the step time for measuring.  [0.02; 0.0001 to 1]",
)
@click.option("--no-screen", is_flag=True, help="Run the script in this terminal, as python does.")
@fps_option
@click.pass_context
def watch(
    ctx: click.Context,
    /,
    script: str,
    args: tuple[str, ...],
    *,
    is_module: bool,
    name: str | None,
    every: int | None,
    budget: float,
    no_screen: bool,
    fps: float,
    **_: object,
) -> int:
    """Run a training script and see what its BatchNorm layers do; the script stays as it is.

    Everything behind SCRIPT is the script's own. Its exit code is that of this command. On the
    screen, ctrl+c goes to the script, and q asks whether it shall go on without a screen; what it
    prints is in files beside the log. A script that reads the keyboard needs --no-screen.

    Processes that the script starts itself (torchrun, multiprocessing) are not watched: for those,
    bntui.watch(model) goes into their code, or torchrun ... -m bntui -- watch --no-screen SCRIPT.
    """
    from bntui.sources.script import ScriptSource  # noqa: PLC0415 (asyncio takes a moment)

    place = log_place(ctx)
    if not is_module:
        _check(script)
    options = [f"--budget={budget}", *([f"--every={every}"] if every else [])]
    options += [f"--name={name}"] if name else []
    arguments = [*(["-m"] if is_module else []), script, *args]
    if no_screen:
        return _run(place, [*options, *arguments])
    title = clean(name or Path(script).name, limit=80)
    with tempfile.TemporaryDirectory(prefix="bntui-") as unlogged:
        stdin = None if os.isatty(0) else _take_stdin()
        require_screen(WITHOUT)
        while True:
            log = Path(place or f"{unlogged}/run.jsonl")
            log = watched_path(title) if place == LOG_BY_DEFAULT else log
            source = ScriptSource(arguments, log, title, options, stdin)
            try:
                return _show(source, fps, bool(place))
            except NameTakenError:  # by another run, just now
                if place != LOG_BY_DEFAULT:
                    raise


def _check(script: str) -> None:
    """Refuse what is no file before anything is started.

    Raises:
        InputError: It is no regular file, or cannot be read.
    """
    name = quoted(script)
    try:
        with open_regular(Path(script)):
            return
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error))
        raise InputError(
            f"SCRIPT is {name}, which cannot be read ({reason}); it takes a Python file, or "
            "a module after -m."
        ) from None


def _take_stdin() -> int:
    """Standard input as another descriptor, for the script."""
    from bntui.sources.recording import take_keyboard  # noqa: PLC0415 (asyncio takes a moment)

    descriptor = os.dup(0)
    take_keyboard(WITHOUT)
    return descriptor


def _run(place: str | None, arguments: list[str]) -> int:
    """Become the script: its terminal, signals and exit code are those of this process."""
    from bntui.sources.script import CHILD  # noqa: PLC0415 (asyncio takes a moment)

    if place is None:
        raise click.UsageError("--no-log and --no-screen together leave nothing to see.")
    if place != LOG_BY_DEFAULT and os.path.lexists(place):
        raise already_exists(Path(place))
    sys.stdout.flush()
    os.execv(CHILD[0], [*CHILD, "--log", place, "--announce", *arguments])


def _show(source: "ScriptSource", fps: float, is_logged: bool) -> int:
    code = show_script(source, fps)
    printed = clean(str(source.output))
    if source.is_running:
        output = f"; its output is in {printed}" if is_logged else ""
        click.echo(f"bntui: {source.name} goes on as process {source.pid}{output}.", err=True)
        return 0
    if source.failure:
        click.echo(f"bntui: {clean(source.failure)}", err=True)
    if is_logged:
        log = clean(str(source.log)) if source.log.exists() else "not there: nothing was watched"
        click.echo(f"bntui: the log is {log}; its output is in {printed} and .err.", err=True)
    return code
