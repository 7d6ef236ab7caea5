"""Every layer's forward and backward against autograd."""

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor, nn

from bntui.core.batchnorm import BatchNorm1d
from bntui.core.layers import BatchNorm, CrossEntropy, Embedding, Layer, Linear, Tanh

N, BLOCK, VOCABULARY, EMB, HIDDEN = 7, 3, 11, 4, 5


def generator() -> Generator:
    return Generator().manual_seed(3)


def batchnorm() -> BatchNorm:
    layer = BatchNorm(BatchNorm1d(HIDDEN))
    for param in layer.params:
        param.uniform_(0.5, 2.0, generator=generator())
    return layer


def torch_batchnorm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return nn.functional.batch_norm(x, None, None, gamma, beta, training=True)


LAYERS: dict[str, tuple[Callable[[], Layer], Callable[..., Tensor]]] = {
    "linear": (lambda: Linear(HIDDEN, 6, generator()), lambda x, w, b: x @ w + b),
    "tanh": (Tanh, torch.tanh),
    "batchnorm": (batchnorm, torch_batchnorm),
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
    layer = Embedding(VOCABULARY, EMB, generator())
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
