"""The results of a run as a table for the terminal."""

from rich.table import Table

from bntui.history.arm import LAST, ArmHistory
from bntui.history.history import History
from bntui.protocol import SplitLosses
from bntui.text import number


def summary(history: History) -> Table:
    """One column per network: losses, saturation, both modes' losses, divergence."""
    table = Table(title=_title(history), title_justify="left")
    table.add_column("")
    for name in history.arms:
        table.add_column(name, justify="right")
    arms = list(history.arms.values())
    last = min(LAST, history.steps)
    for label, cell in ROWS:
        table.add_row(label.format(last=f"{last:,}"), *map(cell, arms))
    for name in _splits(arms):
        table.add_row(f"evaluation mode, {name} words", *(_split_loss(arm, name) for arm in arms))
    for place, n in _ends(arms):
        label = f"training / evaluation mode, n = {n:,}"
        table.add_row(label, *(_modes(arm, place) for arm in arms))
    return table


def _ends(arms: list[ArmHistory]) -> list[tuple[int, int]]:
    """Index and size of the smallest and the largest batch measured."""
    sizes = arms[0].modes[-1].sizes if arms and arms[0].modes else []
    return [(place, sizes[place]) for place in sorted({0, len(sizes) - 1}) if sizes]


def _title(history: History) -> str:
    steps, seconds = history.steps, history.elapsed
    rate = f"{steps / seconds:,.0f} steps/s" if seconds else "no time"
    return f"{steps:,} of {history.config.steps:,} steps in {seconds:,.1f} s ({rate})"


def _last_loss(arm: ArmHistory) -> str:
    return number(arm.loss.last)


def _mean_loss(arm: ArmHistory) -> str:
    return number(arm.last_mean)


def _saturation(arm: ArmHistory) -> str:
    """Of the first hidden layer, at init and at the end."""
    events = arm.activations.get(0, [])
    shares = [events[0].saturation, events[-1].saturation] if events else []
    return " → ".join("–" if share is None else f"{share:.1%}" for share in shares)


def _modes(arm: ArmHistory, place: int) -> str:
    """Loss in training and in evaluation mode on the first n examples."""
    if not arm.modes:
        return "–"
    return f"{number(arm.modes[-1].train[place])} / {number(arm.modes[-1].eval[place])}"


def _splits(arms: list[ArmHistory]) -> list[str]:
    """The splits on which losses were measured."""
    events = (arm.latest(SplitLosses) for arm in arms)
    return list(dict.fromkeys(name for event in events if event for name in event.losses))


def _split_loss(arm: ArmHistory, name: str) -> str:
    event = arm.latest(SplitLosses)
    return number(event.losses.get(name) if event else None)


def _diverged(arm: ArmHistory) -> str:
    return f"at step {arm.diverged.step:,}" if arm.diverged else "no"


ROWS = (
    ("last batch's loss", _last_loss),
    ("mean loss of the last {last} steps", _mean_loss),
    ("saturation, init → end", _saturation),
    ("diverged", _diverged),
)
