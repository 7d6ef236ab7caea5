"""What the lecture's plots are drawn from, against torch's own operations and autograd."""

from collections.abc import Callable
from math import log10, nan

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from bntui.core.nn.model import CharMLP
from bntui.core.probes.layers import layers
from bntui.core.probes.units import units
from bntui.core.probes.updates import grad_ratios
from bntui.core.probes.weights import matrices, weights
from bntui.core.training.trainer import Trainer
from bntui.protocol import Layers
from tests.core.trained import trained

FLAT: dict[str, Callable[[float], bool]] = {
    "tanh": lambda h: abs(h) > 0.97,
    "sigmoid": lambda h: not 0.015 <= h <= 0.985,
    "relu": lambda h: h == 0,
}
TORCH: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}


def told(run: Trainer, place: int = 0) -> Layers:
    event = layers(run, run.arms[place])
    assert event
    return event


def outputs_and_gradients(run: Trainer, place: int) -> tuple[list[Tensor], list[Tensor]]:
    """Of every hidden layer in the next step, which is then made; torch differentiates."""
    model = run.arms[place].model
    params = [[param.clone() for param in layer.params] for layer in model.layers]
    run.step()
    contexts, targets = last_batch(model)
    x = params[0][0][contexts.clone()].flatten(1).requires_grad_()
    outs = []
    for layer, own in zip(model.layers[1:], params[1:], strict=True):
        match type(layer).__name__:
            case "Linear":
                x = x @ own[0] + own[1]
            case "BatchNorm":
                x = F.batch_norm(x, None, None, own[0], own[1], training=True)
            case _:
                x = TORCH[run.config.activation](x)
                x.retain_grad()
                outs.append(x)
    F.cross_entropy(x, targets.clone()).backward()
    return outs, [out.grad for out in outs if out.grad is not None]


def last_batch(model: CharMLP) -> tuple[Tensor, Tensor]:
    return model.layers[0].x, model.cross_entropy.targets


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_deep_networks_tell_what_autograd_finds(activation: str, place: int) -> None:
    run = trained(4, depth=3, activation=activation, init="fan-in")
    outs, grads = outputs_and_gradients(run, place)
    event = told(run, place)
    assert (event.arm, event.step, len(event.layers)) == (run.arms[place].name, 5, 3)
    for health, out, grad in zip(event.layers, outs, grads, strict=True):
        h = out.detach()
        assert health.mean == pytest.approx(h.mean().item(), rel=1e-4, abs=1e-6)
        assert health.std == pytest.approx(h.std(correction=0).item(), rel=1e-4)
        assert health.grad_mean == pytest.approx(grad.mean().item(), rel=1e-2, abs=1e-7)
        assert health.grad_std == pytest.approx(grad.std(correction=0).item(), rel=1e-4)
        flat = [[FLAT[activation](value) for value in row] for row in h.tolist()]
        assert health.flat == pytest.approx(sum(map(sum, flat)) / h.numel(), abs=1e-6)
        assert health.dead == sum(all(column) for column in zip(*flat, strict=True))


def test_all_layers_of_an_arm_share_their_ranges() -> None:
    run = trained(5, depth=3, activation="relu", init="fan-in")
    event = told(run)
    outs = [layer.out for layer in run.arms[0].model.activations]
    grads = [layer.grad for layer in run.arms[0].model.activations]
    assert event.low == 0
    assert max(out.max() for out in outs) <= event.high <= 2.5 * max(out.max() for out in outs)
    widest = max(grad.std().item() for grad in grads)
    assert 2.9 * widest <= event.grad_limit <= 7.6 * widest
    for health, out, grad in zip(event.layers, outs, grads, strict=True):
        assert sum(health.counts) == out.numel()
        assert sum(health.grad_counts) == int((grad.abs() <= event.grad_limit).sum())


def test_before_the_first_step_there_is_no_batch_to_tell_of() -> None:
    run = trained(0)
    assert layers(run, run.arms[0]) is None
    assert units(run, run.arms[0], 0) is None
    assert weights(run, run.arms[0]).step == 0


def test_what_is_not_finite_is_told_as_nothing() -> None:
    run = trained(3)
    for layer in run.arms[0].model.activations:
        layer.out, layer.grad = layer.out * nan, layer.grad * nan
    (health,) = told(run).layers
    assert (health.mean, health.std, health.flat, health.grad_std) == (None,) * 4
    assert sum(health.counts) == sum(health.grad_counts) == health.dead == 0
    assert units(run, run.arms[0], 0) is None


@pytest.mark.parametrize(("batch_size", "hidden"), [(7, 5), (64, 20), (70, 1030)])
def test_a_unit_a_string_an_example_a_bit(batch_size: int, hidden: int) -> None:
    run = trained(2, batch_size=batch_size, hidden=hidden, depth=2)
    event = units(run, run.arms[0], 1)
    assert event
    out = run.arms[0].model.activations[1].out
    assert (event.examples, event.units) == (min(batch_size, 64), hidden)
    assert len(event.flat) == min(hidden, 1024)
    for unit in range(0, len(event.flat), 97):
        bits = f"{int(event.flat[unit], 16):0{event.examples}b}"
        assert [bit == "1" for bit in bits] == [abs(x) > 0.97 for x in out[:64, unit].tolist()]
        assert len(event.flat[unit]) == -(-event.examples // 4)
    contexts, targets = run.arms[0].model.layers[0].x, run.arms[0].model.cross_entropy.targets
    symbols = run.dataset.vocabulary
    last = len(event.texts) - 1
    assert last == event.examples - 1
    assert [symbols.index(char) for char in event.texts[last]] == [
        *contexts[last].tolist(),
        int(targets[last]),
    ]
    columns = zip(*out.tolist(), strict=True)
    assert event.dead == sum(all(abs(x) > 0.97 for x in column) for column in columns)


def test_there_are_no_units_of_a_layer_that_is_not_there() -> None:
    run = trained(2)
    assert units(run, run.arms[0], 1) is None


def test_every_weight_matrix_is_told_whole() -> None:
    run = trained(depth=2)
    for arm in run.arms:
        event = weights(run, arm)
        assert [weight.name for weight in event.weights] == ["C", "W1", "W2", "W3"]
        for weight, (_, param, _) in zip(event.weights, matrices(arm.model), strict=True):
            assert sum(weight.counts) == param.numel()
            assert weight.low == -weight.high
            assert weight.mean == pytest.approx(param.mean().item(), rel=1e-4)
            assert weight.std == pytest.approx(param.std(correction=0).item(), rel=1e-5)


def test_a_weight_of_zeros_has_a_range_all_the_same() -> None:
    run = trained(0, init="zero")
    zeros = weights(run, run.arms[0]).weights[1]
    assert (zeros.low, zeros.high, zeros.std, zeros.counts[25]) == (-1, 1, 0, 30 * 20)


def test_ratios_are_those_of_the_lecture() -> None:
    run = trained()
    model = run.arms[1].model
    params = [param for layer in model.layers for param in layer.params if param.ndim == 2]
    grads = [grad for layer in model.layers for grad in layer.param_grads if grad.ndim == 2]
    lecture = [log10((0.1 * g).std() / p.std()) for p, g in zip(params, grads, strict=True)]
    assert (0.1 * grad_ratios(matrices(model))).log10().tolist() == pytest.approx(lecture, abs=1e-5)
