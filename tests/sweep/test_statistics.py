"""Statistics over seeds, against hand-computed tables, enumeration and scipy."""

from itertools import product
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.sweep.plan import MOST_SEEDS
from bntui.sweep.statistics import (
    bca_interval,
    can_decide,
    holm,
    seeds_needed,
    sign_flip_p,
    smallest_p,
)

FINITE = st.floats(-100, 100).map(lambda x: round(x, 3))


@given(st.lists(FINITE, min_size=1, max_size=9))
def test_the_p_value_is_that_of_all_sign_patterns(differences: list[float]) -> None:
    seen = abs(sum(differences)) - 1e-9
    patterns = list(product((1, -1), repeat=len(differences)))
    far = sum(
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= seen
        for signs in patterns
    )
    assert sign_flip_p(differences) == pytest.approx(far / len(patterns))


def test_a_p_value_by_hand() -> None:
    # Of the 8 patterns of (1, 2, 3) only +++ and --- reach a sum of 6.
    assert sign_flip_p([1.0, 2.0, 3.0]) == 2 / 8
    # (1, 1, -1): every pattern has a sum of at least 1 in size.
    assert sign_flip_p([1.0, 1.0, -1.0]) == 1.0


def test_no_difference_decides_nothing() -> None:
    assert sign_flip_p([]) == 1.0
    assert sign_flip_p([0.0] * 6) == 1.0


def test_many_seeds_stay_exact() -> None:
    # n equal differences: |sum| >= n - 2 in the two extreme patterns and the 2n next to them.
    n = 30
    differences = [1.0] * (n - 1) + [-1.0]
    assert sign_flip_p(differences) == pytest.approx(2 * (1 + comb(n, 1)) / 2**n)


def test_more_than_can_be_exact_is_refused() -> None:
    with pytest.raises(ValueError, match=f"at most {MOST_SEEDS}"):
        sign_flip_p([1.0] * (MOST_SEEDS + 1))


def test_the_p_value_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    differences = [Random(3).gauss(0.4, 1.0) for _ in range(10)]
    theirs = stats.permutation_test(
        (differences,),
        lambda x, axis: x.mean(axis),
        permutation_type="samples",
        n_resamples=1 << 12,
        vectorized=True,
    )
    assert sign_flip_p(differences) == pytest.approx(theirs.pvalue)


def test_holm_by_hand() -> None:
    # 0.01 * 4, then max(0.04, 0.02 * 3), max(0.06, 0.03 * 2), max(0.06, 0.04 * 1).
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_makes_a_p_value_smaller_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(new >= old for new, old in zip(adjusted, p_values, strict=True))
    assert all(new <= 1 for new in adjusted)
    ranked = [adjusted[i] for i in sorted(range(len(p_values)), key=p_values.__getitem__)]
    assert ranked == sorted(ranked)


def test_what_so_many_seeds_can_decide() -> None:
    assert smallest_p(0) == 1
    assert smallest_p(8) == 2 / 256
    assert not can_decide(8, 24)
    assert not can_decide(9, 24)
    assert can_decide(10, 24)
    assert seeds_needed(24) == 10
    assert seeds_needed(1) == 6


def test_the_smallest_p_value_is_reached_by_differences_of_one_sign() -> None:
    for n in range(1, 12):
        assert sign_flip_p([1.0 + i for i in range(n)]) == smallest_p(n)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_interval_is_scipys_but_for_the_resampling(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = Random(seed)
    values = [draw.expovariate(1.0) for _ in range(12)]
    ours = bca_interval(values, seed)
    theirs = stats.bootstrap(
        (values,), lambda x, axis: x.mean(axis), n_resamples=20_000, method="BCa", rng=seed
    ).confidence_interval
    assert ours is not None
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


def test_an_interval_needs_values_that_differ_and_enough_of_them() -> None:
    assert bca_interval([1.0, 2.0, 3.0, 4.0]) is None
    assert bca_interval([2.5] * 8) == (2.5, 2.5)


def test_the_same_values_give_the_same_interval() -> None:
    values = [0.1, 0.4, -0.2, 0.9, 0.3, 0.2]
    assert bca_interval(values) == bca_interval(values)


def test_an_interval_of_skewed_values_is_lopsided() -> None:
    interval = bca_interval([0.0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 5.0])
    assert interval is not None
    mean = 6.2 / 8
    assert interval.high - mean > 1.5 * (mean - interval.low)
