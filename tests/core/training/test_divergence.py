"""A network has diverged while its loss is lastingly beyond what it was untrained."""

from math import inf, log, nan

import pytest

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.training.dataset import Dataset
from bntui.core.training.divergence import BLOCK, Divergence, Turn
from bntui.core.training.trainer import Trainer


def judged(losses: list[float], pieces: int = 7, start: float = 4.0) -> list[Turn]:
    """The turns of a network with a guess's loss of 3, and so a bound of 30."""
    divergence = Divergence(3.0, start)
    return [
        turn
        for first in range(0, len(losses), pieces)
        for turn in divergence.note(losses[first : first + pieces], first)
    ]


@pytest.mark.parametrize("pieces", [1, 7, 128])
def test_a_lasting_loss_beyond_the_bound_is_a_divergence_from_its_first_step(pieces: int) -> None:
    assert judged([3.0] * 25 + [31.0] * 15, pieces) == [Turn(25, 31.0, True)]
    assert judged([3.0] * 25 + [29.0] * 15, pieces) == []


def test_spikes_are_no_divergence_and_a_first_loss_of_0_bounds_nothing() -> None:
    assert judged([0.0, *[1e9, 0.1, 0.1] * 100]) == []
    assert judged([0.0, *[4.0] * 100], start=0.0) == []


def test_a_network_that_begins_far_from_a_guess_may_stay_there() -> None:
    assert judged([119.0] * 100, start=60.0) == []
    assert judged([121.0] * 100, start=60.0) == [Turn(0, 121.0, True)]


def test_a_network_recovers_with_the_first_block_below_the_bound() -> None:
    losses = [100.0] * 2 * BLOCK + [3.0] * 2 * BLOCK + [100.0] * BLOCK
    turns = [(turn.step, turn.diverged) for turn in judged(losses)]
    assert turns == [(0, True), (2 * BLOCK, False), (4 * BLOCK, True)]


@pytest.mark.parametrize("loss", [inf, nan])
def test_a_loss_that_is_not_finite_is_a_divergence_at_once(loss: float) -> None:
    (turn,) = judged([1.0, 2.0, loss])
    assert (turn.step, turn.diverged) == (2, True)
    (turn,) = judged([1.0] * (BLOCK - 1) + [loss])  # the block's median is fine
    assert (turn.step, turn.diverged) == (BLOCK - 1, True)


def test_healthy_networks_do_not_diverge_with_a_batch_of_one() -> None:
    """By a loss of ten times the first one in nine did."""
    data = Dataset(list(NOTEBOOK_WORDS), 3, "inside")
    for seed in range(10):
        run = Trainer(RunConfig(seed=seed, batch_size=1), data)
        while run.steps_done < 60:
            run.advance(20)
        assert [arm.diverged_at for arm in run.arms] == [None, None]


def test_a_network_that_settles_far_above_a_guess_has_diverged() -> None:
    run = Trainer(RunConfig(lr=100, arms=("none",)), Dataset(list(NOTEBOOK_WORDS), 3, "inside"))
    run.advance(BLOCK)
    (arm,) = run.arms
    assert arm.loss > 10 * log(len(run.dataset.vocabulary))
    assert arm.diverged_at is not None
    assert run.arms[0].fork("again").diverged_at is None
