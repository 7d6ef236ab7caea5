"""Findings: sentences about a run, made only from measurements.

A difference counts as one only if it exceeds two standard errors of the paired differences' mean.
"""

from collections.abc import Iterator
from math import isnan, sqrt
from statistics import fmean, variance
from typing import NamedTuple

from bntui.history.arm import LAST, ArmHistory, measured_modes
from bntui.history.columns import SMOOTHED, steps_to_reach
from bntui.history.history import History
from bntui.protocol import Activations, Changed, ModeLosses, SplitLosses
from bntui.text import percent

FEWEST = 30
"""The fewest steps whose mean losses are compared."""

BLOCKS, FEWEST_IN_BLOCK = 10, 6
"""Blocks of steps whose means are compared, and the fewest steps of one."""

ERRORS = 2.0
"""Standard errors within which two means count as equal."""

RACE_STEPS = 20_000
"""The steps in which a race is looked for."""

LEVELS = (1.0, 2.0, 0.5, 5.0, 0.2, 10.0, 0.1, 20.0, 0.05)
"""Losses whose passing is compared, the nearest to 1 first."""

RACE_WON = 1.5
"""How many times the steps of the first the last must need, to be called slower."""

NEARLY_ALL = 0.99
"""Share of saturated outputs from which a layer passes almost no gradient."""


SHORTER = (
    {"evaluation mode": "eval mode", "training mode": "train mode"},
    {"loss in eval mode is higher than": "eval-mode loss is above"},
    {" in train mode": " in train", " in eval mode": " in eval"},
    {
        ", on the same data": "",
        " by running statistics": " (running)",
        " by the batch's own": " (batch)",
    },
    {" went through in train without a backward pass": " passed in train without backward"},
    {
        " from those trained on": " off",
        "the loss is": "loss",
        "the initial values still weigh": "initial weight",
        " updates at": " at",
    },
)
"""Words and what stands for them, one after the other, where a sentence has no room."""


class Finding(NamedTuple):
    """The clauses of a sentence: the first stands alone, the others are added where they fit."""

    topic: str
    clauses: tuple[str, ...]

    def sentence(self, width: int | None = None) -> str:
        """As many clauses as fit into `width` columns, at least the first, abridged if need be."""
        count = len(self.clauses)
        while count > 1 and width is not None and len(self._joined(count)) > width:
            count -= 1
        text = self._joined(count)
        if width is None or len(text) <= width:
            return text
        for words in SHORTER:
            for long, short in words.items() if len(text) > width else ():
                text = text.replace(long, short)
        return text

    def _joined(self, count: int) -> str:
        return "; ".join(self.clauses[:count]) + "."


def findings(history: History) -> list[Finding]:
    """All findings of `history`, the most urgent first."""
    if not history.steps:
        return []
    found = (*(_diverged, _not_finite, _still, _saturated, _compared, _gap, _race),)
    return [finding for say in found for finding in say(history)]


def _diverged(history: History) -> Iterator[Finding]:
    """Which networks diverged, at the learning rate of the step before, and which did not."""
    for name, arm in history.arms.items():
        if arm.diverged:
            lr = arm.standing.as_of(max(arm.diverged.step - 1, 0)).value("lr")
            others = [other for other, its in history.arms.items() if not its.diverged]
            goes_on = [f"{' and '.join(others)} did not"] if others else []
            text = f"{name} diverged at step {arm.diverged.step:,} with lr {lr:g}"
            yield Finding(f"diverged {name}", (text, *goes_on))


def _not_finite(history: History) -> Iterator[Finding]:
    """A loss that is not finite in one mode alone: the training loss does not show it."""
    for name, arm in history.arms.items():
        last = arm.modes[-1] if arm.modes else None
        for n, train, evaluation in reversed(measured_modes(last) if last else []):
            if last and (train is None or evaluation is None):
                broken, other = ("evaluation", "training") if train else ("training", "evaluation")
                text = f"{name}'s loss on the first {n:,} is not finite in {broken} mode"
                finite = f"it is {train or evaluation or 0.0:.3g} in {other} mode"
                yield Finding(f"not finite {name}", (text + _when(history, last), finite))
                break


def _when(history: History, event: Activations | ModeLosses) -> str:
    """The step of a measurement that is older than the last step."""
    return f" (step {event.step:,})" if event.step < history.steps else ""


def _still(history: History) -> Iterator[Finding]:
    """A learning rate of 0."""
    still = [name for name, lr in history.standing("lr").items() if lr == 0]
    if still:
        text = f"lr is 0 in {' and '.join(still)}: no weight moves"
        yield Finding("lr 0", (text, "the loss varies only with the batch"))


def _saturated(history: History) -> Iterator[Finding]:
    """A layer through which almost no gradient passes."""
    for name, arm in history.arms.items():
        for layer, events in sorted(arm.activations.items()):
            share = events[-1].saturation if events else None
            if share is not None and share >= NEARLY_ALL:
                what = "0" if history.config.activation == "relu" else "saturated"
                text = f"{name}: {percent(share)} of hidden layer {layer + 1}'s outputs are {what}"
                text += _when(history, events[-1])
                yield Finding(f"saturated {name}", (text, "almost no gradient passes"))
                break


def _compared(history: History) -> Iterator[Finding]:
    """Every fork against its origin; without forks the best network against the worst."""
    arms = history.arms
    pairs = [(name, arm.origin) for name, arm in arms.items() if arm.origin in arms]
    if not pairs:
        known = [name for name, arm in arms.items() if not arm.diverged]
        ranked = sorted(known, key=lambda name: arms[name].last_mean)
        pairs = [(ranked[-1], ranked[0])] if len(ranked) > 1 else []
    for one, other in pairs:
        if other and not (arms[one].diverged or arms[other].diverged):
            yield _pair(history, one, other)


def _pair(history: History, one: str, other: str) -> Finding:
    """The mean losses of two networks since the last change, over at most the last `LAST` steps."""
    changes = [
        mark.step
        for mark in history.marks
        if isinstance(mark, Changed) and mark.arm in {None, one, other}
    ]
    began = [history.arms[name].began for name in (one, other)]
    since = max([0, history.steps - LAST, *began, *changes])
    windows = _windows(history.arms[one], history.arms[other], since)
    count = len(windows[0])
    if count < FEWEST:
        text = f"{count} of the {FEWEST} steps needed to compare {one} and {other} are done"
        after = ["counted since the change"] if changes and since == max(changes) else []
        return Finding(f"compare {one} {other}", (text, *after))
    ranked = sorted(zip((one, other), windows, strict=True), key=lambda pair: -fmean(pair[1]))
    (higher, above), (lower, below) = ranked
    clauses = [*_evaluated(history, one, other, max([*began, *changes, 0]))]
    named = _is_one_of_several(history)
    clauses += [compare(higher, lower, above, below, named), *_saturation(history, higher, lower)]
    return Finding(f"compare {one} {other}", tuple(clauses))


class Measured(NamedTuple):
    """A loss in evaluation mode, on what, and at which step."""

    loss: float
    on: str
    step: int


def final_loss(arm: ArmHistory) -> Measured | None:
    """The newest loss in evaluation mode: on validation words, else on the most examples."""
    split = arm.latest(SplitLosses)
    validation = split.losses.get("validation") if split else None
    if split and validation is not None:
        n = split.examples.get("validation", 0)
        return Measured(validation, f"{n:,} validation examples", split.step)
    last = arm.modes[-1] if arm.modes else None
    rows = measured_modes(last) if last else []
    if last is None or not rows or (evaluation := rows[-1][2]) is None:
        return None
    return Measured(evaluation, f"n = {rows[-1][0]:,}", last.step)


def _evaluated(history: History, one: str, other: str, since: int) -> list[str]:
    """Both networks in evaluation mode, free of batch noise, if measured after the last change."""
    found = sorted(
        ((last, name) for name in (one, other) if (last := final_loss(history.arms[name]))),
        reverse=True,
    )
    if len(found) < 2 or found[0][0][1:] != found[1][0][1:] or found[0][0].step < max(since, 1):
        return []
    (high, higher), (low, lower) = found
    at = "" if high.step >= history.steps else f" at step {high.step:,}"
    if high.loss == low.loss:
        text = f"{higher} and {lower} are equal in evaluation mode{at} ({high.loss:.3g}, {high.on})"
    else:
        losses = f"{apart(high.loss, low.loss)}, {high.on}"
        than = f" than {lower}'s" if _is_one_of_several(history) else ""
        text = f"{higher}'s loss in evaluation mode is higher{than}{at} ({losses})"
    return [text, "one seed"]


def _race(history: History) -> Iterator[Finding]:
    """Which network was first to pass a loss that the fastest and the slowest both passed.

    The loss is the one of `LEVELS` nearest to 1 between the lower of their first means and the
    higher of their last.
    """
    arms = {n: a for n, a in history.arms.items() if not a.began and len(a.loss) >= FEWEST}
    if len(arms) < 2:
        return
    starts = [arm.loss.over(0, 4)[2] for arm in arms.values()]
    ends = [arm.loss.mean_of_last(SMOOTHED) for arm in arms.values()]
    level = next((level for level in LEVELS if max(ends) < level < min(starts)), None)
    if level is None:
        return
    passed = {
        name: step + 1
        for name, arm in arms.items()
        if (step := steps_to_reach(arm.loss.values[: min(len(arm.loss), RACE_STEPS)], level))
        is not None
    }
    changes = [mark.step for mark in history.marks if isinstance(mark, Changed)]
    if len(passed) < 2 or any(step <= max(passed.values()) for step in changes):
        return
    fast, slow = min(passed, key=passed.__getitem__), max(passed, key=passed.__getitem__)
    if passed[slow] >= RACE_WON * passed[fast]:
        text = f"{fast} reached loss {level:g} in {passed[fast]:,} steps, {slow} in"
        clauses = f"{text} {passed[slow]:,}", f"means of {SMOOTHED} steps", "one seed"
        yield Finding("race", clauses)


def _windows(one: ArmHistory, other: ArmHistory, since: int) -> tuple[list[float], list[float]]:
    """The losses of the same steps, where both are known."""
    pairs = [
        pair
        for pair in zip(
            one.loss.values[since : len(one.loss)],
            other.loss.values[since : len(other.loss)],
            strict=False,
        )
        if not isnan(sum(pair))
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _is_one_of_several(history: History) -> bool:
    """Whether a pair of networks leaves others out, so that both are to be named."""
    return len(history.arms) > 2


def compare(higher: str, lower: str, a: list[float], b: list[float], named: bool = False) -> str:
    """Whether the mean of `a` is higher by more than two standard errors, in words.

    The networks saw the same batches, so `a` and `b` are compared step by step. The `lower` one is
    named where it is not the only other one.
    """
    if a == b:
        return f"{higher} and {lower} have had equal losses in each of the last {len(a)} steps"
    means = fmean(a), fmean(b)
    error = standard_error([x - y for x, y in zip(a, b, strict=True)])
    steps = f"mean loss of the last {min(len(a), len(b))} steps"
    if means[0] - means[1] > ERRORS * error:
        than = f" than {lower}'s" if named else ""
        return f"{higher}'s {steps} is higher{than} ({apart(*means)})"
    return (
        f"{higher} and {lower} have the same {steps} within noise"
        f" ({means[0]:.3g}, {means[1]:.3g}, ± {ERRORS * error:.1g})"
    )


def standard_error(differences: list[float]) -> float:
    """Standard error of the mean of neighbouring steps' differences.

    Neighbours are alike, so their number overstates what they say. The means of `BLOCKS` long
    blocks are nearly independent (method of batch means: A. M. Law and W. D. Kelton, "Simulation
    Modeling and Analysis", chapter 9).
    """
    count = max(min(BLOCKS, len(differences) // FEWEST_IN_BLOCK), 2)
    size = len(differences) // count
    means = [fmean(differences[i * size : (i + 1) * size]) for i in range(count)]
    return sqrt(variance(means) / count)


def apart(high: float, low: float) -> str:
    """`high > low`, with the fewest digits, at least three, in which they differ.

    Both have the same decimals.
    """
    texts = ((f"{high:.{digits}g}", f"{low:.{digits}g}") for digits in range(3, 18))
    one, other = next((one, other) for one, other in texts if float(one) > float(other))
    if "e" in one + other:
        return f"{one} > {other}"
    decimals = max(len(text.partition(".")[2]) for text in (one, other))
    return f"{float(one):.{decimals}f} > {float(other):.{decimals}f}"


def _saturation(history: History, one: str, other: str) -> list[str]:
    """The share of saturated outputs in both networks' first hidden layer."""
    events = [history.arms[name].activations.get(0) for name in (one, other)]
    last = [event[-1] for event in events if event]
    shares = [percent(event.saturation) for event in last if event.saturation is not None]
    if len(shares) < len(events) or shares[0] == shares[1]:
        return []
    what = "outputs at 0 are" if history.config.activation == "relu" else "saturation is"
    return [f"{what} {shares[0]} against {shares[1]}{_when(history, last[0])}"]


def _gap(history: History) -> Iterator[Finding]:
    """A gap between both modes' losses, if one is at least twice the other.

    On the most examples, where the batch's statistics have least noise; else the largest.
    """
    for name, arm in history.arms.items():
        last = arm.modes[-1] if arm.modes else None
        rows = measured_modes(last) if last else []
        known = [(n, t, e) for n, t, e in rows if t is not None and e is not None]
        wide = [row for row in known if max(row[1:]) >= 2 * min(row[1:]) > 0]
        far = max(
            wide, key=lambda row: (row[0] == known[-1][0], abs(row[1] - row[2])), default=None
        )
        if last and far:
            n, train, evaluation = far
            text = f"{name}'s loss on the first {n:,}" if n > 1 else f"{name}'s loss on one example"
            text += f" is {train:.3g} in training mode, {evaluation:.3g} in evaluation mode"
            yield Finding(f"gap {name}", (text + _when(history, last),))
