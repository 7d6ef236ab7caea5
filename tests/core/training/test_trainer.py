"""Two arms in lockstep."""

from math import isfinite, log

import msgspec
import pytest
import torch

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.nn.layers import Embedding, Linear
from bntui.core.probes.gradients import by_autograd
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer

SMALL = RunConfig(hidden=10, emb=3, batch_size=8)


def trainer(**settings: object) -> Trainer:
    config = msgspec.structs.replace(SMALL, **settings)
    return Trainer(config, Dataset(NOTEBOOK_WORDS, config.block_size, config.context))


def losses(run: Trainer, steps: int) -> list[list[float]]:
    rows = []
    for _ in range(steps):
        run.step()
        rows.append([arm.loss for arm in run.arms])
    return rows


def test_both_arms_begin_with_the_same_weights_and_see_the_same_batches() -> None:
    run = trainer(depth=2)
    plain, normalized = (arm.model.layers for arm in run.arms)
    params = [
        [p for x in layers if isinstance(x, Embedding | Linear) for p in x.params]
        for layers in (plain, normalized)
    ]
    assert all(torch.equal(one, other) for one, other in zip(*params, strict=True))
    for _ in range(5):
        run.step()
        assert torch.equal(plain[0].x, normalized[0].x)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    assert losses(trainer(), 20) == losses(trainer(), 20)
    assert losses(trainer(), 20) != losses(trainer(seed=43), 20)


def test_an_arm_that_diverges_is_named_at_its_step_and_the_other_goes_on() -> None:
    run = trainer(lr=1000.0)
    rows = losses(run, 50)
    arm = min(run.arms, key=lambda arm: arm.diverged_at or 10**9)
    assert arm.diverged_at is not None
    place = run.arms.index(arm)
    before = trainer(lr=1000.0)
    untrained = before.arms[place].model.loss(*before.dataset.spread(64), training=True).item()
    bound = max(10 * log(len(run.dataset.vocabulary)), 2 * untrained)
    assert rows[arm.diverged_at][place] > bound
    assert all(row[place] <= bound for row in rows[: arm.diverged_at])


def test_an_arm_whose_loss_is_not_finite_stops_while_the_other_trains() -> None:
    run = trainer()
    dead, living = run.arms
    run.step()
    for layer in dead.model.layers:
        for param in layer.params:
            param.fill_(torch.inf)
    rows = losses(run, 10)
    assert not dead.alive
    assert dead.diverged_at == 1
    assert living.diverged_at is None
    assert all(isfinite(row[1]) for row in rows)
    assert rows[0][1] != rows[-1][1]


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.5])
def test_a_step_is_that_of_torchs_sgd_with_weight_decay(decay: float) -> None:
    """Gradients by autograd, updates by torch.optim.SGD, gamma, beta and biases included."""
    run = trainer(weight_decay=decay)
    twins = [
        [param.clone() for layer in arm.model.layers for param in layer.params] for arm in run.arms
    ]
    optimizers = [torch.optim.SGD(twin, lr=0.1, weight_decay=decay) for twin in twins]
    for _ in range(20):
        batch = [each[0] for each in run.dataset.batch(run.peek(1))]
        for arm, twin, optimizer in zip(run.arms, twins, optimizers, strict=True):
            gradients = by_autograd(arm.model, *batch)
            for param, gradient in zip(twin, gradients, strict=True):
                param.grad = gradient
            optimizer.step()
        run.step()
        for arm, twin in zip(run.arms, twins, strict=True):
            ours = [param for layer in arm.model.layers for param in layer.params]
            for param, wanted in zip(ours, twin, strict=True):
                torch.testing.assert_close(param, wanted, rtol=1e-4, atol=1e-5)


def test_weights_of_which_nothing_is_learnt_decay() -> None:
    """A bypassed normalization has no gradient: its gamma shrinks by lr * decay a step."""
    run = trainer(weight_decay=0.5)
    (layer,) = run.arms[1].model.normalizations
    layer.on = False
    for _ in range(3):
        run.step()
    gamma = layer.params[0]
    torch.testing.assert_close(gamma, torch.full_like(gamma, (1 - 0.1 * 0.5) ** 3))


def test_a_sound_run_never_diverges() -> None:
    run = trainer()
    losses(run, 300)
    assert [arm.diverged_at for arm in run.arms] == [None, None]


def test_a_batch_of_one_trains() -> None:
    run = trainer(batch_size=1)
    assert all(isfinite(loss) for row in losses(run, 20) for loss in row)


@pytest.mark.parametrize("batch_size", [1, 8, 33])
def test_batches_are_the_same_however_many_steps_are_drawn_at_once(batch_size: int) -> None:
    one, many = trainer(batch_size=batch_size), trainer(batch_size=batch_size)
    singly = torch.cat([one.draw(1) for _ in range(20)])
    assert torch.equal(singly, torch.cat([many.draw(n) for n in (7, 1, 12)]))
    assert torch.equal(one.peek(3), many.draw(3))


def test_steps_in_goes_are_the_steps_one_by_one() -> None:
    one, many = trainer(), trainer()
    singly = losses(one, 20)
    told: list[list[float]] = []
    for steps in (13, 7):
        assert many.advance(steps) == steps
        told += zip(*(arm.losses for arm in many.arms), strict=True)  # type: ignore[arg-type]
    assert [list(row) for row in told] == singly
    for arm, twin in zip(one.arms, many.arms, strict=True):
        assert torch.equal(arm.model.params, twin.model.params)


def test_where_all_arms_die_within_a_go_it_ends_at_that_step() -> None:
    run = trainer()
    for arm in run.arms:
        arm.model.params.fill_(torch.nan)
    before = run.peek(2)
    assert run.advance(50) == 1
    assert run.steps_done == 1
    assert torch.equal(run.peek(1)[0], before[1])
    assert [arm.diverged_at for arm in run.arms] == [0, 0]
