"""Statistics over seeds: what paired differences of a few runs can and cannot decide.

The unit is the seed. Within a seed the networks share their initial draws and batches, so their
difference is one number; everything below works on the list of these differences.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from random import Random
from statistics import NormalDist, fmean
from typing import NamedTuple

from bntui.sweep.plan import MOST_SEEDS

LEVEL = 0.05
"""Probability of a false claim that is accepted for a whole sweep."""

RESAMPLES = 4_000
"""Bootstrap samples; the interval's ends then vary by about 1/40 of a standard error."""

FEWEST_FOR_INTERVAL = 5
"""Differences below which no bootstrap interval is given: 4 values have 35 distinct resamples."""


class Interval(NamedTuple):
    """Both ends of a confidence interval."""

    low: float
    high: float


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of the exact sign-flip permutation test of a mean of 0.

    If the networks were exchangeable within a seed, each difference would as likely have the other
    sign. p is the share of all 2**n sign patterns whose sum is at least as far from 0 as the one
    seen (R. A. Fisher, "The Design of Experiments" (1935)).

    The sums of each half of the differences are sorted, so 2**(n / 2) of them are enough. Without
    a difference p is 1.

    Raises:
        ValueError: There are more than `MOST_SEEDS` differences.
    """
    if len(differences) > MOST_SEEDS:
        raise ValueError(f"{len(differences)} differences, but at most {MOST_SEEDS} are exact")
    if not differences:
        return 1.0
    # Sums that differ by rounding alone count as equal.
    seen = abs(sum(differences)) - 1e-12 * sum(map(abs, differences))
    middle = len(differences) // 2
    left, right = _signed_sums(differences[:middle]), sorted(_signed_sums(differences[middle:]))
    as_far = sum(
        len(right) - bisect_left(right, seen - one) + bisect_right(right, -seen - one)
        if seen > 0
        else len(right)
        for one in left
    )
    return as_far / 2.0 ** len(differences)


def _signed_sums(values: Sequence[float]) -> list[float]:
    """The 2**n sums of +-values."""
    sums = [0.0]
    for value in values:
        sums = [total + signed for total in sums for signed in (value, -value)]
    return sums


def smallest_p(n: int) -> float:
    """The smallest p-value that `sign_flip_p` can give for n differences: all of one sign."""
    return min(2.0 ** (1 - n), 1.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for as many tests.

    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6 (1979), 65.

    The smallest is multiplied by m, the next by m - 1, ...; an adjusted value is never smaller
    than one before it. Rejecting those of at most alpha keeps the probability of any false
    rejection at alpha.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = (min(p_values[at] * (len(order) - rank), 1.0) for rank, at in enumerate(order))
    adjusted = [0.0] * len(order)
    for at, value in zip(order, accumulate(scaled, max), strict=True):
        adjusted[at] = value
    return adjusted


def can_decide(seeds: int, cells: int) -> bool:
    """Whether so many seeds can pass Holm's correction over so many cells at all."""
    return smallest_p(seeds) * cells <= LEVEL


def seeds_needed(cells: int) -> int:
    """The fewest seeds that can pass Holm's correction over so many cells."""
    return next(n for n in range(1, 64) if can_decide(n, cells))


def bca_interval(values: Sequence[float], seed: int = 0, level: float = 0.95) -> Interval | None:
    """Bias-corrected and accelerated bootstrap interval of the mean.

    B. Efron, "Better Bootstrap Confidence Intervals", JASA 82 (1987), 171: the percentiles of the
    resampled means are shifted by the bias z0 (how many resampled means lie below the mean) and by
    the acceleration a (the skewness of the leave-one-out means). The same values and seed give the
    same interval.

    Args:
        values: One number a seed.
        seed: Of the resampling.
        level: Of confidence, between 0 and 1.

    Returns:
        None below `FEWEST_FOR_INTERVAL` values; the mean twice where all values are equal.
    """
    if len(values) < FEWEST_FOR_INTERVAL:
        return None
    mean, n = fmean(values), len(values)
    if min(values) == max(values):
        return Interval(mean, mean)
    means = sorted(sum(pick(values)) / n for pick in _resamples(n, seed))
    below = (bisect_left(means, mean) + bisect_right(means, mean)) / 2 / len(means)
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(below, 0.5 / len(means)), 1 - 0.5 / len(means)))
    without = [(n * mean - value) / (n - 1) for value in values]
    spread = [fmean(without) - value for value in without]
    squares = sum(d * d for d in spread)
    acceleration = sum(d**3 for d in spread) / (6 * squares**1.5) if squares else 0.0

    def end(probability: float) -> float:
        shifted = bias + normal.inv_cdf(probability)
        corrected = normal.cdf(bias + shifted / (1 - acceleration * shifted))
        return _percentile(means, corrected)

    tail = (1 - level) / 2
    return Interval(end(tail), end(1 - tail))


@lru_cache(maxsize=4)
def _resamples(n: int, seed: int) -> list[Callable[[Sequence[float]], tuple[float, ...]]]:
    """Pick n of n values with replacement, `RESAMPLES` times; drawn once, used for every cell."""
    draw = Random(seed)
    return [itemgetter(*draw.choices(range(n), k=n)) for _ in range(RESAMPLES)]


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics."""
    place = min(max(share, 0.0), 1.0) * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
