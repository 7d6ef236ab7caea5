"""Measurements: right, and without a trace."""

from math import nan

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bntui.config import NOTEBOOK_WORDS, RunConfig
from bntui.core import probes
from bntui.core.data import Dataset
from bntui.core.probes import finite, plain
from bntui.core.trainer import Trainer


def trainer(words: tuple[str, ...] = NOTEBOOK_WORDS, **settings: int) -> Trainer:
    config = RunConfig(hidden=20, **settings)  # type: ignore[arg-type]  # every one is an int
    run = Trainer(config, Dataset(words, 3, "inside"))
    for _ in range(30):
        run.step()
    return run


def everything(run: Trainer) -> list[torch.Tensor]:
    """Every number that decides how the run goes on."""
    tensors = [run.generator.get_state()]
    for arm in run.arms:
        for layer in arm.model.layers:
            tensors += [*layer.params, layer.out, layer.grad, *layer.param_grads]
        for layer in arm.model.batchnorms:
            tensors += [*layer.bn.state_dict().values(), *layer.statistics()]
    return [tensor.clone() for tensor in tensors]


def measure(run: Trainer) -> None:
    for arm in run.arms:
        for layer in range(run.config.depth):
            probes.activations(run, arm, layer)
        probes.mode_losses(run, arm, thorough=True)
        probes.mode_losses(run, arm, thorough=False)


def test_a_probe_leaves_every_bit_as_it_was() -> None:
    run = trainer(depth=2)
    before = everything(run)
    measure(run)
    after = everything(run)
    assert len(before) > 40
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_probed_run_goes_on_as_one_that_nobody_looked_at() -> None:
    probed, alone = trainer(), trainer()
    for _ in range(20):
        measure(probed)
        probed.step()
        alone.step()
    assert [arm.loss for arm in probed.arms] == [arm.loss for arm in alone.arms]


def test_histogram_and_saturation_count_every_activation() -> None:
    run = trainer()
    arm = run.arms[0]
    event = probes.activations(run, arm, 0)
    h = torch.cat(
        [
            arm.model.hidden(run.dataset.batch(ix)[0], 0, training=True).flatten()
            for ix in run.peek(probes.BATCHES)
        ]
    )
    assert event.n == len(h) == sum(event.counts) == 20 * 32 * 20
    share = sum(abs(x) > 0.97 for x in h.tolist()) / len(h)
    assert event.saturation == pytest.approx(share, rel=1e-5)
    assert event.counts[0] == sum(x < -0.96 for x in h.tolist())


def test_activations_that_are_not_finite_say_so() -> None:
    run = trainer()
    for layer in run.arms[0].model.layers:
        for param in layer.params:
            param.fill_(nan)
    event = probes.activations(run, run.arms[0], 0)
    assert event.saturation is None
    assert sum(event.counts) == 0
    assert probes.mode_losses(run, run.arms[0], thorough=True).train == [None] * 6


def test_a_row_alone_in_training_mode_gives_the_loss_of_beta() -> None:
    run = trainer()
    arm = run.arms[1]
    beta = arm.model.batchnorms[0].params[1]
    logits = arm.model.layers[-1].compute(torch.tanh(beta)[None], training=True)
    loss = torch.nn.functional.cross_entropy(logits, run.dataset.first(1)[1])
    event = probes.mode_losses(run, arm, thorough=True)
    assert event.train[0] == pytest.approx(loss.item(), rel=1e-5)


def test_without_batchnorm_both_modes_are_the_same() -> None:
    run = trainer()
    event = probes.mode_losses(run, run.arms[0], thorough=True)
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
    assert probes.sizes(examples) == wanted


def test_all_of_a_large_set_is_measured_only_where_there_is_time() -> None:
    run = trainer(NOTEBOOK_WORDS * 20)
    passing = probes.mode_losses(run, run.arms[1], thorough=False)
    thorough = probes.mode_losses(run, run.arms[1], thorough=True)
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


def test_what_is_not_finite_travels_as_nothing() -> None:
    assert plain(torch.tensor([nan, torch.inf, -torch.inf, 0.0])) == [None, None, None, 0.0]
    assert finite([1.0, nan]) == [1.0, None]
