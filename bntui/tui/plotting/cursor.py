"""The value cursor: what each curve over training steps is at one step."""

from bisect import bisect_right
from collections.abc import Sequence
from math import isnan, log, log10, nan
from typing import NamedTuple

from bntui.tui.plotting.figure import Figure, Panel, Points, Series


class Reading(NamedTuple):
    """A curve's name, its value at the cursor as text, and its ink."""

    name: str
    text: str
    ink: str


def readings(figure: Figure) -> list[Reading]:
    """Every named curve at the figure's cursor.

    A curve that several panels show is read in the last of those that show the cursor's step.
    """
    found: dict[tuple[str, str], Reading] = {}
    for panel in (panel for row in figure.rows for panel in row):
        if figure.cursor is not None and shows(panel, figure.cursor):
            for curve in panel.layers:
                if isinstance(curve, Series | Points) and curve.x and (name := name_of(curve)):
                    text = reading(curve, figure.cursor, panel)
                    if text != MISSING or (name, curve.ink) not in found:
                        found[name, curve.ink] = Reading(name, text, curve.ink)
    return list(found.values())


MISSING = "–"


def shows(panel: Panel, step: int) -> bool:
    """Whether the panel is over training steps, and `step` is one of them."""
    place = log10(max(step, 1)) if panel.x.log else step
    return panel.x.steps and panel.x.low - 1e-9 <= place <= panel.x.high + 1e-9


def name_of(curve: Series | Points) -> str:
    """What the curve is called at the cursor."""
    return curve.name or curve.label.partition(" ")[0]


def reading(curve: Series | Points, step: int, panel: Panel) -> str:
    """The curve's value at `step` as text; a dash where there is none.

    A measured point holds until the next one; a sampled curve is read at its nearest sample.
    """
    place = (_newest if isinstance(curve, Points) else _nearest)(curve.x, max(step, 1))
    value = nan if place is None else curve.y[place]
    return MISSING if isnan(value) else f"{value:{curve.form}}{panel.y.unit}"


def _newest(xs: Sequence[float], step: int) -> int | None:
    """The place of the last x at or before `step`."""
    after = bisect_right(xs, step)
    return after - 1 if after else None


def _nearest(xs: Sequence[float], step: int) -> int | None:
    """The place of the x nearest to `step` on a log axis; None well before the first."""
    after = bisect_right(xs, step)
    if after == 0:
        spacing = xs[1] - xs[0] if len(xs) > 1 else 1.0
        return 0 if xs and xs[0] - step <= spacing else None
    if after == len(xs):
        return after - 1
    before = after - 1
    return after if log(xs[after] / step) < log(step / xs[before]) else before
