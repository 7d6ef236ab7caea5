"""Loss of every arm over the steps: each step faint, the smoothed curve strong."""

from math import isnan

from textual.app import ComposeResult

from bntui.history.arm import ArmHistory
from bntui.history.columns import Buckets
from bntui.history.history import History
from bntui.protocol import SplitLosses
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.pane import Pane, Part, arm_parts, value
from bntui.tui.plotting import axes
from bntui.tui.plotting.marks import marks
from bntui.tui.plotting.plot import ARM_STROKES, Figure, Plot, Series

WINDOW = 500
"""Steps of the close view, and of the mean in the headline: the notebook's."""

VALIDATION = ("■", "○", "◆", "□")
"""Points of each arm's loss on the validation words: shapes that differ without colour."""

KEEP = 0.98
"""Share of the smoothed loss that survives a step: an average over about the last 50 steps."""


class LossPane(Pane):
    """Training loss; `log_scale` chooses the y axis, `last` the last 500 steps or all of them."""

    TITLE = "Loss"
    SHORT = "Loss"
    HELP = (
        "How wrong each network is on each training batch, all on the same batches: every step "
        "faint, an exponential mean over about 50 steps strong. The numbers are means of the last "
        "500 steps. Upright lines are what you did. Where the data is split, points (and the "
        "number after /) are the loss on validation words, in evaluation mode.\n"
        "Formula: cross-entropy, -log p(next character), mean over the batch.\n"
        "Source: makemore part 3 (karpathy/nn-zero-to-hero).\n"
        "Try: w shows the noise of batches; k and lr 10, what each network survives; f, BN beside "
        "itself with another lr."
    )
    COMMANDS = (
        KeyCommand("l", "log_scale", "Log / linear", "Loss on a log or a linear axis", VIEW),
        KeyCommand("w", "window", "Last 500", "Loss over the last 500 steps, or all", VIEW),
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.log_scale = True
        self.last = False
        self._plot = Plot("no step yet")

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def action_log_scale(self) -> None:
        """Log or linear axis."""
        self.log_scale = not self.log_scale
        self.changed()

    def action_window(self) -> None:
        """Last 500 steps or all."""
        self.last = not self.last
        self.changed()

    def draw(self, history: History) -> None:
        """Redraw curves and numbers."""
        room = self.size.width - len(self.TITLE) - 4
        self.headline(*_numbers(history, room), (self._view(history), "dim"))
        self._plot.show(self._figure(history))

    def _view(self, history: History) -> str:
        scale = "log" if self.log_scale else "linear"
        split = "/validation" if any(map(_validation, _arms(history))) else ""
        return f"last-{min(max(history.steps, 1), WINDOW)} mean{split} · {scale}"

    def _span(self, history: History) -> tuple[int, int]:
        steps, total = history.steps, history.hello.config.steps if history.hello else 1
        if not self.last:
            return 0, axes.room_for(steps, total)
        start = max(0, -(-(steps - WINDOW) // 50) * 50 - 50) if steps < total else steps - WINDOW
        return max(start, 0), max(start, 0) + WINDOW + (50 if start > 0 and steps < total else 0)

    def _figure(self, history: History) -> Figure | None:
        if not history.steps:
            return None
        start, stop = self._span(history)
        points = 2 * max(self._plot.size.width - 8, 10)
        drawn = [_curves(i, arm, start, stop, points) for i, arm in enumerate(_arms(history))]
        bands, curves = [band for band, _ in drawn], [curve for _, curve in drawn]
        validation = [_points(i, arm, start, stop) for i, arm in enumerate(_arms(history))]
        ranged = [*bands, *validation] if start else [*bands, *curves, *validation]
        values = [y for series in ranged for y in series.y]
        if all(isnan(y) for y in values):
            return None
        scale = axes.logarithmic if self.log_scale else axes.linear
        return Figure(
            axes.steps("step", start, stop),
            scale("loss", values),
            (*bands, *curves, *validation),
            *marks(history, start, stop),
        )


def _arms(history: History) -> list[ArmHistory]:
    return list(history.arms.values())


def _numbers(history: History, room: int) -> list[Part]:
    """Each arm's mean of the last steps and its validation loss, or where it diverged."""
    return arm_parts(history, [_headline_number(arm) for arm in _arms(history)], room)


def _headline_number(arm: ArmHistory) -> str:
    if arm.diverged:
        return f"diverged at step {arm.diverged.step:,}"
    known = _validation(arm)
    split = f"/{value(known[-1][1])}" if known else ""
    return value(arm.loss.mean_of_last(WINDOW)) + split


def _validation(arm: ArmHistory) -> list[tuple[int, float]]:
    """Steps and validation losses, where the data is split."""
    losses = ((event.step, event.losses.get("validation")) for event in arm.measured(SplitLosses))
    return [(step, loss) for step, loss in losses if loss is not None]


def _points(index: int, arm: ArmHistory, start: int, stop: int) -> Series:
    known = [(step, loss) for step, loss in _validation(arm) if start <= step <= stop]
    x, y = [float(step) for step, _ in known], [loss for _, loss in known]
    return Series(x, y, f"arm-{index}", VALIDATION[index], joined=False)


def _curves(
    index: int, arm: ArmHistory, start: int, stop: int, points: int
) -> tuple[Series, Series]:
    """The faint band between each bucket's extremes, and the smoothed curve.

    A fork's begin where it does: what was before is its origin's.
    """
    buckets = _since(arm, start, stop, points)
    x = [float(step) for step in buckets.starts]
    band = Series(
        [step for step in x for _ in range(2)],
        [edge for pair in zip(buckets.low, buckets.high, strict=True) for edge in pair],
        f"arm-{index}-faint",
    )
    return band, Series(x, smooth(buckets), f"arm-{index}", ARM_STROKES[index])


def _since(arm: ArmHistory, start: int, stop: int, points: int) -> Buckets:
    """Buckets as wide as every other arm's, without those before the arm began."""
    first, size, *columns = arm.loss.buckets(start, stop, points)
    skipped = max(-(-arm.began // size) - first, 0)
    return Buckets(first + skipped, size, *(column[skipped:] for column in columns))


def smooth(buckets: Buckets) -> list[float]:
    """The exponential mean of the buckets' means, begun at the first known one."""
    keep, curve, mean = KEEP**buckets.size, [], float("nan")
    for now in buckets.mean:
        mean = now if isnan(mean) or isnan(now) else keep * mean + (1 - keep) * now
        curve.append(mean)
    return curve
