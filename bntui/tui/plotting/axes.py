"""Axes that hold still: ranges snap to round numbers, so a growing curve does not shift them."""

from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

Tick = tuple[float, str]

LARGEST = 1e300
"""Numbers beyond are not shown; up to here a range and its marks are floats, too."""


@dataclass(frozen=True)
class Axis:
    """A labelled range; on a log axis positions are powers of ten (`low` and `high` are log10)."""

    label: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def place(self, value: float) -> float | None:
        """Where `value` stands on this axis; None if it cannot be shown."""
        if not isfinite(value) or (self.log and value <= 0):
            return None
        position = log10(value) if self.log else value
        return position if self.low <= position <= self.high else None

    def dots(self, values: list[float], count: int) -> list[int | None]:
        """Where `values` stand on this axis in `count` dots from 0; None for what has no place."""
        most, span = count - 1, self.high - self.low
        places = map(self.place, values)
        return [None if p is None else int((p - self.low) / span * most + 0.5) for p in places]


def linear(label: str, values: list[float], ticks: int = 4) -> Axis:
    """An axis over all finite `values`, with about `ticks` round marks."""
    known = [value for value in values if abs(value) <= LARGEST]
    low, high = _extent(known, max((abs(value) * 0.1 for value in known), default=0.0) or 0.5)
    step = _round_up((high - low) / max(ticks, 1))
    first, last = floor(low / step), ceil(high / step)
    marks = [i * step for i in range(first, last + 1)]
    return Axis(label, min(marks[0], low), max(marks[-1], high), _labelled(marks))


def logarithmic(label: str, values: list[float], ticks: int = 4) -> Axis:
    """A log axis over all positive `values`, from and to a 1-2-5 mark."""
    low, high = _extent([log10(v) for v in values if 0 < v <= LARGEST], 0.5)
    decades = range(floor(low), ceil(high) + 1)
    marks = [log10(m) + e for e in decades for m in (1, 2, 5)]
    below = max((m for m in marks if m <= low + 1e-9), default=marks[0])
    above = min((m for m in marks if m >= high - 1e-9), default=marks[-1])
    inside = [m for m in marks if below <= m <= above]
    whole = [float(e) for e in decades if below <= e <= above]
    shown = whole[:: max(1, round(len(whole) / ticks))] if len(whole) > 2 else inside
    labels = tuple((m, number(10.0**m)) for m in shown)
    return Axis(label, below, above, labels, log=True)


def fitting(label: str, values: list[float], ticks: int = 4) -> Axis:
    """A log axis where the values span a factor of five or more, else a linear one."""
    positive = [v for v in values if isfinite(v) and v > 0]
    wide = bool(positive) and max(positive) >= 5 * min(positive)
    return (logarithmic if wide else linear)(label, values, ticks)


def steps(label: str, start: int, stop: int, ticks: int = 4) -> Axis:
    """An axis over training steps exactly from `start` to `stop`."""
    stop = max(stop, start + 1)
    step = max(_round_up((stop - start) / max(ticks, 1)), 1.0)
    marks = [i * step for i in range(ceil(start / step), floor(stop / step) + 1)]
    return Axis(label, float(start), float(stop), _labelled(marks))


def room_for(count: int, total: int) -> int:
    """How many steps an axis shows while `count` are done of `total`: grows in round leaps."""
    return min(total, max(int(_round_up(max(count, 1) * 1.001)), 50))


def number(value: float) -> str:
    """A tick's text: short, without needless zeros."""
    if value and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _labelled(marks: list[float]) -> tuple[Tick, ...]:
    return tuple((mark, number(round(mark, 10))) for mark in marks)


def _extent(known: list[float], pad: float) -> tuple[float, float]:
    """From the lowest to the highest; `pad` to either side where they are one."""
    low, high = min(known, default=0.0), max(known, default=0.0)
    return (low, high) if high > low else (low - pad, high + pad)


def _round_up(value: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `value`."""
    power = 10.0 ** floor(log10(value))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= value * (1 - 1e-9))
