"""The train/eval gap, rung by rung."""

from typing import Any

import pytest
import torch

from bntui.config.schema import NOTEBOOK_WORDS
from bntui.core.nn.precise import precise_statistics
from bntui.core.probes import inference as module
from bntui.core.probes.inference import batch_moments, ladder
from bntui.core.probes.modes import mode_losses
from bntui.core.training.trainer import Trainer
from bntui.protocol import Ladder
from tests.core.trained import trained


def climbed(run: Trainer, place: int = 1) -> Ladder:
    event = ladder(run, run.arms[place])
    assert event
    return event


@pytest.mark.parametrize(
    "settings",
    [{"depth": 3}, {"placement": "all", "bias": False}, {"arms": ("none", "bn-lecture")}],
)
def test_the_ends_of_the_ladder_are_the_two_modes(settings: dict[str, Any]) -> None:
    run = trained(**settings)
    event = climbed(run)
    modes = mode_losses(run, run.arms[1], full=True)
    assert (event.examples, event.sizes) == (90, [1, 2, 4, 8, 32, 90])
    assert event.running == pytest.approx(modes.eval[-1], rel=1e-5)
    assert event.batch[-1] == pytest.approx(modes.train[-1], rel=1e-5)
    assert event.by_class[-1] == pytest.approx(modes.train[-1], rel=1e-5)


def test_alone_in_a_batch_an_example_does_not_care_who_is_next() -> None:
    event = climbed(trained())
    assert event.by_class[0] == pytest.approx(event.batch[0], rel=1e-5)
    assert event.by_class[2] != pytest.approx(event.batch[2], rel=1e-2)


def test_precise_statistics_of_all_examples_are_the_batch_of_all() -> None:
    event = climbed(trained(depth=2))
    assert event.precise == pytest.approx(event.batch[-1], rel=1e-4)
    assert event.running != pytest.approx(event.precise, rel=1e-4)


def test_recalibrated_the_first_two_rungs_are_one() -> None:
    run = trained(depth=2)
    model = run.arms[1].model
    contexts, _ = run.dataset.first(len(run.dataset))
    for layer, (mean, var) in zip(
        model.batchnorms, precise_statistics(model, contexts), strict=True
    ):
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(var)
    event = climbed(run)
    assert event.running == pytest.approx(event.precise, rel=1e-5)


def test_batches_sorted_by_target_are_made_by_hand() -> None:
    run = trained()
    model = run.arms[1].model
    contexts, targets = run.dataset.first(90)
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(90, generator=generator) for _ in range(8)]
    losses = [
        model.loss(contexts[ix], targets[ix], training=True) * len(ix)
        for order in orders
        for ix in torch.split(order[targets[order].argsort(stable=True)], 8)
    ]
    wanted = torch.stack(losses).sum().item() / 90 / 8
    assert climbed(run).by_class[3] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 11])
def test_moments_of_batches_one_after_another(n: int, correction: int) -> None:
    x = torch.randn(11, 3, dtype=torch.float64) + 2
    mean, var = batch_moments(x, n, correction)
    for rows in torch.split(torch.arange(11), n):
        torch.testing.assert_close(mean[rows], x[rows].mean(0).expand(len(rows), 3))
        alone = len(rows) == 1
        wanted = torch.zeros(3).double() if alone else x[rows].var(0, correction=correction)
        torch.testing.assert_close(var[rows], wanted.expand(len(rows), 3))


@pytest.mark.parametrize("arms", [("none",), ("ln",), ("gn",)])
def test_without_batchnorm_there_is_no_ladder(arms: tuple[str, ...]) -> None:
    run = trained(arms=arms)
    assert ladder(run, run.arms[0]) is None


def test_nor_where_it_is_bypassed() -> None:
    run = trained()
    run.arms[1].model.batchnorms[0].on = False
    assert ladder(run, run.arms[1]) is None


def test_a_large_set_is_measured_by_its_first_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(words=NOTEBOOK_WORDS * 20)
    monkeypatch.setattr(module, "EXAMPLES", 90)
    event = climbed(run)
    assert event.examples == event.sizes[-1] == 90
    assert event.precise == pytest.approx(event.batch[-1], rel=1e-4)


def test_a_set_as_large_as_a_batch_of_the_ladder_is_one_rung(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EXAMPLES", 32)
    assert climbed(trained()).sizes == [1, 2, 4, 8, 32]


def test_a_large_network_by_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained()
    monkeypatch.setattr(module, "affordable", lambda model: 40)
    event = climbed(run)
    assert (event.examples, event.sizes) == (40, [1, 2, 4, 8, 32, 40])


def test_losses_of_batches_are_means_over_several_orders_and_name_their_samples() -> None:
    event = climbed(trained())
    assert (event.orders, event.precise_examples) == (8, 90)
    assert len(event.spread) == len(event.sizes)
    assert all(spread is not None for spread in event.spread)
    two, everything = event.spread[1], event.spread[-1]
    assert two is not None
    assert everything is not None
    assert two > 0.01
    assert everything < 1e-5
    again = climbed(trained())
    assert again == event


def test_of_a_large_training_set_the_sample_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "affordable", lambda model: 40)
    event = climbed(trained())
    assert (event.examples, event.precise_examples, event.orders) == (40, 30, 2)
