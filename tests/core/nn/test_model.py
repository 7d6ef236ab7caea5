"""The whole network against the same one in torch."""

import msgspec
import pytest
import torch
from torch import Tensor, nn

from bntui.config.schema import NOTEBOOK_WORDS, Norm, RunConfig
from bntui.core.nn.activations import Tanh
from bntui.core.nn.layers import Embedding, Linear
from bntui.core.nn.model import CharMLP
from bntui.core.nn.normalization import BatchNorm
from bntui.core.training.dataset import Dataset

CONFIG = RunConfig(hidden=13, emb=4, lr=0.05)


def in_torch(model: CharMLP) -> nn.Sequential:
    """The same weights in torch's own layers."""
    layers: list[nn.Module] = []
    for layer in model.layers:
        if isinstance(layer, Embedding):
            embedding = nn.Embedding(layer.C.shape[0], layer.C.shape[1])
            embedding.weight.data = layer.C.clone()
            layers += [embedding, nn.Flatten()]
        elif isinstance(layer, Linear):
            linear = nn.Linear(*layer.W.shape)
            assert layer.b is not None
            linear.weight.data, linear.bias.data = layer.W.T.clone(), layer.b.clone()
            layers.append(linear)
        elif isinstance(layer, BatchNorm):
            layers.append(layer.bn.to_torch())
        else:
            layers.append(nn.Tanh())
    return nn.Sequential(*layers).requires_grad_()


def batch() -> tuple[Tensor, Tensor]:
    return Dataset(NOTEBOOK_WORDS, 3, "inside").first(32)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("norm", ["none", "bn"])
def test_twenty_steps_of_sgd_agree_with_torch(depth: int, norm: Norm) -> None:
    config = msgspec.structs.replace(CONFIG, depth=depth)
    model = CharMLP(config, 21, norm, torch.Generator().manual_seed(1))
    # The tails of unit normal weights saturate a deep stack; smaller ones make a better comparison.
    for layer in model.layers:
        if isinstance(layer, Linear):
            layer.W.mul_(0.3)
    twin = in_torch(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=config.lr)
    contexts, targets = batch()
    for _ in range(20):
        loss = nn.functional.cross_entropy(twin(contexts), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.inference_mode():
            ours = model.gradients(contexts, targets)
            model.params.sub_(model.param_grads, alpha=config.lr)
        assert ours.item() == pytest.approx(loss.item(), rel=1e-3)


def test_depth_is_the_number_of_hidden_layers() -> None:
    config = msgspec.structs.replace(CONFIG, depth=3)
    model = CharMLP(config, 21, "bn", torch.Generator())
    kinds = [type(layer) for layer in model.layers]
    assert kinds == [Embedding, *[Linear, BatchNorm, Tanh] * 3, Linear]
    assert len(model.batchnorms) == 3


def test_hidden_gives_the_layer_asked_for() -> None:
    config = msgspec.structs.replace(CONFIG, depth=3)
    model = CharMLP(config, 21, "bn", torch.Generator().manual_seed(1))
    contexts, targets = batch()
    with torch.inference_mode():
        model.gradients(contexts, targets)
        tanhs = [layer for layer in model.layers if isinstance(layer, Tanh)]
        for i, layer in enumerate(tanhs):
            assert torch.equal(model.hidden(contexts, i, training=True), layer.out)


def test_an_evaluated_row_does_not_depend_on_its_neighbours() -> None:
    model = CharMLP(CONFIG, 21, "bn", torch.Generator().manual_seed(1))
    contexts, targets = batch()
    with torch.inference_mode():
        for _ in range(5):
            model.gradients(contexts, targets)
            model.params.sub_(model.param_grads, alpha=0.1)
        alone = torch.stack(
            [model.loss(contexts[i : i + 1], targets[i : i + 1], training=False) for i in range(8)]
        ).mean()
        assert model.loss(contexts[:8], targets[:8], training=False) == pytest.approx(
            alone.item(), rel=1e-5
        )
