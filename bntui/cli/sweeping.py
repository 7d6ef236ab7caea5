"""What `bntui sweep` does: plan, run or open a sweep, and report what its seeds decide."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import click

from bntui.cli.launch import has_screen, show_sweep
from bntui.cli.options import chosen, config
from bntui.errors import InputError
from bntui.protocol import Event
from bntui.protocol.codec import encode
from bntui.sweep.claims import CLAIMS
from bntui.sweep.events import JobFailed, Note, Outcome, Planned, SweepEnded
from bntui.sweep.plan import Plan, make_plan, parse_vary
from bntui.sweep.progress import Progress
from bntui.sweep.source import ChildSweep, StoredSweep, stored
from bntui.sweep.store import SweepStore, default_name, sweeps_directory
from bntui.text import clean

LINE_EVERY = 5.0
"""Seconds between two progress lines."""


def run(ctx: click.Context) -> int:
    """Do what the options ask, and return the exit code: 1 where runs are missing.

    Raises:
        InputError: An option's value cannot be used, or the sweep cannot be read.
    """
    as_json, csv = ctx.params["as_json"], ctx.params["csv"]
    figure, opened = ctx.params["figure"], ctx.params["opened"]
    shown = not (as_json or csv) and has_screen()
    if figure is not None:
        from bntui.sweep.figure import check_figure  # noqa: PLC0415 (an extra)

        check_figure(Path(figure))
    if opened is not None:
        store = SweepStore(sweeps_directory() / opened)
        plan, outcomes, notes = stored(store)
        if shown and figure is None:
            return show_sweep(StoredSweep(store), ctx.params["fps"])
        for note in notes:
            click.echo(note, err=True)
    else:
        plan = _plan(ctx)
        store = SweepStore.create(sweeps_directory() / (_name(ctx) or default_name(plan)), plan)
        if shown:
            return show_sweep(ChildSweep(sys.argv[2:]), ctx.params["fps"])
        outcomes = _run(ctx, plan, store, as_json)
    return _report(plan, outcomes, as_json=as_json, csv=csv, figure=figure)


def _name(ctx: click.Context) -> str | None:
    name: str | None = ctx.params["name"]
    if name is not None and (not name or "/" in name or name in {".", ".."} or "\0" in name):
        raise InputError(f"--name is {clean(name, limit=60) or 'empty'}, but it takes a file name.")
    return name


def _plan(ctx: click.Context) -> Plan:
    """The plan that the options describe; refuses what cannot run before a screen opens."""
    from bntui.sweep.job import digest_of  # noqa: PLC0415 (only here)
    from bntui.sweep.runner import check_extra, read_data  # noqa: PLC0415

    check_extra()
    grid = [parse_vary(text) for text in ctx.params["vary"]]
    claim = CLAIMS.get(ctx.params["claim"])
    if claim is None and not grid:
        raise click.UsageError("Say what to vary (--vary lr=0.01,0.1) or a --claim.")
    named = chosen(ctx)
    if claim is None:
        base = config(ctx)
    else:
        base = config(ctx, **{k: v for k, v in claim.settings.items() if k not in named})
        fixed = {*named, *(one.name for one in grid)}
        grid = [one for one in claim.vary if one.name not in fixed] + grid
    return make_plan(
        base,
        grid,
        ctx.params["seeds"],
        claim and claim.against,
        claim and claim.name,
        reach=ctx.params["reach"],
        words=digest_of(read_data(base.data)),
    )


def _run(ctx: click.Context, plan: Plan, store: SweepStore, as_json: bool) -> dict[str, Outcome]:
    from bntui.sweep.report import claim_sentence, power_sentence  # noqa: PLC0415 (loads rich)
    from bntui.sweep.runner import Runner  # noqa: PLC0415

    progress = Progress()
    lines = ProgressLines(progress)
    if not as_json:
        for text in filter(None, (claim_sentence(plan), power_sentence(plan))):
            click.echo(text, err=True)

    def emit(event: Event) -> None:
        progress.fold(event)
        if as_json:
            sys.stdout.buffer.write(encode(event))
            sys.stdout.buffer.flush()
        else:
            lines.show(event)

    runner = Runner(
        plan,
        store,
        emit,
        scheduler=ctx.params["scheduler"],
        workers=ctx.params["workers"],
    )
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, _stop)
    try:
        runner.run()
    except Stopped as stopped:
        raise click.exceptions.Exit(128 + stopped.number) from None
    return progress.outcomes


class Stopped(BaseException):
    """A signal ends the sweep."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _stop(number: int, frame: object) -> None:
    """Once: workers take some seconds to end, and a second signal does not wait for them."""
    signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        click.echo("Stopped; the same command runs what is left.", err=True)
    raise Stopped(number)


def _report(
    plan: Plan, outcomes: dict[str, Outcome], *, as_json: bool, csv: bool, figure: str | None
) -> int:
    from bntui.export.printer import Printer  # noqa: PLC0415 (rich takes a moment)
    from bntui.sweep import report  # noqa: PLC0415
    from bntui.sweep.results import results  # noqa: PLC0415

    found = results(plan, outcomes)
    if as_json:
        click.echo(report.as_json(plan, found))
    elif csv:
        report.write_csv(found, sys.stdout)
    else:
        Printer().print(report.table(plan, found))
    if figure is not None:
        from bntui.sweep.figure import write_figure  # noqa: PLC0415 (an extra)

        write_figure(plan, found, Path(figure))
    return 0 if len(outcomes) >= plan.job_count else 1


class ProgressLines:
    """Progress as plain lines on stderr."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._shown = monotonic()

    def show(self, event: Event) -> None:
        """Print what is new, and now and then how far the sweep is."""
        match event:
            case Planned(directory=directory):
                click.echo(f"Logs are in {clean(directory)}.", err=True)
            case JobFailed(key, reason):
                click.echo(f"{key} failed: {reason}.", err=True)
            case Note(text):
                click.echo(text, err=True)
            case SweepEnded(reason) if reason:
                click.echo(reason, err=True)
        if monotonic() - self._shown >= LINE_EVERY or isinstance(event, SweepEnded):
            self._shown = monotonic()
            click.echo(self._progress.line, err=True)
