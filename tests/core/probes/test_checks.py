"""What must agree does, and what does not is told."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from bntui.core.nn.folding import fold
from bntui.core.nn.layers import Linear
from bntui.core.probes.checks import checks
from bntui.core.probes.gradients import by_autograd, closed_form
from bntui.core.training.trainer import Trainer
from bntui.protocol import Checks
from tests.core.trained import trained

KINDS: list[dict[str, Any]] = [
    {"depth": 3, "init": "fan-in"},
    {"arms": ("bn", "bn-torch", "bn-lecture"), "placement": "all", "bias": False},
    {"arms": ("ln", "gn"), "activation": "sigmoid"},
    {"arms": ("bn",), "ghost": 5, "activation": "relu", "depth": 2},
    {"arms": ("bn", "bn-lecture"), "batch_size": 1, "eps": 0.0},
    {"arms": ("ln", "bn", "gn"), "batch_size": 1, "hidden": 1, "emb": 1, "groups": 1},
]


@pytest.fixture
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def checked(run: Trainer) -> list[Checks]:
    return [checks(run, arm) for arm in run.arms]


@pytest.mark.parametrize("settings", KINDS)
def test_in_single_precision_they_agree_to_its_rounding(settings: dict[str, Any]) -> None:
    for event in checked(trained(**settings)):
        assert event.backward is not None
        assert event.backward_scale
        assert event.backward < 2e-5 * event.backward_scale
        assert event.fold is None or event.fold < 2e-5 * (event.fold_scale or 0)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("settings", KINDS)
def test_in_double_precision_to_that(settings: dict[str, Any]) -> None:
    for event in checked(trained(**settings)):
        assert event.backward is not None
        assert event.backward < 1e-12
        assert event.fold is None or event.fold < 1e-11


def test_scales_are_the_largest_logit_and_gradient() -> None:
    run = trained()
    (_, event) = checked(run)
    model = run.arms[1].model
    x = run.dataset.first(90)[0]
    for layer in model.layers:
        x = layer.compute(x, training=False)
    assert event.fold_scale == pytest.approx(x.abs().max().item(), rel=1e-5)
    contexts, targets = run.dataset.first(90)
    ours, theirs = (way(model, contexts, targets) for way in (closed_form, by_autograd))
    assert len(ours) == len(theirs) == 7
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_wrong_backward_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained()
    right = Linear.backward

    def wrong(self: Linear, grad: torch.Tensor) -> torch.Tensor:
        return right(self, grad) * 1.01

    monkeypatch.setattr(Linear, "backward", wrong)
    for event in checked(run):
        assert event.backward is not None
        assert event.backward > 1e-4 * (event.backward_scale or 0)


def test_a_folded_layer_is_one_matrix() -> None:
    run = trained()
    _, linear, norm, *_ = run.arms[1].model.layers
    assert isinstance(linear, Linear)
    x = torch.randn(6, 30)
    weight, bias = fold(linear, run.arms[1].model.batchnorms[0])
    whole = norm.compute(linear.compute(x, training=False), training=False)
    torch.testing.assert_close(x @ weight + bias, whole, atol=1e-4, rtol=1e-4)


def test_a_unit_without_variance_folds_to_its_beta() -> None:
    run = trained(eps=0.0)
    _, linear, norm, *_ = run.arms[1].model.layers
    assert isinstance(linear, Linear)
    bn = run.arms[1].model.batchnorms[0]
    bn.running_var.zero_()
    weight, bias = fold(linear, bn)
    assert not weight.any()
    assert torch.equal(bias, norm.params[1])


def test_nothing_to_compare_is_told_as_nothing() -> None:
    plain, bn = checked(trained(0))
    assert (plain.fold, plain.backward, plain.backward_scale) == (None, None, None)
    assert bn.fold is not None
    assert bn.backward is None


def test_a_bypassed_layer_is_left_out_of_both() -> None:
    run = trained(depth=2)
    run.arms[1].model.batchnorms[0].on = False
    run.step()
    _, event = checked(run)
    assert event.fold is not None
    assert event.fold < 2e-5 * (event.fold_scale or 0)
    assert event.backward is not None
    assert event.backward < 2e-5 * (event.backward_scale or 0)
