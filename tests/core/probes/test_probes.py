"""Measurements: right, and without a trace."""

from math import inf, nan
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bntui.config.schema import NOTEBOOK_WORDS
from bntui.core.probes.activations import BATCHES, activations
from bntui.core.probes.checks import checks
from bntui.core.probes.inference import ladder
from bntui.core.probes.layers import layers
from bntui.core.probes.modes import mode_losses, sizes
from bntui.core.probes.numbers import finite, plain, round_up
from bntui.core.probes.units import units
from bntui.core.probes.updates import grad_ratios
from bntui.core.probes.weights import matrices, weights
from bntui.core.training.trainer import Trainer
from tests.core.trained import everything, trained


def measure(run: Trainer) -> None:
    for arm in run.arms:
        activations(run, arm)
        for layer in range(run.config.depth):
            units(run, arm, layer)
        mode_losses(run, arm, full=True)
        mode_losses(run, arm, full=False)
        layers(run, arm)
        weights(run, arm)
        grad_ratios(matrices(arm.model))
        ladder(run, arm)
        checks(run, arm)


EVERY_KIND: list[dict[str, Any]] = [
    {"depth": 2},
    {"arms": ("bn-torch", "bn-lecture", "ln", "gn"), "placement": "all", "bias": False},
    {"ghost": 8, "activation": "relu", "init": "fan-in", "batch_size": 1, "eps": 0.0},
    {"activation": "sigmoid", "init": "zero"},
]


@pytest.mark.parametrize("settings", EVERY_KIND)
def test_a_probe_leaves_every_bit_as_it_was(settings: dict[str, Any]) -> None:
    run = trained(**settings)
    before = everything(run)
    measure(run)
    after = everything(run)
    assert len(before) > 40
    assert all(
        torch.equal(one.nan_to_num(), other.nan_to_num())
        for one, other in zip(before, after, strict=True)
    )


@pytest.mark.parametrize("settings", EVERY_KIND)
def test_a_probed_run_goes_on_as_one_that_nobody_looked_at(settings: dict[str, Any]) -> None:
    probed, alone = trained(0, **settings), trained(0, **settings)
    for _ in range(4):
        measure(probed)
        probed.step()
        alone.step()
    assert [arm.loss for arm in probed.arms] == [arm.loss for arm in alone.arms]
    for one, other in zip(everything(probed), everything(alone), strict=True):
        assert torch.equal(one.nan_to_num(), other.nan_to_num())


@pytest.mark.parametrize("place", [0, 1])
def test_histogram_and_saturation_count_every_activation(place: int) -> None:
    """Each batch normalized by its own statistics."""
    run = trained()
    arm = run.arms[place]
    event = activations(run, arm)[0]
    h = torch.cat(
        [
            arm.model.hidden(run.dataset.batch(ix)[0], 0, training=True).flatten()
            for ix in run.peek(BATCHES)
        ]
    )
    assert event.n == len(h) == sum(event.counts) == 20 * 32 * 20
    share = sum(abs(x) > 0.97 for x in h.tolist()) / len(h)
    assert event.saturation == pytest.approx(share, rel=1e-5)
    assert event.counts[0] == sum(x < -0.96 for x in h.tolist())


@pytest.mark.parametrize(("batch_size", "batches"), [(1000, 20), (65_536, 4)])
def test_of_large_batches_fewer_are_pooled(batch_size: int, batches: int) -> None:
    run = trained(0, hidden=2)
    run.batch_size = batch_size
    assert activations(run, run.arms[0])[0].n == batches * batch_size * 2


@pytest.mark.parametrize(("hidden", "emb", "batches"), [(50, 2, 4), (2, 20, 3)])
def test_of_wide_layers_fewer_batches_are_pooled(
    hidden: int, emb: int, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their outputs are held at once: 20 batches of 8,192 with 1,000 units took 3.2 GB."""
    monkeypatch.setattr("bntui.core.probes.activations.NUMBERS", 4 * 32 * 50)
    run = trained(0, hidden=hidden, emb=emb)
    assert activations(run, run.arms[0])[0].n == batches * 32 * hidden


def test_activations_that_are_not_finite_say_so() -> None:
    run = trained()
    for layer in run.arms[0].model.layers:
        for param in layer.params:
            param.fill_(nan)
    event = activations(run, run.arms[0])[0]
    assert event.saturation is None
    assert sum(event.counts) == 0
    assert mode_losses(run, run.arms[0], full=True).train == [None] * 6


def test_a_row_alone_in_training_mode_gives_the_loss_of_beta() -> None:
    run = trained()
    arm = run.arms[1]
    beta = arm.model.batchnorms[0].params[1]
    logits = arm.model.layers[-1].compute(torch.tanh(beta)[None], training=True)
    loss = torch.nn.functional.cross_entropy(logits, run.dataset.first(1)[1])
    event = mode_losses(run, arm, full=True)
    assert event.train[0] == pytest.approx(loss.item(), rel=1e-5)


def test_without_batchnorm_both_modes_are_the_same() -> None:
    run = trained()
    event = mode_losses(run, run.arms[0], full=True)
    assert event.train == event.eval


@pytest.mark.parametrize(
    ("examples", "wanted"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (32, [1, 2, 4, 8, 32]),
        (90, [1, 2, 4, 8, 32, 90]),
        (2000, [1, 2, 4, 8, 32, 1024, 2000]),
        (10**6, [1, 2, 4, 8, 32, 1024, 65_536]),
    ],
)
def test_sizes(examples: int, wanted: list[int]) -> None:
    assert sizes(examples) == wanted


def test_all_of_a_large_set_is_measured_only_where_there_is_time() -> None:
    run = trained(words=NOTEBOOK_WORDS * 20)
    passing = mode_losses(run, run.arms[1], full=False)
    thorough = mode_losses(run, run.arms[1], full=True)
    assert passing.sizes == thorough.sizes == [1, 2, 4, 8, 32, 1024, 1800]
    assert passing.train[-1] is None
    assert passing.eval[-1] is None
    assert passing.train[:-1] == thorough.train[:-1]
    assert thorough.train[-1] is not None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30)))
def test_numbers_travel_with_six_digits(values: list[float]) -> None:
    numbers = torch.tensor(values, dtype=torch.float64)
    for value, sent in zip(values, plain(numbers), strict=True):
        assert sent == pytest.approx(value, rel=5e-6, abs=1e-290)
        assert float(f"{sent:.6g}") == pytest.approx(sent, rel=1e-15)


@given(st.floats(1e-29, 1e37))
def test_ranges_end_at_round_numbers(limit: float) -> None:
    end = round_up(limit)
    assert limit <= end <= 2.5 * limit * (1 + 1e-12)
    assert f"{end:e}"[:8] in {"1.000000", "2.000000", "5.000000"}


@pytest.mark.parametrize("useless", [0.0, nan, inf, 1e-40])
def test_a_range_that_cannot_be_told_is_one(useless: float) -> None:
    assert round_up(useless) == 1.0


def test_what_is_not_finite_travels_as_nothing() -> None:
    assert plain(torch.tensor([nan, torch.inf, -torch.inf, 0.0])) == [None, None, None, 0.0]
    assert finite([1.0, nan]) == [1.0, None]
