"""What a run came to, as a table."""

from math import isnan

from rich.table import Table

from bntui.history.arm import ArmHistory
from bntui.history.history import History

LAST = 500


def summary(history: History) -> Table:
    """A column an arm: losses, saturation, both modes' losses, divergence."""
    table = Table(title=_title(history), title_justify="left")
    table.add_column("")
    for name in history.arms:
        table.add_column(name, justify="right")
    arms = list(history.arms.values())
    for label, tell in ROWS:
        table.add_row(label, *map(tell, arms))
    for place, n in _ends(arms):
        label = f"loss train / eval, n = {n:,}"
        table.add_row(label, *(_modes(arm, place) for arm in arms))
    return table


def _ends(arms: list[ArmHistory]) -> list[tuple[int, int]]:
    """The places of the smallest and the largest batch size measured, and those sizes."""
    sizes = arms[0].modes[-1].sizes if arms and arms[0].modes else []
    return [(place, sizes[place]) for place in sorted({0, len(sizes) - 1}) if sizes]


def _title(history: History) -> str:
    steps, seconds = history.steps, history.elapsed
    total = history.hello.config.steps if history.hello else steps
    rate = f"{steps / seconds:,.0f} steps/s" if seconds else "no time at all"
    return f"{steps:,} of {total:,} steps in {seconds:,.1f} s ({rate})"


def _last_loss(arm: ArmHistory) -> str:
    return _number(arm.loss.last)


def _mean_loss(arm: ArmHistory) -> str:
    return _number(arm.loss.mean_of_last(LAST))


def _saturation(arm: ArmHistory) -> str:
    """Of the first hidden layer, at init and at the end."""
    events = arm.activations.get(0, [])
    shares = [events[0].saturation, events[-1].saturation] if events else []
    return " → ".join("–" if share is None else f"{share:.1%}" for share in shares)


def _modes(arm: ArmHistory, place: int) -> str:
    """Loss in training and in evaluation mode on the first n examples."""
    if not arm.modes:
        return "–"
    return f"{_number(arm.modes[-1].train[place])} / {_number(arm.modes[-1].eval[place])}"


def _diverged(arm: ArmHistory) -> str:
    return f"at step {arm.diverged.step:,}" if arm.diverged else "no"


def _number(value: float | None) -> str:
    return "–" if value is None or isnan(value) else f"{value:.4g}"


ROWS = (
    ("last batch's loss", _last_loss),
    (f"mean loss of the last {LAST} steps", _mean_loss),
    ("saturation, init → end", _saturation),
    ("diverged", _diverged),
)
