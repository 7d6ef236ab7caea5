"""Every layer's forward and backward against autograd."""

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch
from torch import Generator, Tensor, nn

from bntui.core.nn.activations import ReLU, Sigmoid, Tanh
from bntui.core.nn.batchnorm import BatchNorm1d
from bntui.core.nn.ghost import GhostBatchNorm
from bntui.core.nn.groupnorm import GroupNorm
from bntui.core.nn.layers import CrossEntropy, Embedding, Layer, Linear
from bntui.core.nn.normalization import BatchNorm, Normalization, RowNorm

N, BLOCK, VOCABULARY, EMB, HIDDEN = 7, 3, 11, 4, 5


N_ = TypeVar("N_", bound=Normalization)


def generator() -> Generator:
    return Generator().manual_seed(3)


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=generator())


def learned(layer: N_) -> N_:
    for param in layer.params:
        param.uniform_(0.5, 2.0, generator=generator())
    return layer


def batchnorm() -> BatchNorm:
    return learned(BatchNorm(BatchNorm1d(HIDDEN)))


def torch_batchnorm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return nn.functional.batch_norm(x, None, None, gamma, beta, training=True)


def torch_ghost(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    # Of 7 rows the last part has one, which torch refuses: it gives beta.
    alone = beta + 0 * gamma * x[6:]
    return torch.cat(
        [torch_batchnorm(x[:3], gamma, beta), torch_batchnorm(x[3:6], gamma, beta), alone]
    )


def torch_groupnorm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return nn.functional.group_norm(x, 1, gamma, beta)


LAYERS: dict[str, tuple[Callable[[], Layer], Callable[..., Tensor]]] = {
    "linear": (lambda: Linear(numbers(HIDDEN, 6), numbers(6)), lambda x, w, b: x @ w + b),
    "linear without bias": (lambda: Linear(numbers(HIDDEN, 6), None), lambda x, w: x @ w),
    "tanh": (Tanh, torch.tanh),
    "sigmoid": (Sigmoid, torch.sigmoid),
    "relu": (ReLU, torch.relu),
    "batchnorm": (batchnorm, torch_batchnorm),
    "ghost": (lambda: learned(GhostBatchNorm(BatchNorm1d(HIDDEN), 3)), torch_ghost),
    "groupnorm": (lambda: learned(RowNorm(GroupNorm(HIDDEN, 1))), torch_groupnorm),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_agrees_with_autograd(name: str) -> None:
    make, formula = LAYERS[name]
    layer = make()
    x = torch.randn(N, HIDDEN, generator=generator()).requires_grad_()
    leaves = [param.clone().requires_grad_() for param in layer.params]
    out = formula(x, *leaves)
    upstream = torch.randn(out.shape, generator=generator())
    wanted = torch.autograd.grad(out, [x, *leaves], upstream)
    assert torch.allclose(layer.forward(x.detach()), out, atol=1e-6)
    found = [layer.backward(upstream), *layer.param_grads]
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_embedding_sums_the_gradients_of_a_character_seen_twice() -> None:
    layer = Embedding(numbers(VOCABULARY, EMB))
    x = torch.tensor([[1, 1, 2], [2, 1, 0]])
    table = layer.C.clone().requires_grad_()
    out = table[x].flatten(1)
    upstream = torch.randn(out.shape, generator=generator())
    (wanted,) = torch.autograd.grad(out, table, upstream)
    assert torch.equal(layer.forward(x), out)
    layer.backward(upstream)
    layer.backward(upstream)  # a second step's gradient replaces the first's
    assert torch.allclose(layer.param_grads[0], wanted)


def test_cross_entropy_agrees_with_autograd_and_keeps_extreme_logits_finite() -> None:
    layer = CrossEntropy()
    targets = torch.tensor([0, 3, 1])
    for scale in (1.0, 1e4):
        logits = scale * torch.randn(3, VOCABULARY, generator=generator())
        logits.requires_grad_()
        loss = nn.functional.cross_entropy(logits, targets)
        (wanted,) = torch.autograd.grad(loss, logits)
        assert torch.allclose(layer.forward(logits.detach(), targets), loss)
        assert torch.allclose(layer.compute(logits.detach(), targets), loss)
        assert torch.allclose(layer.backward(), wanted, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_keep_out_and_grad_for_the_probes_and_compute_keeps_nothing(name: str) -> None:
    layer = LAYERS[name][0]()
    x = torch.randn(N, HIDDEN, generator=generator())
    out = layer.forward(x)
    upstream = torch.ones_like(out)
    layer.backward(upstream)
    layer.compute(x[:2], training=True)
    assert layer.out is out
    assert layer.grad is upstream


def test_batchnorm_statistics_are_the_last_steps() -> None:
    layer = batchnorm()
    x = torch.randn(N, HIDDEN, generator=generator())
    layer.forward(x)
    mean, running_mean, var, running_var = layer.statistics()
    assert torch.allclose(mean, x.mean(0))
    assert torch.allclose(var, x.var(0, correction=0))
    assert torch.allclose(running_mean, 0.1 * mean)
    assert torch.allclose(running_var, 0.9 + 0.1 * var)


def test_where_activations_are_flat() -> None:
    x = torch.tensor([-9.0, -2.0, 0.0, 2.0, 9.0])
    tanh, sigmoid, relu = (layer.flat(layer.forward(x)) for layer in (Tanh(), Sigmoid(), ReLU()))
    assert tanh.tolist() == [True, False, False, False, True]
    assert sigmoid.tolist() == [True, False, False, False, True]
    assert relu.tolist() == [True, True, True, False, False]
    assert torch.equal(Tanh().flat(torch.tanh(x / 2)), sigmoid)


@pytest.mark.parametrize("layer", [Tanh(), Sigmoid()])
def test_the_range_of_a_bounded_activation_is_that_of_its_largest_outputs(
    layer: Tanh | Sigmoid,
) -> None:
    out = layer.forward(torch.tensor([-200.0, 0.0, 200.0]))
    assert layer.bounds(out) == (float(out[0]), float(out[2]))


def test_relus_range_is_that_of_its_outputs() -> None:
    assert ReLU().bounds(torch.tensor([0.0, 3.0])) == (0.0, 3.0)
    assert ReLU().bounds(torch.tensor([0.0, torch.inf, torch.nan])) == (0.0, 1e-6)


@pytest.mark.parametrize("name", ["batchnorm", "ghost", "groupnorm"])
def test_a_bypassed_normalization_is_the_identity_and_keeps_what_it_has(name: str) -> None:
    layer = LAYERS[name][0]()
    assert isinstance(layer, Normalization)
    x = numbers(N, HIDDEN)
    layer.backward(layer.forward(x))
    module = layer.module
    held = [*layer.params, *(module.buffers() if isinstance(module, BatchNorm1d) else [])]
    kept = [t.clone() for t in held]
    layer.on = False
    assert torch.equal(layer.forward(x), x)
    assert torch.equal(layer.compute(x, training=False), x)
    assert torch.equal(layer.backward(x), x)
    assert not any(grad.any() for grad in layer.param_grads)
    assert all(torch.equal(one, other) for one, other in zip(kept, held, strict=True))
    if isinstance(layer, BatchNorm):
        assert layer.statistics()[[0, 2]].isnan().all()
