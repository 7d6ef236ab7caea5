"""The results of a run as a table for the terminal."""

from rich.table import Table

from bntui.history.arm import LAST, ArmHistory, measured_modes
from bntui.history.history import History
from bntui.protocol import SplitLosses
from bntui.text import number, percent


def summary(history: History) -> Table:
    """One column per network: losses, saturation, divergence, both modes' losses, splits."""
    table = Table(title=_title(history), title_justify="left")
    table.add_column("")
    for name in history.arms:
        table.add_column(name, justify="right")
    arms = list(history.arms.values())
    last = min(LAST, history.steps)
    flat = "outputs at 0" if history.config.activation == "relu" else "saturation"
    for label, cell in ROWS:
        table.add_row(label.format(last=f"{last:,}", flat=flat), *map(cell, arms))
    modes = [_modes(arm) for arm in arms]
    sizes = sorted({n for losses in modes for n in losses})
    for n in dict.fromkeys([*sizes[:1], *sizes[-1:]]):
        label = f"loss in training / evaluation mode, n = {n:,}"
        table.add_row(label, *(losses.get(n, "–") for losses in modes))
    splits = [_splits(arm) for arm in arms]
    for label in dict.fromkeys(label for losses in splits for label in losses):
        table.add_row(label, *(losses.get(label, "–") for losses in splits))
    return table


def _title(history: History) -> str:
    steps, seconds = history.steps, history.elapsed
    rate = f"{steps / seconds:,.0f} steps/s" if seconds else "no time"
    return f"{steps:,} of {history.total:,} steps in {seconds:,.1f} s ({rate})"


def _last_loss(arm: ArmHistory) -> str:
    return number(arm.loss.last)


def _mean_loss(arm: ArmHistory) -> str:
    return number(arm.last_mean)


def _saturation(arm: ArmHistory) -> str:
    """Of the first hidden layer, at init and at the end."""
    events = arm.activations.get(0, [])
    shares = [events[0].saturation, events[-1].saturation] if events else []
    return " → ".join("–" if share is None else percent(share) for share in shares)


def _modes(arm: ArmHistory) -> dict[int, str]:
    """The losses in training and in evaluation mode, by the n that were measured."""
    rows = measured_modes(arm.modes[-1]) if arm.modes else []
    return {n: f"{number(train)} / {number(evaluation)}" for n, train, evaluation in rows}


def _splits(arm: ArmHistory) -> dict[str, str]:
    """The losses on the words of each split, by label, where the data is split."""
    last = arm.latest(SplitLosses)
    if last is None:
        return {}
    counts = {split: last.examples.get(split, 0) for split in last.losses}
    return {
        f"loss on {split} words, evaluation mode, n = {counts[split]:,}": number(loss)
        for split, loss in last.losses.items()
    }


def _diverged(arm: ArmHistory) -> str:
    return f"at step {arm.diverged.step:,}" if arm.diverged else "no"


ROWS = (
    ("last batch's loss", _last_loss),
    ("mean loss of the last {last} steps", _mean_loss),
    ("{flat}, init → end", _saturation),
    ("diverged", _diverged),
)
