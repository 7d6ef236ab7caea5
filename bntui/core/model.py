"""The character model of the makemore lectures, as a list of layers."""

import torch
from torch import Tensor

from bntui.config import RunConfig
from bntui.core.batchnorm import BatchNorm1d
from bntui.core.layers import BatchNorm, CrossEntropy, Embedding, Layer, Linear, Tanh


class CharMLP:
    """Embedding, then `depth` times Linear, BatchNorm (or not) and Tanh, then Linear to logits.

    Y. Bengio et al., "A Neural Probabilistic Language Model" (2003), as in makemore part 2 and 3.
    Numbers are drawn in the notebook's order: C, W1, b1, W2, b2, ...; a Linear before a BatchNorm
    keeps its bias, as there.
    """

    def __init__(
        self, config: RunConfig, vocabulary: int, batchnorm: bool, generator: torch.Generator
    ) -> None:
        self.layers: list[Layer] = [Embedding(vocabulary, config.emb, generator)]
        fan_in = config.block_size * config.emb
        for _ in range(config.depth):
            self.layers.append(Linear(fan_in, config.hidden, generator))
            if batchnorm:
                bn = BatchNorm1d(config.hidden, config.eps, config.momentum)
                self.layers.append(BatchNorm(bn))
            self.layers.append(Tanh())
            fan_in = config.hidden
        self.layers.append(Linear(fan_in, vocabulary, generator))
        self.cross_entropy = CrossEntropy()
        self.params = lay_flat([param for layer in self.layers for param in layer.params])
        self.param_grads = lay_flat([grad for layer in self.layers for grad in layer.param_grads])

    @property
    def batchnorms(self) -> list[BatchNorm]:
        """The BatchNorm layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, BatchNorm)]

    def train_step(self, contexts: Tensor, targets: Tensor, lr: float) -> Tensor:
        """One step of plain SGD; the loss () before it."""
        x = contexts
        for layer in self.layers:
            x = layer.forward(x)
        loss = self.cross_entropy.forward(x, targets)
        grad = self.cross_entropy.backward()
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        self.params.sub_(self.param_grads, alpha=lr)
        return loss

    def hidden(self, contexts: Tensor, layer: int, training: bool) -> Tensor:
        """What hidden layer `layer`'s tanh gives (N, hidden), leaving no trace."""
        x = contexts
        passed = -1
        for each in self.layers:
            x = each.compute(x, training)
            passed += isinstance(each, Tanh)
            if passed == layer:
                break
        return x

    def loss(self, contexts: Tensor, targets: Tensor, training: bool) -> Tensor:
        """The loss () in either mode, leaving no trace."""
        x = contexts
        for layer in self.layers:
            x = layer.compute(x, training)
        return self.cross_entropy.compute(x, targets)


def lay_flat(tensors: list[Tensor]) -> Tensor:
    """One row of all their numbers; the tensors are from now on views of it.

    One operation then works on all of them at once. `copy.deepcopy` of whatever holds both keeps
    them so.
    """
    row = torch.cat([tensor.detach().flatten() for tensor in tensors])
    parts = torch.split(row, [tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.data = part.view_as(tensor)
    return row
