"""`bntui bug-lab`: find the fault that was planted in a small training run."""

from collections.abc import Callable
from random import Random
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
    click.echo(f"\nThe fault was {planted}: {FAULTS[planted].__doc__}")
    click.echo(f"Fix: {RULES[planted].fix}\n\nThe same run without the fault:")
    _losses(Training(seed).run())
    return int(answer is not None and answer != planted)


def _losses(outcome: "Outcome") -> None:
    score = outcome.score
    click.echo(f"{'':16}{'loss':>8}{'accuracy':>10}   after {outcome.steps:,} steps")
    click.echo(f"{'in train mode':16}{digits(score.train_loss):>8}{score.train_accuracy:>10.0%}")
    click.echo(f"{'in eval mode':16}{digits(score.eval_loss):>8}{score.eval_accuracy:>10.0%}")


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
        click.echo(f"No, it is not {chosen}.")


def _layers(outcome: "Outcome") -> None:
    """What was measured of each layer."""
    heads = ("layer", "momentum", "updates", "batch", "smallest", "train", "eval", "lag in sd")
    click.echo("".join(f"{head:>11}" for head in heads))
    for layer, facts in outcome.layers:
        momentum = digits(facts.momentum)
        counts = (facts.updates, facts.usual_n, facts.smallest_n, facts.trained, facts.evaluated)
        cells = (layer.name, momentum, *map(str, counts), digits(facts.lag))
        click.echo("".join(f"{cell:>11}" for cell in cells))
    click.echo("batch: values a channel; train, eval: passes in each mode")


def _doctor(outcome: "Outcome") -> None:
    """The findings, and what each means."""
    for finding in outcome.findings:
        click.echo(f"{finding.severity}: {finding.rule}. {finding.evidence}")
        click.echo(f"  {RULES[finding.rule].symptom}")
    if not outcome.findings:
        click.echo("The doctor finds nothing.")
