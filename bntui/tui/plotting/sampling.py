"""Columns of numbers, read once per dot column of a plot in time that grows with its width only."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from math import ceil, isnan, nan, sqrt
from statistics import fmean
from weakref import WeakKeyDictionary

from bntui.history.columns import SMOOTHED, Column
from bntui.tui.plotting.scale import Scale

WIDEST_MEAN = SMOOTHED
"""Steps of the widest centred mean; at step t it is min(25, t / 4), so that no decade lags."""

SAMPLE = 64
"""Values of a dot column from which its 10 and 90 % quantiles are read: all, if it has no more,
else this many, evenly spaced. (At 64 of many, a quantile's standard error is 4 % of the values.)
"""

Range = tuple[int, int]


@dataclass
class Sampled:
    """One value a dot column: `x` its step (from 1), `mean`, and the band `low` to `high`."""

    x: list[float] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def first(self, count: int) -> "Sampled":
        """A copy of the first `count` dot columns."""
        return Sampled(self.x[:count], self.mean[:count], self.low[:count], self.high[:count])

    def append(self, x: float, mean: float, low: float, high: float) -> None:
        """Add a dot column."""
        self.x.append(x)
        self.mean.append(mean)
        self.low.append(low)
        self.high.append(high)


@dataclass
class _Settled:
    """The dot columns of a reading that later numbers do not change: the first `ranges`."""

    ranges: int = 0
    sampled: Sampled = field(default_factory=Sampled)


_settled: WeakKeyDictionary[Column, dict[object, _Settled]] = WeakKeyDictionary()

VIEWS = 8
"""Readings of one column that are kept: a resize or another window begins a new one."""


@lru_cache(64)
def step_ranges(scale: Scale, dots: int) -> tuple[Range, ...]:
    """The steps [first, stop) of each dot column that has any, over a scale of steps."""
    span = (scale.high - scale.low) / max(dots - 1, 1)
    places = [scale.low + (i - 0.5) * span for i in range(dots + 1)]
    edges = [ceil(10.0**place if scale.log else place) for place in places]
    first = round(10.0**scale.low if scale.log else scale.low)
    last = round(10.0**scale.high if scale.log else scale.high)
    edges = [min(max(edge, first), last + 1) for edge in edges]
    edges[-1] = last + 1
    return tuple((a, b) for a, b in pairwise(edges) if a < b)


def sample(
    column: Column,
    scale: Scale,
    dots: int,
    *,
    steps: Sequence[int] | None = None,
    since: int = 0,
    window: int = WIDEST_MEAN,
    banded: bool = True,
) -> Sampled:
    """`column` on `dots` dot columns of `scale`.

    Its numbers are those of every step from 0 (drawn at 1), or of `steps`, where they are
    sampled; those before step `since` are left out. The mean of a dot column is over its own steps
    and a window around their middle; the band is over the same steps, NaN where it is not wanted.
    """
    count = len(column)
    done = count if steps is None else (steps[count - 1] + 1 if count else 0)
    at = int if steps is None else partial(bisect_left, steps)
    settled = _settled_of(column, (scale, dots, since, window, banded))
    taken = settled.sampled.first(len(settled.sampled.x))
    finished, length = settled.ranges, len(taken.x)
    for first, stop in step_ranges(scale, dots)[settled.ranges :]:
        if first > done:
            break
        middle = (first + stop - 1) // 2
        around = min(window, middle // 4) // 2
        own = first - 1, min(stop - 1, done)
        wide = max(min(own[0], middle - 1 - around), since), max(stop - 1, middle + around)
        x = sqrt(first * (stop - 1)) if scale.log else (first + stop - 1) / 2
        if own[0] >= since:
            places = (at(own[0]), at(own[1])), (at(wide[0]), at(min(wide[1], done)))
            _take(taken, column, places, x, banded)
        if wide[1] <= done:
            finished, length = finished + 1, len(taken.x)
    settled.ranges, settled.sampled = finished, taken.first(length)
    return taken


def across(each: Sequence[Sampled]) -> Sampled:
    """The mean of several columns sampled alike, and the range of their means, while all go on."""
    taken = Sampled()
    for x, *means in zip(each[0].x, *(one.mean for one in each), strict=False):
        taken.append(x, fmean(means), min(means), max(means))
    return taken


def _settled_of(column: Column, view: object) -> _Settled:
    views = _settled.setdefault(column, {})
    if view not in views and len(views) >= VIEWS:
        del views[next(iter(views))]
    return views.setdefault(view, _Settled())


def _take(
    taken: Sampled, column: Column, places: tuple[Range, Range], x: float, banded: bool
) -> None:
    """One dot column; without a number of its own it is a gap, whatever stands around it."""
    own, wide = places
    if own[0] >= own[1]:
        return
    mean = column.over(*own)[2]
    if wide != own and not isnan(mean):
        mean = column.over(*wide)[2]
    low, high = _band(column, wide) if banded and not isnan(mean) else (nan, nan)
    taken.append(x, mean, low, high)


def _band(column: Column, of: Range) -> tuple[float, float]:
    """The 10 and 90 % quantiles of all numbers in the range, or of `SAMPLE` of them."""
    stride = max((of[1] - of[0]) // SAMPLE, 1)
    values = sorted(v for v in column.values[of[0] : of[1] : stride] if not isnan(v))
    last = len(values) - 1
    return (values[round(0.1 * last)], values[round(0.9 * last)]) if values else (nan, nan)
