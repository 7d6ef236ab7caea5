"""`bntui doctor`: findings over a run log, a checkpoint or a script."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bntui.cli.completion import run_names, words
from bntui.cli.options import Value
from bntui.config.limits import Range
from bntui.config.parsing import number, one_of
from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import SEVERITIES, Rule, Severity

if TYPE_CHECKING:
    from bntui.doctor.report import Report


class DoctorCommand(click.Command):
    """Options may follow TARGET, unless it is a script: what follows that is the script's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options."""
        ctx.allow_interspersed_args = not any(arg.endswith(".py") for arg in args)
        return super().parse_args(ctx, args)


@click.command(
    cls=DoctorCommand, short_help="Find what BatchNorm does wrong: a log, a checkpoint, a script."
)
@click.argument("target", required=False, shell_complete=run_names)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--rules", is_flag=True, help="List the rules.")
@click.option(
    "--explain",
    type=Value(one_of(list(RULES))),
    metavar="RULE",
    shell_complete=words(*RULES),
    help="Explain a rule: threshold, cause, fix, source.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE[:LAYER]",
    help="Leave out a rule, or a rule in some layers; * matches anything. May be repeated.",
)
@click.option(
    "--fail-on",
    type=Value(one_of(list(SEVERITIES))),
    metavar="SEVERITY",
    default="warning",
    shell_complete=words(*SEVERITIES),
    help="The least severity for exit code 1.  [warning; error, warning or info]",
)
@click.option(
    "--steps",
    type=Value(number("N", int, Range(True, 1, 10**9))),
    metavar="N",
    default="1000",
    help="Optimizer steps after which a script is stopped.  [1,000; 1 to 1,000,000,000]",
)
def doctor(
    target: str | None,
    args: tuple[str, ...],
    *,
    rules: bool,
    explain: str | None,
    as_json: bool,
    sarif: bool,
    ignore: tuple[str, ...],
    fail_on: Severity,
    steps: int,
) -> int:
    """Find why a model with BatchNorm is fine in train() and broken in eval().

    TARGET is a run log (a path, or a name that bntui runs prints), a checkpoint (.pt, .pth, .ckpt,
    .safetensors), or a Python script with its ARGS, which is run and watched for some steps.

    Exit code: 0 no findings, 1 findings, 2 bad input.
    """
    if rules or explain:
        _describe(list(RULES.values()) if rules else [RULES[str(explain)]], as_json, brief=rules)
        return 0
    if target is None:
        raise click.UsageError(
            "No TARGET was given; bntui doctor takes a run log, a checkpoint or a Python script."
        )
    if as_json and sarif:
        raise click.UsageError("--json and --sarif exclude each other.")
    from bntui.doctor.report import Ignore  # noqa: PLC0415 (rich takes a moment)
    from bntui.doctor.target import examine_target  # noqa: PLC0415

    ignores = [Ignore.parse(text) for text in ignore]
    report = examine_target(target, args, steps).without(ignores)
    _print(report, as_json, sarif)
    return int(report.has_failed(fail_on))


def _print(report: "Report", as_json: bool, sarif: bool) -> None:
    from bntui.doctor import report as forms  # noqa: PLC0415
    from bntui.doctor.sarif import as_sarif  # noqa: PLC0415
    from bntui.export.printer import Printer  # noqa: PLC0415 (rich takes a moment)

    if as_json:
        click.echo(forms.as_json(report))
    elif sarif:
        click.echo(as_sarif(report))
    else:
        Printer().print(forms.as_text(report))


def _describe(rules: Sequence[Rule], as_json: bool, brief: bool) -> None:
    if as_json:
        click.echo(json.dumps([rule._asdict() for rule in rules], indent=2, ensure_ascii=False))
    elif brief:
        width = max(map(len, RULES))
        for rule in rules:
            click.echo(f"{rule.id:{width}}  {rule.severity:7}  {rule.certainty:8}  {rule.title}")
    else:
        for rule in rules:
            click.echo(explanation(rule))


def explanation(rule: Rule) -> str:
    """All that the catalogue says about a rule, wrapped to 80 columns."""
    sure = {"certain": "read off a flag or a value", "evidence": "a measured number"}
    rows = {
        "Measures": rule.measures[:1].upper() + rule.measures[1:] + ".",
        "Threshold": rule.threshold,
        "Symptom": rule.symptom,
        "Cause": rule.cause,
        "Fix": rule.fix,
        "Legal": rule.legal,
        "Source": rule.source,
    }
    head = f"{rule.id}: {rule.title}\n{rule.severity}, {rule.certainty} ({sure[rule.certainty]})\n"
    body = [
        click.wrap_text(text, 78, f"{label:11}", " " * 11, preserve_paragraphs=False)
        for label, text in rows.items()
    ]
    return "\n".join([head, *body])
