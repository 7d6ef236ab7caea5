"""Loss of every network: the whole run on log steps, beside it the last 500 on their own axis."""

from math import nan
from statistics import fmean
from typing import NamedTuple

from textual.app import ComposeResult

from bntui.history.arm import LAST, ArmHistory
from bntui.history.history import History
from bntui.text import clean
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.base import Part, width_of
from bntui.tui.panes.pane import Pane, arm_part, arm_parts, as_of, fixed, form_for, marked, value
from bntui.tui.plotting.figure import (
    Band,
    Figure,
    Layer,
    Mark,
    Panel,
    Points,
    Series,
)
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.sampling import WIDEST_MEAN, Sampled, across, sample
from bntui.tui.plotting.scale import Scale, ScaleKeeper, log_steps, steps

WINDOW = LAST
"""Steps of the close view, and of the mean in the headline: the notebook's."""

VIEWS = ("log", "linear", "last")
"""The whole run on log or on linear steps, beside the last 500; or these alone, every step."""

LEAP = 50
"""Steps by which the window of the last 500 moves on while a run goes on."""


DIGITS = 4, 3, 2
"""Of the losses in the headline, as far as there is room."""


class _Curve(NamedTuple):
    arm: Arm
    sampled: Sampled


COMPARED = (
    "How wrong each network is on each training batch, a colour a run, over its own steps. Strong: "
    "the mean of the steps under each dot (of up to 25 around them), over several seeds their "
    "mean; faint: where 80 % of the batches lie, or the seeds' range. Networks without running "
    "statistics are dotted. Left the whole of the longest run, each tenfold of steps as wide as "
    "the next; right the last 500 steps that all have made, with their means. Points are the loss "
    "on validation examples in evaluation mode.\n"
    "Formula: cross-entropy, -log p(next character), mean over the batch.\n"
    "Try: a for one network of every run; w for the noise of batches."
)
"""Help where several runs are compared."""


class LossPane(Pane):
    """Training loss; `log_scale` chooses the whole run's y axis, `view` the x axes.

    `common` are the last steps [first, stop) of all runs, where several are compared.
    """

    TITLE = "Loss"
    SHORT = "Loss"
    HELP = (
        "How wrong each network is on each training batch, all on the same batches. Strong: the "
        "mean of the steps under each dot (of up to 25 around them); faint: where 80 % of the "
        "batches lie. Left the whole run, each tenfold of steps as wide as the next; right the "
        "last 500 steps, on their own axis. The numbers are means of the last 500. Upright lines "
        "are what you did. Where the data is split, points (and the number after /) are the loss "
        "on n validation examples, the same at every point, in evaluation mode.\n"
        "Formula: cross-entropy, -log p(next character), mean over the batch.\n"
        "Source: makemore part 3 (karpathy/nn-zero-to-hero).\n"
        "Try: w shows the noise of batches; k and lr 10, what each network survives; f, BN beside "
        "itself with another lr."
    )
    COMMANDS = (
        KeyCommand("l", "log_scale", "Log / linear", "Loss on a log or a linear axis", VIEW),
        KeyCommand("w", "window", "Steps", "Steps: log, linear, or the last 500 alone", VIEW),
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.log_scale = True
        self.view = VIEWS[0]
        self._plot = Plot("no step yet")
        self._whole, self._last = ScaleKeeper(), ScaleKeeper()
        self.common = 0, 0

    @property
    def about(self) -> str:
        """What the help screen says of the pane."""
        return COMPARED if self.shown else self.HELP

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def action_log_scale(self) -> None:
        """Log or linear axis."""
        self.log_scale = not self.log_scale
        self.changed()

    def action_window(self) -> None:
        """The next view of the steps."""
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.changed()

    def draw(self, history: History) -> None:
        """Redraw curves and numbers."""
        figure = self._figure(history) if history.steps else None
        self._plot.show(figure)
        room = self.size.width - len(self.TITLE) - 4
        numbers: list[Part] = [(self._words(), "dim")] if self.shown else []
        if not self.shown:
            numbers = _numbers(history, room, f"{_mean_words(history)}{_sample(history)}")
            numbers.append((f" · {self._scale_word}", "dim"))
        self.headline(*(self.read_at_cursor(figure) or numbers))

    @property
    def _scale_word(self) -> str:
        return "log" if self.log_scale else "linear"

    def _words(self) -> str:
        several = any(len(arm.seeds) > 1 for arm in self.shown)
        what = "mean and range over seeds" if several else "mean of the last steps of all runs"
        dotted = " · dotted: no running statistics" if any(a.dotted for a in self.shown) else ""
        return f"{what} · {self._scale_word}{dotted}"

    def _figure(self, history: History) -> Figure:
        width = self._plot.size.width
        if self.view == "last":
            return Figure(((self._last_panel(history, width),),), self.cursor)
        half = (width - 1) // 2
        whole, last = self._whole_panel(history, half), self._last_panel(history, width - half)
        return Figure(((whole, last),), self.cursor)

    def _whole_panel(self, history: History, width: int) -> Panel:
        total = history.total
        total = max(total, history.steps)
        x = log_steps(total) if self.view == "log" else steps(1, total)
        curves = self._curves(history, x, _dots(width, SIGN))
        points = [_points(curve.arm) for curve in curves if len(curve.arm.seeds) < 2]
        values = [y for curve in curves for y in curve.sampled.mean]
        values += [y for each in points for y in each.y]
        key = id(history.hello), self.view, width
        y = self._whole.fit(key, values, log=self.log_scale)
        bands = [_band(curve) for curve in curves]
        lines = [_line(curve, _sign(curve.arm)) for curve in curves]
        layers: list[Layer] = [*bands, *self._marks(history, 0, total), *lines, *points]
        return Panel(x, y, tuple(layers))

    def _last_panel(self, history: History, width: int) -> Panel:
        """The last 500 steps; alone in the pane, with every step's own loss behind."""
        alone = self.view == "last"
        x = steps(self.common[0] + 1, self.common[1]) if self.shown else _window(history)
        curves = self._curves(history, x, _dots(width, LABEL), banded=False)
        values = [y for curve in _that_train(curves) for y in curve.sampled.mean]
        layers: list[Layer] = []
        if alone:
            raw = self._curves(history, x, _dots(width, LABEL), around=0)
            layers = [_band(curve) for curve in raw]
            sides = [(curve.sampled.low, curve.sampled.high) for curve in _that_train(raw)]
            values += [y for low, high in sides for y in (*low, *high)]
        lost = len(curves) - len(_that_train(curves))
        key = id(history.hello), alone, width, history.steps >= history.total, lost
        y = self._last.fit(key, values, log=alone and self.log_scale, moving=True)
        layers += self._marks(history, int(x.low), int(x.high))
        lines = [
            _line(curve, f"{_sign(curve.arm)} {_three(self._mean(curve.arm))}") for curve in curves
        ]
        return Panel(x, y, (*layers, *lines))

    def _curves(
        self, history: History, x: Scale, dots: int, around: int = WIDEST_MEAN, banded: bool = True
    ) -> list[_Curve]:
        """Every network's loss. A fork's begins where it does: what was before is its origin's.

        Over several seeds it is their mean, and the band their range.
        """
        curves = []
        for arm in self.arms(history):
            each = [
                sample(one.loss, x, dots, since=one.began, window=around, banded=banded)
                for one in arm.seeds or (arm.history,)
            ]
            curves.append(_Curve(arm, each[0] if len(each) == 1 else across(each)))
        return curves

    def _marks(self, history: History, start: int, stop: int) -> list[Mark]:
        """What was done to the run; runs that are compared have no such line in common."""
        return [] if self.shown else marked(history, start, stop)

    def _mean(self, arm: Arm) -> float:
        """The mean loss of the last steps: of this run, or of those that all runs have made."""
        if not self.shown:
            return arm.history.loss.mean_of_last(WINDOW)
        return fmean(one.loss.over(*self.common)[2] for one in arm.seeds)


def _that_train(curves: list[_Curve]) -> list[_Curve]:
    """Those whose networks have not diverged, for a scale on which they differ; all if none is."""
    sound = [
        curve
        for curve in curves
        if not any(one.diverged for one in (curve.arm.history, *curve.arm.seeds))
    ]
    return sound or curves


def _three(loss: float) -> str:
    """Three decimals, or a power of ten in place of a long number."""
    return f"{loss:{form_for([loss], '.3f')}}"


SIGN, LABEL = 2, 14
"""Columns of a network's sign, and of its label, at the end of its line."""


def _dots(width: int, margin: int) -> int:
    """About as many dot columns as the canvas of a panel has."""
    return 2 * max(width - 6 - margin, 8)


def _window(history: History) -> Scale:
    """The last 500 steps; while the run goes on it moves by leaps, with room at its right."""
    done, total = history.steps, history.total
    if done >= total:
        return steps(max(done - WINDOW, 0) + 1, max(done, min(WINDOW, total)))
    first = max(-(-(done - WINDOW) // LEAP) * LEAP, 0)
    return steps(first + 1, first + WINDOW + (LEAP if first else 0))


def _band(curve: _Curve) -> Band:
    sampled, ink = curve.sampled, f"arm-{curve.arm.place}-faint"
    return Band(sampled.x, sampled.low, sampled.high, ink)


def _line(curve: _Curve, label: str) -> Series:
    arm, sampled = curve
    name = _sign(arm)
    return Series(
        sampled.x, sampled.mean, f"arm-{arm.place}", label, arm.dotted, name=name, form=".3f"
    )


def _sign(arm: Arm) -> str:
    """What a curve is called: a network's sign, and its name where several runs are compared."""
    return clean(arm.name, 12) if arm.seeds else ARM_SHAPES[arm.place]


def _points(arm: Arm) -> Points:
    known = arm.history.split_curve("validation")
    x = [float(max(event.step, 1)) for event in known]
    y = [nan if (loss := event.losses["validation"]) is None else loss for event in known]
    sign = ARM_SHAPES[arm.place]
    return Points(x, y, f"arm-{arm.place}", sign, name=f"{sign}val.", form=".3f")


def _numbers(history: History, room: int, words: str) -> list[Part]:
    """Each arm's mean of the last steps and its validation loss, or where it diverged.

    With what they are of, where so all have room: with less digits, then by their signs alone,
    which the status line names.
    """
    of: Part = ("" if all(arm.diverged for arm in history.arms.values()) else words, "dim")
    texts = {d: [_headline_number(arm, d) for arm in history.arms.values()] for d in DIGITS}
    named: list[list[Part]] = [[*arm_parts(history, texts[d], room)] for d in DIGITS]
    signs: list[list[Part]] = [
        [arm_part(i, "", text) for i, text in enumerate(texts[d])] for d in DIGITS
    ]
    for parts in (*named[:2], *signs):
        if width_of([*parts, of]) <= room:
            return [*parts, of]
    return [*next((parts for parts in named if width_of(parts) <= room), named[-1]), of]


def _mean_words(history: History) -> str:
    return f"last-{min(history.steps, WINDOW)} mean" if history.steps else "no step yet"


def _headline_number(arm: ArmHistory, digits: int) -> str:
    if arm.diverged:
        step = f"{arm.diverged.step:,}"
        return {4: f"diverged at step {step}", 3: f"div. at {step}"}.get(digits, "div.")
    curve = arm.split_curve("validation")
    split = f"/{value(curve[-1].losses['validation'], digits)}" if curve else ""
    mean = arm.loss.mean_of_last(WINDOW)
    return (fixed(mean, digits + 2) if digits < DIGITS[0] else value(mean)) + split


def _sample(history: History) -> str:
    """On what the validation losses are, and of which step the newest is; nothing without them."""
    curves = [curve for a in history.arms.values() if (curve := a.split_curve("validation"))]
    if not curves:
        return ""
    last = curves[0][-1]
    when = "" if last.step >= history.steps else f" {as_of(history, last.step)}"
    return f"/validation (n = {last.examples.get('validation', 0):,}){when}"
