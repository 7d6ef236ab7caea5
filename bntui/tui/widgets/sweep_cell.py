"""One cell of a sweep: its numbers, its seeds' differences on an axis, its runs' loss curves."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from bntui.errors import InputError
from bntui.history import folded
from bntui.logs.reader import read_log
from bntui.sweep.plan import Plan, job_key
from bntui.sweep.results import GLYPHS, CellResult, sides
from bntui.sweep.store import SweepStore
from bntui.tui.plotting.figure import Figure, Panel, Series
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.sampling import Sampled, sample
from bntui.tui.plotting.scale import log_steps, logarithmic, number

Part = tuple[str, str]

MOST_CURVES = 10
"""Seeds whose curves are read and drawn."""

DOTS = 160
"""Dot columns at which a curve is read."""

KEPT = 400
"""Curves that are kept, of the runs looked at last."""


class _Curve(NamedTuple):
    """What is wanted of a run: which file, which network, whether it is the treated side."""

    path: Path
    arm: str
    is_treated: bool


class CellView(Container):
    """The chosen cell."""

    DEFAULT_CSS = """
    CellView { layout: vertical; }
    CellView > .words { height: auto; padding: 0 1; }
    CellView.-low { layout: horizontal; }
    CellView.-low > .words { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._words = Static("", classes="words", markup=False)
        self._plot = Plot("no finished run to draw")
        self._curves: dict[tuple[Path, str], Sampled] = {}
        self._wanted: list[_Curve] = []

    def compose(self) -> ComposeResult:
        """Words above the curves, or beside them."""
        yield self._words
        yield self._plot

    def show(self, plan: Plan, one: CellResult, directory: str, done: Mapping[str, object]) -> None:
        """Show this cell; curves follow when they are read."""
        width = max((self._words.size.width or 40) - 2, 20)
        self._words.update(Content.assemble(*words(one, width)))
        wanted = _wanted(plan, one, SweepStore(Path(directory)), done)
        if wanted != self._wanted:
            self._wanted = wanted
            self._draw(plan, one)
            self._read(plan, one)

    @work(exclusive=True)
    async def _read(self, plan: Plan, one: CellResult) -> None:
        """Read the logs in a thread, one after the other; each is drawn when it is there."""
        for curve in self._wanted:
            if (curve.path, curve.arm) not in self._curves:
                try:
                    found = await asyncio.to_thread(_sampled, curve.path, plan.base.steps)
                except (InputError, OSError):
                    continue  # enter says what is wrong with it
                self._curves |= {(curve.path, arm): line for arm, line in found.items()}
                while len(self._curves) > KEPT:
                    del self._curves[next(iter(self._curves))]
                self._draw(plan, one)

    def _draw(self, plan: Plan, one: CellResult) -> None:
        known = [(curve, self._curves.get((curve.path, curve.arm))) for curve in self._wanted]
        drawn = [(curve, line) for curve, line in known if line is not None]
        values = [y for _, line in drawn for y in line.mean]
        if not values:
            self._plot.show(None)
            return
        labelled: set[bool] = set()
        layers: list[Series] = []
        for curve, line in drawn:
            name = one.treated if curve.is_treated else one.control
            label = "" if curve.is_treated in labelled else name
            labelled.add(curve.is_treated)
            layers.append(Series(line.x, line.mean, f"arm-{int(curve.is_treated)}", label))
        title = f"loss of {len(drawn) // 2 or 1} seeds over log steps"
        self._plot.show(
            Figure(
                (
                    (
                        Panel(
                            log_steps(plan.base.steps),
                            logarithmic(values),
                            tuple(layers),
                            title=((title, "axis"),),
                        ),
                    ),
                )
            )
        )


def _wanted(
    plan: Plan, one: CellResult, store: SweepStore, done: Mapping[str, object]
) -> list[_Curve]:
    """The curves of the first seeds that are done on both sides."""
    control, treated = sides(plan, one.cell)
    before, after = control.cell.label, treated.cell.label
    pairs = [(job_key(before, seed), job_key(after, seed)) for seed in plan.seed_numbers]
    both = [pair for pair in pairs if all(key in done for key in pair)][:MOST_CURVES]
    return [
        curve
        for low, high in both
        for curve in (
            _Curve(store.log_path(low), control.arm, False),
            _Curve(store.log_path(high), treated.arm, True),
        )
    ]


def _sampled(path: Path, steps: int) -> dict[str, Sampled]:
    """Every network's loss curve of a run."""
    history = folded(read_log(path))
    scale = log_steps(steps)
    return {name: sample(arm.loss, scale, DOTS) for name, arm in history.arms.items()}


def words(one: CellResult, width: int) -> list[Part | str]:
    """A cell in words, and its differences on an axis."""
    parts: list[Part | str] = [(f"{one.cell.label}\n", "bold"), f"{one.treated} − {one.control}\n"]
    if one.mean is None:
        parts.append("no pair of final losses\n")
    else:
        interval = (
            f", 95 % {one.interval.low:+.3g} … {one.interval.high:+.3g}" if one.interval else ""
        )
        parts.append(f"mean {one.mean:+.3g}{interval}\n")
        parts += [f"{line}\n" for line in strip(one, width)]
    p = "–" if one.p is None else f"{one.p:.2g}"
    test = f" of {one.test}" if one.test else ""
    parts.append(f"{GLYPHS[one.verdict]} {one.verdict} · p{test} {p} (Holm)\n")
    before, after = one.diverged
    parts.append(f"diverged: {after} against {before} of {one.seeds} seeds")
    if one.reached:
        (low, high), (few, many) = one.reached.steps, one.reached.seeds
        parts.append(
            f"\nloss reached: {many} against {few} seeds, median step {_step(high)} against"
            f" {_step(low)}, p {one.reached.p:.2g}"
        )
    return parts


def _step(steps: float | None) -> str:
    return "–" if steps is None else f"{steps:,.0f}"


def strip(one: CellResult, width: int) -> list[str]:
    """Every seed's difference as a dot on an axis with 0 marked, the interval below it."""
    ends = [0.0, *one.differences, *(one.interval or ())]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def place(value: float) -> int:
        return int((value - low) / span * (width - 1) + 0.5)

    dots, bar = [" "] * width, [" "] * width
    dots[place(0.0)] = bar[place(0.0)] = "│"
    for value in one.differences:
        dots[place(value)] = "●"
    if one.interval:
        for at in range(place(one.interval.low), place(one.interval.high) + 1):
            bar[at] = "━"
    return ["".join(dots), "".join(bar), _axis(number(low), number(high), place(0.0), width)]


def _axis(left: str, right: str, zero: int, width: int) -> str:
    """Both ends' numbers, and 0 where there is room between them."""
    axis = list(left.ljust(width - len(right)) + right)
    if len(left) < zero < width - len(right) - 1:
        axis[zero] = "0"
    return "".join(axis)
