"""Scales: the range of an axis, its ticks, and limits that only widen.

A position on a log scale is a power of ten; `low` and `high` are positions.
"""

from collections.abc import Iterable
from math import ceil, floor, inf, isfinite, log10

from msgspec import Struct

Tick = tuple[float, str]
"""A value and its text."""

LARGEST, SMALLEST = 1e300, 1e-290
"""Between them a range and its ticks are floats, too; numbers beyond make no range."""

MOST_DECADES = 8
"""A log scale shows at most so many: a diverging network must not flatten all others."""

MARKS = (1, 2, 5)

SMALLEST_FIXED, SMALL = 1e-4, 1e-3
"""Numbers below the first are written as powers of ten; below the second so is a whole axis."""

FAR = 4
"""Ranges beyond which a value outside is moved nearer: only the slope of its line sees it."""


class Scale(Struct, frozen=True):
    """The range of one axis; `unit` follows its numbers.

    `steps` marks an axis over training steps: whole numbers, both ends named.
    """

    low: float
    high: float
    log: bool = False
    steps: bool = False
    unit: str = ""

    def dots(self, values: Iterable[float], count: int) -> list[int | None]:
        """The dots of `values` where the range has `count` dots from 0; None for one without.

        What lies outside has a dot below 0 or from `count` on, at most `FAR` ranges away.
        """
        low, per_dot, far = self.low, (count - 1) / (self.high - self.low), FAR * count
        positions = map(_log_position, values) if self.log else map(_position, values)
        return [
            None if p is None else int(min(max((p - low) * per_dot, -far), far) + 0.5 + far) - far
            for p in positions
        ]

    def dot(self, value: float, count: int) -> int | None:
        """The dot of one value inside the range; None where it has none."""
        dot = self.dots([value], count)[0]
        return dot if dot is not None and 0 <= dot < count else None

    def ticks(self, most: int) -> list[Tick]:
        """At most about `most` round values inside the range and their texts, lowest first."""
        if most < 1:
            return []
        inside = _log_ticks(self, most) if self.log else _linear_ticks(self, most)
        if not self.steps:
            return [(value, text + self.unit) for value, text in inside]
        first, last = (round(10.0**end if self.log else end) for end in (self.low, self.high))
        between = [tick for tick in inside if first < tick[0] < last]
        return [(first, f"{first:,}"), *between, (last, f"{last:,}")]


def log_steps(total: int) -> Scale:
    """Steps 1 to `total`, decades evenly spaced: half the width goes to the first sqrt(total)."""
    return Scale(0.0, log10(max(total, 2)), log=True, steps=True)


def steps(first: int, last: int) -> Scale:
    """Steps `first` to `last`, evenly spaced."""
    return Scale(float(first), float(max(last, first + 1)), steps=True)


def linear(values: Iterable[float], ticks: int = 8) -> Scale:
    """From and to a multiple of 1, 2 or 5 times a power of ten, around all finite `values`."""
    known = [value for value in values if abs(value) <= LARGEST]
    largest = max(map(abs, known), default=0.0)
    low, high = _extent(known, 0.1 * largest if largest > SMALLEST else 0.5)
    step = _round_up((high - low) / ticks)
    return Scale(
        min(floor(low / step + 1e-9) * step, low), max(ceil(high / step - 1e-9) * step, high)
    )


def logarithmic(values: Iterable[float]) -> Scale:
    """From and to 1, 2 or 5 times a power of ten, around all positive `values`."""
    low, high = _extent([log10(v) for v in values if 0 < v <= LARGEST], 0.3)
    high = min(high, low + MOST_DECADES)
    decades = range(floor(low), ceil(high) + 1)
    marks = [log10(m) + e for e in decades for m in MARKS]
    below = max((m for m in marks if m <= low + 1e-9), default=marks[0])
    above = min((m for m in marks if m >= high - 1e-9), default=marks[-1])
    return Scale(below, above if above > below else below + 1, log=True)


class ScaleKeeper:
    """Limits that hold still: within one `key` (a run, a view) they only ever widen.

    A window that moves on (`moving`) also narrows, but only when its values fill less than
    `FULL` of the range.
    """

    FULL = 0.4

    def __init__(self) -> None:
        self._key: object = None
        self._kept: Scale | None = None

    def fit(
        self, key: object, values: Iterable[float], log: bool = False, moving: bool = False
    ) -> Scale:
        """The scale around all finite `values` and those before with the same key."""
        fitted = (logarithmic if log else linear)(list(values))
        kept = self._kept if (key, log) == self._key else None
        self._key = key, log
        span = fitted.high - fitted.low
        if kept is None or (moving and span < self.FULL * (kept.high - kept.low)):
            self._kept = fitted
        elif not kept.low <= fitted.low <= fitted.high <= kept.high:
            self._kept = _around(kept, fitted)
        return self._kept or fitted


def _around(one: Scale, other: Scale) -> Scale:
    """A round scale that holds both."""
    ends = [min(one.low, other.low), max(one.high, other.high)]
    if one.log:
        return Scale(ends[0], min(ends[1], ends[0] + MOST_DECADES + 1), log=True)
    return linear(ends)


def number(value: float, decimals: int | None = None) -> str:
    """A number for an axis: `decimals` fixed where given, else short."""
    if not isfinite(value):
        return str(value)
    if value and not SMALLEST_FIXED <= abs(value) < 1e6:
        return _power(value, decimals)
    if decimals is not None:
        return f"{value + 0.0:,.{max(decimals, 0)}f}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _power(value: float, decimals: int | None) -> str:
    places = 1 if decimals is None else max(floor(log10(abs(value))) + decimals, 1)
    mantissa, exponent = f"{value:.{places}e}".split("e")
    return f"{mantissa.rstrip('0').removesuffix('.')}e{int(exponent)}"


def _linear_ticks(scale: Scale, most: int) -> list[Tick]:
    """Multiples of the smallest round step of which at most `most` lie inside.

    If that is one alone, which has no distance to read, the outermost two of the next finer step.
    """
    step = _round_up((scale.high - scale.low) / most)
    if scale.steps:
        step = max(step, 1.0)
    for _ in range(3):
        places = _multiples(scale, step)
        if len(places) <= most:
            break
        step = _round_up(step * 1.5)
    finer = _round_up(step / 2.6)
    if len(places) < 2 <= most and not scale.steps and len(every := _multiples(scale, finer)) > 1:
        step, places = finer, every[:: len(every) - 1]
    decimals = -floor(log10(step) + 1e-9)
    at = [min(max(i * step, scale.low), scale.high) for i in places]
    if scale.steps:
        return [(position, f"{position:,.0f}") for position in at]
    if max(map(abs, at), default=0.0) < SMALL:
        return [(position, _power(position, decimals) if abs(position) > step / 2 else "0")
                for position in at]  # fmt: skip
    return [(position, number(round(position, decimals), decimals)) for position in at]


def _multiples(scale: Scale, step: float) -> range:
    """How often `step` is in each of its multiples inside."""
    return range(ceil(scale.low / step - 1e-9), floor(scale.high / step + 1e-9) + 1)


def _log_ticks(scale: Scale, most: int) -> list[Tick]:
    """1-2-5, or whole decades, or every other and so on, whichever are at most `most`."""
    first, last = floor(scale.low - 1e-9), ceil(scale.high + 1e-9)
    every = [(e, m) for e in range(first, last + 1) for m in MARKS]
    inside = [(e, m) for e, m in every if scale.low - 1e-9 <= e + log10(m) <= scale.high + 1e-9]
    whole = [(e, m) for e, m in inside if m == 1]
    if scale.steps or len(inside) > most:
        stride = max(-(-len(whole) // most), 1)
        inside = [(e, m) for e, m in whole if e % stride == 0] or inside[:1]
    small = bool(inside) and 10.0 ** inside[0][0] < SMALLEST_FIXED
    return [
        (m * 10.0**e, f"{m}e{e}" if small and e < 0 else number(m * 10.0**e)) for e, m in inside
    ]


def _position(value: float) -> float | None:
    return value if isfinite(value) else None


def _log_position(value: float) -> float | None:
    """On a log scale zero and what is negative lie below everything."""
    if value > 0:
        return log10(value) if value < inf else None
    return -1e6 if value > -inf else None


def _extent(known: list[float], pad: float) -> tuple[float, float]:
    """From the lowest to the highest; `pad` to either side where they are one."""
    low, high = min(known, default=inf), max(known, default=-inf)
    if not known:
        low = high = 0.0
    apart = high - low > max(1e-12 * abs(high), SMALLEST)
    return (low, high) if apart else (low - pad, high + pad)


def _round_up(value: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `value`."""
    power = 10.0 ** floor(log10(value))
    return next(m * power for m in (*MARKS, 10) if m * power >= value * (1 - 1e-9))
