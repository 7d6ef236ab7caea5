"""`bntui bug-lab`: find the fault that was planted in a small training run."""

from collections.abc import Callable
from random import Random
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from bntui.cli.options import Value
from bntui.config.limits import Range
from bntui.config.parsing import number, one_of
from bntui.doctor.catalogue import RULES
from bntui.text import number as digits

if TYPE_CHECKING:
    from bntui.watch.bugs.training import Outcome

FAULT_COUNT = 13


@click.command(name="bug-lab", short_help="Find the fault planted in a small training run.")
@click.option(
    "--seed",
    type=Value(number("N", int, Range(True, 0, 2**31))),
    metavar="N",
    help="Decides the fault and the run.  [at random]",
)
@click.option(
    "--fault",
    type=Value(number("N", int, Range(True, 1, FAULT_COUNT))),
    metavar="N",
    help=f"Plant this fault.  [decided by the seed; 1 to {FAULT_COUNT}]",
)
@click.option(
    "--answer",
    type=Value(one_of(list(RULES))),
    metavar="RULE",
    help="Answer at once, without a dialogue; exit code 0 if it is right.",
)
def bug_lab(seed: int | None, fault: int | None, answer: str | None) -> int:
    """Find the fault that was planted in a small training run.

    Look at its losses and its layers, ask the doctor, name the fault, and see the fix work.
    """
    from bntui.watch.bugs.faults import FAULTS  # noqa: PLC0415 (loads torch)
    from bntui.watch.bugs.training import Training  # noqa: PLC0415

    if seed is None:
        seed = Random().randrange(10_000)
    names = sorted(FAULTS, key=lambda name: Random(name).random())  # the number gives nothing away
    planted = names[fault - 1] if fault else Random(seed).choice(names)
    click.echo(f"Training a small network with one fault in it (seed {seed}) ...")
    outcome = FAULTS[planted](seed).run()
    _losses(outcome)
    if answer is None:
        _dialogue(planted, sorted(FAULTS), outcome)
    else:
        click.echo("Right." if answer == planted else f"No, it is not {answer}.")
    click.echo("\n" + _wrapped(f"The fault was {planted}: {FAULTS[planted].__doc__}"))
    click.echo(_wrapped(f"Fix: {RULES[planted].fix}") + "\n\nThe same run without the fault:")
    _losses(Training(seed).run())
    return int(answer is not None and answer != planted)


def _losses(outcome: "Outcome") -> None:
    score = outcome.score
    click.echo(f"{'':20}{'loss':>8}{'accuracy':>10}   after {outcome.steps:,} steps")
    for name, loss, accuracy in (
        ("in the last epoch", score.trained_loss, score.trained_accuracy),
        ("all, in train mode", score.train_loss, score.train_accuracy),
        ("all, in eval mode", score.eval_loss, score.eval_accuracy),
    ):
        click.echo(f"{name:20}{digits(loss):>8}{accuracy:>10.0%}")


def _dialogue(planted: str, names: list[str], outcome: "Outcome") -> None:
    """Ask until the fault is named or given up."""
    actions: dict[str, Callable[[], None]] = {
        "l": lambda: _layers(outcome),
        "d": lambda: _doctor(outcome),
    }
    while True:
        click.echo("\nl: layers   d: ask the doctor   n: name the fault   g: give up")
        choice = click.prompt("", type=click.Choice(["l", "d", "n", "g"]), prompt_suffix="> ")
        if choice == "g":
            return
        if choice in actions:
            actions[choice]()
            continue
        for place, name in enumerate(names, 1):
            click.echo(f"{place:3}  {name:20}  {RULES[name].title}")
        chosen = names[click.prompt("Which", type=click.IntRange(1, len(names))) - 1]
        if chosen == planted:
            click.echo("Right.")
            return
        if chosen in {finding.rule for finding in outcome.findings}:
            click.echo(f"{chosen} holds as well, but something else is behind it.")
        else:
            click.echo(f"No, it is not {chosen}.")


def _layers(outcome: "Outcome") -> None:
    """What was measured of each layer."""
    heads = ("layer", "momentum", "updates", "batch", "smallest", "train", "eval", "lag")
    click.echo(" ".join(f"{head:>8}" for head in heads))
    for layer, facts in outcome.layers:
        momentum = digits(facts.momentum)
        counts = (facts.updates, facts.usual_n, facts.smallest_n, facts.trained, facts.evaluated)
        cells = (layer.name, momentum, *map(str, counts), digits(facts.lag))
        click.echo(" ".join(f"{cell:>8}" for cell in cells))
    text = (
        "batch: values a channel; train, eval: passes in each mode; lag: distance of running_mean "
        "from the mean of recent batches, in sd"
    )
    click.echo(_wrapped(text))


def _doctor(outcome: "Outcome") -> None:
    """The findings, and what each means."""
    for finding in outcome.findings:
        click.echo(_wrapped(f"{finding.severity}: {finding.rule}. {finding.evidence}"))
        click.echo(_wrapped(RULES[finding.rule].symptom, "  "))
    if not outcome.findings:
        click.echo("The doctor finds nothing.")


def _wrapped(text: str, indent: str = "") -> str:
    """In lines of at most 79 characters, or of the terminal's if it is narrower."""
    width = min(get_terminal_size().columns, 80) - 1
    return click.wrap_text(text, width, indent, f"{indent}  ", preserve_paragraphs=True)
