"""`bntui sweep`: a grid of runs over seeds, and what they decide together."""

import click

from bntui.cli.options import Value, fps_option, run_options
from bntui.config.limits import Range
from bntui.config.parsing import number, one_of
from bntui.sweep.claims import CLAIMS
from bntui.sweep.plan import MOST_SEEDS


@click.command()
@click.option(
    "--vary", multiple=True, metavar="NAME=X,Y,...", help="Vary a setting; may be repeated."
)
@click.option(
    "--claim",
    type=Value(one_of(list(CLAIMS))),
    metavar="NAME",
    help="A ready grid: " + ", ".join(CLAIMS) + ".",
)
@click.option(
    "--seeds",
    type=Value(number("N", int, Range(True, 1, MOST_SEEDS))),
    metavar="N",
    default="10",
    help=f"Runs of each cell, from --seed on.  [10; 1 to {MOST_SEEDS}]",
)
@click.option(
    "--reach",
    type=Value(number("X", float, Range(False, 0, 1e6))),
    metavar="X",
    help="Report the step at which each network's loss reaches X.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Run on a dask scheduler: tls://HOST:8786.")
@click.option(
    "--workers",
    type=Value(number("N", int, Range(True, 1, 1024))),
    metavar="N",
    help="Worker processes on this machine.  [one a core]",
)
@click.option("--name", metavar="NAME", help="The sweep's directory.  [made of its settings]")
@click.option("--open", "opened", metavar="NAME", help="Show a sweep that was run before.")
@click.option("--json", "as_json", is_flag=True, help="Print events, then the result, as JSON.")
@click.option("--csv", is_flag=True, help="Print the table as CSV.")
@click.option("--figure", metavar="PATH", help="Draw the result as .png or .svg.  [needs an extra]")
@run_options
@fps_option
@click.pass_context
def sweep(ctx: click.Context, /, **_: object) -> int:
    """Run a grid of settings over seeds and compare the networks with their uncertainty.

    Every run trains two networks from the same initial draws on the same batches; the seed is the
    unit. A sweep that was stopped goes on when the same command is given again.
    """
    from bntui.cli.sweeping import run  # noqa: PLC0415 (asyncio takes a moment)

    return run(ctx)
