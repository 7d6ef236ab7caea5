"""Numbers that keep coming, kept so that a plot of any width is read in the same short time."""

from array import array
from collections import deque
from collections.abc import Iterable
from math import inf, isfinite, isnan, nan

SHIFT = 3
"""The pyramid's lowest level summarises 2**SHIFT numbers; below that they are read one by one."""

SMOOTHED = 25
"""Steps of the widest mean in a drawn loss curve, and of the mean that counts as having reached a
loss: the same, so that a race is decided on about the smoothness that is drawn. (The curve's mean
is centred, this one is of the last steps and so arrives later.)
"""

AT_ONCE = 64
"""Numbers that are summarised one by one sooner than the pyramid is climbed."""


class _Level:
    """One level of the pyramid: minimum, maximum and mean of each full bucket of its size."""

    def __init__(self) -> None:
        self.low = array("f")
        self.high = array("f")
        self.mean = array("f")

    def copy(self) -> "_Level":
        new = _Level()
        new.low, new.high, new.mean = self.low[:], self.high[:], self.mean[:]
        return new

    def append(self, values: "array[float]") -> None:
        low, high, mean = _summary(values)
        self.low.append(low)
        self.high.append(high)
        self.mean.append(mean)

    def append_pair_of(self, below: "_Level") -> None:
        """The last two buckets of the level below as one; fast path: no NaN."""
        low, high, mean = below.low[-2:], below.high[-2:], below.mean[-2:]
        total = mean[0] + mean[1]
        known = not isnan(total)
        self.low.append(min(low) if known else _summary(low)[0])
        self.high.append(max(high) if known else _summary(high)[1])
        self.mean.append(total / 2 if known else _summary(mean)[2])


class Column:
    """A growing column of floats with a pyramid over it: each level halves the one below.

    A number that is missing (None) or not finite is kept as NaN and left out of every summary.
    """

    def __init__(self) -> None:
        self.values = array("f")
        self._levels: list[_Level] = []
        self._count: int | None = None

    def __len__(self) -> int:
        return len(self.values) if self._count is None else self._count

    @property
    def last(self) -> float:
        """The newest number; NaN if there is none."""
        return self.values[len(self) - 1] if len(self) else nan

    def prefix(self, count: int) -> "Column":
        """The first `count` numbers, as a column for reading that shares them."""
        view = Column()
        view.values, view._levels = self.values, self._levels
        view._count = min(count, len(self))
        return view

    def copy(self) -> "Column":
        """The same numbers, to grow apart from these."""
        new = Column()
        new.values = self.values[: len(self)]
        new._levels = [level.copy() for level in self._levels]
        return new

    def extend(self, values: Iterable[float | None]) -> None:
        """Append numbers; the pyramid grows with every full bucket."""
        full = len(self.values) >> SHIFT
        self.values.extend([nan if v is None or abs(v) == inf else v for v in values])
        for bucket in range(full, len(self.values) >> SHIFT):
            self._grow(bucket)

    def _grow(self, bucket: int) -> None:
        """Summarise a bucket that is full, and every pair of buckets that is full with it."""
        self._level(0).append(self.values[bucket << SHIFT : (bucket + 1) << SHIFT])
        count, depth = bucket + 1, 0
        while count & 1 == 0:
            self._level(depth + 1).append_pair_of(self._levels[depth])
            count, depth = count >> 1, depth + 1

    def _level(self, depth: int) -> _Level:
        if depth == len(self._levels):
            self._levels.append(_Level())
        return self._levels[depth]

    def over(self, start: int, stop: int) -> tuple[float, float, float]:
        """Lowest, highest and mean of the numbers in [start, stop), in logarithmic time."""
        stop = min(stop, len(self))
        if stop - start <= AT_ONCE:
            return _summary(self.values[start:stop])
        shift = max(((stop - start) // AT_ONCE).bit_length(), SHIFT)
        first, last = -(-start >> shift), stop >> shift
        level = self._levels[shift - SHIFT]
        middle = _merge(level.low[first:last], level.high[first:last], level.mean[first:last])
        inner, outer = first << shift, last << shift
        parts = [self.over(start, inner), middle, self.over(outer, stop)]
        return _weighted(parts, [inner - start, outer - inner, stop - outer])

    def mean_of_last(self, count: int) -> float:
        """Mean of the last `count` numbers that are known; NaN if there are none."""
        return _summary(self.values[max(len(self) - count, 0) : len(self)])[2]


def _summary(values: "array[float]") -> tuple[float, float, float]:
    total = sum(values)
    if isnan(total):
        values = array("f", [value for value in values if not isnan(value)])
        total = sum(values)
    if not values:
        return nan, nan, nan
    return min(values), max(values), total / len(values)


def _weighted(
    parts: list[tuple[float, float, float]], sizes: list[int]
) -> tuple[float, float, float]:
    known = [(part, size) for part, size in zip(parts, sizes, strict=True) if not isnan(part[2])]
    if not known:
        return nan, nan, nan
    mean = sum(part[2] * size for part, size in known) / sum(size for _, size in known)
    return min(part[0] for part, _ in known), max(part[1] for part, _ in known), mean


def _merge(
    lows: "array[float]", highs: "array[float]", means: "array[float]"
) -> tuple[float, float, float]:
    return _summary(lows)[0], _summary(highs)[1], _summary(means)[2]


def steps_to_reach(losses: Iterable[float], threshold: float, window: int = SMOOTHED) -> int | None:
    """The first step at which the mean of the last `window` losses is at most `threshold`.

    None where that never happens. Only means over `window` consecutive finite losses count, so
    that one lucky batch is not an arrival and a missing loss not a low one.
    """
    recent: deque[float] = deque(maxlen=window)
    total = 0.0
    for step, loss in enumerate(losses):
        if not isfinite(loss):
            recent.clear()
            total = 0.0
            continue
        if len(recent) == window:
            total -= recent[0]
        recent.append(loss)
        total += loss
        if len(recent) == window and total / window <= threshold:
            return step
    return None
