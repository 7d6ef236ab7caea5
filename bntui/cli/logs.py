"""The commands that read run logs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bntui.cli.completion import run_names, words
from bntui.cli.launch import print_once, show, show_together
from bntui.cli.options import Value, fps_option
from bntui.config.parsing import Accepted, one_of
from bntui.errors import InputError
from bntui.logs import writer as runlog
from bntui.logs.reader import read_log
from bntui.logs.writer import find, latest

if TYPE_CHECKING:
    from bntui.history.history import History


def _size(text: str) -> tuple[int, int]:
    """Columns and rows of `120x40`."""
    columns, rows = map(int, text.lower().split("x"))
    if not (40 <= columns <= 500 and 12 <= rows <= 200):
        raise ValueError
    return columns, rows


@click.command(name="open")
@click.argument("logs", metavar="LOG...", nargs=-1, shell_complete=run_names)
@click.option("--latest", "is_latest", is_flag=True, help="The run that was logged last.")
@click.option(
    "--follow/--no-follow", default=True, help="Whether to follow a log that is still growing."
)
@fps_option
@click.option("--once", is_flag=True, help="Print one frame as text, without a screen.")
@click.option(
    "--ansi/--plain",
    default=None,
    help="With --once: with colours or without.  [colours on a terminal]",
)
@click.option(
    "--size",
    type=Value(Accepted("WxH", "columns x rows, from 40x12 to 500x200", _size)),
    metavar="WxH",
    help="With --once: columns x rows.  [the terminal's, else 120x40; 40x12 to 500x200]",
)
def open_log(
    logs: tuple[str, ...],
    *,
    is_latest: bool,
    follow: bool,
    fps: float,
    once: bool,
    ansi: bool | None,
    size: tuple[int, int] | None,
) -> int:
    """Show a run log, or with - the events on standard input.

    LOG is a path, or a name that bntui runs prints. Several are overlaid: up to four configs,
    those that differ only in their seed as mean and range.
    """
    from bntui.history.comparison import check_comparable  # noqa: PLC0415 (only here)
    from bntui.sources import recording as recordings  # noqa: PLC0415 (asyncio takes a moment)

    if not once and (ansi is not None or size is not None):
        raise click.UsageError("--ansi, --plain and --size go with --once.")
    if is_latest == bool(logs):
        raise click.UsageError("Give either logs or --latest.")
    if is_latest:
        logs = (str(latest()),)
    if logs == ("-",):
        stdin = recordings.open_stdin(with_keyboard=not once)
        return print_once([("standard input", stdin)], size, ansi) if once else show(stdin, fps)
    follow = follow and not once
    watched = check_comparable([find(log) for log in logs])
    opened = [(Path(log).stem, recordings.open_log(find(log), follow)) for log in logs]
    if once:
        return print_once(opened, size, ansi, watched)
    return show(opened[0][1], fps) if len(opened) == 1 else show_together(opened, fps, watched)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "--where",
    "terms",
    metavar="TERMS",
    default="",
    help="Only runs that meet all terms, such as 'lr>=0.1 state=finished loss<0.2 deep'; a bare "
    "word is a part of the name.",
)
@click.option(
    "--sort",
    "field",
    metavar="FIELD",
    default="-started",
    help="Sort by a setting, or by name, started, state, steps-done, loss or size; -FIELD: "
    "largest first.  [-started]",
)
def runs(as_json: bool, terms: str, field: str) -> int:
    """List the runs that were logged, newest first."""
    from bntui.cli.listing import show_runs  # noqa: PLC0415 (rich takes a moment)

    show_runs(runlog.directory(), as_json, terms, field)
    return 0


@click.command()
@click.argument("log", shell_complete=run_names)
@click.option(
    "--csv",
    type=click.Path(),
    metavar="PATH",
    help="A table of step, arm (or layer), metric, value; - is stdout.",
)
@click.option(
    "--parquet",
    type=click.Path(),
    metavar="PATH",
    help="The same table as Parquet.  [needs an extra]",
)
@click.option(
    "--summary", type=click.Path(), metavar="PATH", help="Config and results as JSON; - is stdout."
)
@click.option(
    "--figures",
    type=click.Path(),
    metavar="DIR",
    help="The notebook's four figures.  [needs an extra]",
)
@click.option(
    "--format",
    "kind",
    type=Value(one_of(["png", "svg"])),
    metavar="NAME",
    default="png",
    shell_complete=words("png", "svg"),
    help="Format of the figures.  [png; png or svg]",
)
def export(
    log: str,
    *,
    csv: str | None,
    parquet: str | None,
    summary: str | None,
    figures: str | None,
    kind: str,
) -> int:
    """Convert a run log to CSV, Parquet, JSON or figures."""
    from bntui.export import files as forms  # noqa: PLC0415 (only here)
    from bntui.export.figures import write_figures  # noqa: PLC0415

    path = find(log)
    if csv:
        forms.write_csv(read_log(path), csv)
    if parquet:
        forms.write_parquet(read_log(path), parquet)
    if summary:
        forms.write_summary(_history(path), summary)
    if figures:
        write_figures(_history(path), Path(figures), kind)
    if not (csv or parquet or summary or figures):
        raise click.UsageError("Nothing to export: give --csv, --parquet, --summary or --figures.")
    return 0


def _history(path: Path) -> "History":
    from bntui.history.history import folded  # noqa: PLC0415 (only here)

    history = folded(read_log(path))
    if history.hello is None:
        raise InputError(
            "This log has no run of the lab; a watched run can be exported with --csv or --parquet."
        )
    return history
