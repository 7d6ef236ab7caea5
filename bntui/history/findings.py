"""What the numbers on the screen say: sentences made from measurements, and from nothing else.

A difference is called one only where it is larger than two standard errors of the windows' means.
"""

from collections.abc import Iterator
from math import isnan, sqrt
from statistics import fmean, variance
from typing import NamedTuple

from bntui.history.arm import ArmHistory
from bntui.history.history import History
from bntui.history.standing import standing
from bntui.protocol import Changed

WINDOW, FEWEST = 500, 30
"""Steps whose losses are compared, and the fewest that are."""

ERRORS = 2.0
"""Standard errors within which two means count as equal."""

SMALL = 1_000
"""Examples up to which a data set is called small here."""

NEARLY_ALL = 0.99
"""Share of flat outputs from which a layer is said to pass no gradient."""


class Finding(NamedTuple):
    """A sentence's clauses, the first for itself, the others where there is room."""

    topic: str
    clauses: tuple[str, ...]

    def sentence(self, width: int | None = None) -> str:
        """As many clauses as fit into `width` columns, at least the first."""
        count = len(self.clauses)
        while count > 1 and width is not None and len(self._joined(count)) > width:
            count -= 1
        return self._joined(count)

    def _joined(self, count: int) -> str:
        return "; ".join(self.clauses[:count]) + "."


def findings(history: History) -> list[Finding]:
    """Everything there is to say of `history`, the most pressing first."""
    if not history.hello or not history.steps:
        return []
    found = (_diverged, _still, _one_row, _frozen, _flat, _compared, _gap)
    return [finding for say in found for finding in say(history)]


def _diverged(history: History) -> Iterator[Finding]:
    """Who diverged, at which learning rate, and who goes on."""
    rates = standing(history, "lr")
    for name, arm in history.arms.items():
        if arm.diverged:
            others = [other for other, its in history.arms.items() if not its.diverged]
            goes_on = [f"{' and '.join(others)} did not"] if others else []
            text = f"{name} diverged at step {arm.diverged.step:,} with lr {rates[name]:g}"
            yield Finding(f"diverged {name}", (text, *goes_on))


def _still(history: History) -> Iterator[Finding]:
    """A learning rate of nothing."""
    still = [name for name, lr in standing(history, "lr").items() if lr == 0]
    if still:
        text = f"lr is 0 in {' and '.join(still)}: no weight moves"
        yield Finding("lr 0", (text, "what the loss does is the batches' noise"))


def _one_row(history: History) -> Iterator[Finding]:
    """Batches of one example."""
    normalized = [name for name, arm in history.arms.items() if arm.norm.startswith("bn")]
    if normalized and set(standing(history, "batch_size").values()) == {1.0}:
        text = "A batch of one: each unit's value is its own mean, so BN outputs beta for any input"
        yield Finding("batch 1", (text,))


def _frozen(history: History) -> Iterator[Finding]:
    """Running statistics that stand still."""
    for name, momentum in standing(history, "momentum").items():
        arm = history.arms[name]
        if momentum == 0 and arm.norm.startswith("bn"):
            text = f"momentum is 0 in {name}: its running statistics stand still"
            yield Finding(f"momentum {name}", (text, *_modes(arm)))


def _modes(arm: ArmHistory) -> list[str]:
    """Both modes' losses on the most examples."""
    if not arm.modes or (last := arm.modes[-1]).train[-1] is None or last.eval[-1] is None:
        return []
    return [
        f"its loss is {last.eval[-1]:.3g} in evaluation mode, {last.train[-1]:.3g} in training mode"
    ]


def _flat(history: History) -> Iterator[Finding]:
    """A layer through which no gradient passes."""
    for name, arm in history.arms.items():
        for layer, events in sorted(arm.activations.items()):
            share = events[-1].saturation if events else None
            if share is not None and share >= NEARLY_ALL:
                text = f"{name}: {share:.1%} of hidden layer {layer + 1}'s outputs are flat"
                yield Finding(f"flat {name}", (text, "next to no gradient passes it"))
                break


def _compared(history: History) -> Iterator[Finding]:
    """Every fork against its origin; without forks the best arm against the worst."""
    arms = history.arms
    pairs = [(name, arm.origin) for name, arm in arms.items() if arm.origin in arms]
    if not pairs:
        known = [name for name, arm in arms.items() if not arm.diverged]
        ranked = sorted(known, key=lambda name: arms[name].loss.mean_of_last(WINDOW))
        pairs = [(ranked[-1], ranked[0])] if len(ranked) > 1 else []
    for one, other in pairs:
        if other and not (arms[one].diverged or arms[other].diverged):
            yield _pair(history, one, other)


def _pair(history: History, one: str, other: str) -> Finding:
    """Two arms' mean losses since nothing changed, over at most the last 500 steps."""
    changes = [
        mark.step
        for mark in history.marks
        if isinstance(mark, Changed) and mark.arm in {None, one, other}
    ]
    began = [history.arms[name].began for name in (one, other)]
    since = max([0, history.steps - WINDOW, *began, *changes])
    windows = {name: _window(history.arms[name], since) for name in (one, other)}
    count = min(map(len, windows.values()))
    if count < FEWEST:
        text = f"{count} of the {FEWEST} steps that it takes to compare {one} and {other} are done"
        return Finding(f"compare {one} {other}", (text,))
    higher, lower = sorted(windows, key=lambda name: -fmean(windows[name]))
    clauses = compare(higher, lower, windows[higher], windows[lower])
    reasons = _little_to_mend(history, higher, lower) if " > " in clauses else []
    return Finding(
        f"compare {one} {other}", (clauses, *reasons, *_saturation(history, higher, lower))
    )


def _window(arm: ArmHistory, since: int) -> list[float]:
    return [loss for loss in arm.loss.values[since : len(arm.loss)] if not isnan(loss)]


def compare(higher: str, lower: str, a: list[float], b: list[float]) -> str:
    """That the mean of `a` is higher, or that it is not by more than two standard errors."""
    if a == b:
        return f"{higher} and {lower} have had equal losses in each of the last {len(a)} steps"
    means = fmean(a), fmean(b)
    error = sqrt(variance(a) / len(a) + variance(b) / len(b))
    steps = f"mean loss of the last {min(len(a), len(b))} steps"
    if means[0] - means[1] > ERRORS * error:
        return f"{higher}'s {steps} is higher ({apart(*means)})"
    return (
        f"{higher} and {lower} have the same {steps} within noise"
        f" ({means[0]:.3g}, {means[1]:.3g}, ± {ERRORS * error:.1g})"
    )


def apart(high: float, low: float) -> str:
    """`high > low` in as few digits, from three on, as tell them apart."""
    texts = ((f"{high:.{digits}g}", f"{low:.{digits}g}") for digits in range(3, 18))
    return next(f"{one} > {two}" for one, two in texts if float(one) > float(two))


def _little_to_mend(history: History, higher: str, lower: str) -> list[str]:
    """Why a normalized arm may end higher than a plain one: a small task that needs no help."""
    data, config = history.dataset, history.hello.config if history.hello else None
    norms = history.arms[higher].norm, history.arms[lower].norm
    if not data or not config or data.examples > SMALL or config.depth > 1:
        return []
    if norms[0] == "none" or norms[1] != "none":
        return []
    return [f"with {data.examples:,} examples and one hidden layer there is little for it to mend"]


def _saturation(history: History, one: str, other: str) -> list[str]:
    """Both arms' share of flat outputs in the first hidden layer."""
    events = [history.arms[name].activations.get(0) for name in (one, other)]
    shares = [event[-1].saturation for event in events if event]
    if len(shares) < len(events) or None in shares or shares[0] == shares[1]:
        return []
    relu = history.hello and history.hello.config.activation == "relu"
    what = "outputs at 0 are" if relu else "saturation is"
    return [f"{what} {shares[0]:.1%} against {shares[1]:.1%}"]


def _gap(history: History) -> Iterator[Finding]:
    """Where training and evaluation mode are furthest apart: the one twice the other, or more."""
    for name, arm in history.arms.items():
        last = arm.modes[-1] if arm.modes else None
        rows = zip(last.sizes, last.train, last.eval, strict=True) if last else []
        known = [(n, t, e) for n, t, e in rows if t is not None and e is not None]
        far = max(known, key=lambda row: abs(row[1] - row[2]), default=None)
        if far and max(far[1:]) >= 2 * min(far[1:]) > 0:
            n, train, evaluation = far
            text = f"{name}'s loss on the first {n:,}" if n > 1 else f"{name}'s loss on one example"
            text += f" is {train:.3g} in training mode, {evaluation:.3g} in evaluation mode"
            yield Finding(f"gap {name}", (text,))
