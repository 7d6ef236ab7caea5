"""The character model of the makemore lectures, as a list of layers."""

import copy

import torch
from torch import Tensor

from bntui.config.schema import Norm, RunConfig
from bntui.core.nn.activations import Activation
from bntui.core.nn.builder import Builder
from bntui.core.nn.layers import CrossEntropy
from bntui.core.nn.normalization import BatchNorm, Normalization


class CharMLP:
    """Embedding, then Linear, normalization (or none) and activation, then Linear to logits.

    Y. Bengio et al., "A Neural Probabilistic Language Model" (2003), as in makemore part 2 and 3;
    see `build` for its layers and their first numbers.
    """

    def __init__(
        self, config: RunConfig, vocabulary: int, norm: Norm, generator: torch.Generator
    ) -> None:
        self.layers = Builder(config, vocabulary, norm, generator).layers()
        self.cross_entropy = CrossEntropy()
        self._lay_flat()

    def _lay_flat(self) -> None:
        self.params = lay_flat([param for layer in self.layers for param in layer.params])
        self.param_grads = lay_flat([grad for layer in self.layers for grad in layer.param_grads])

    def fork(self) -> "CharMLP":
        """A copy that shares nothing."""
        fork = copy.deepcopy(self)
        fork._lay_flat()  # nn.Parameter copies itself apart from what it is a view of
        return fork

    @property
    def normalizations(self) -> list[Normalization]:
        """The normalizing layers, first to last; that of the logits, if any, comes last."""
        return [layer for layer in self.layers if isinstance(layer, Normalization)]

    @property
    def batchnorms(self) -> list[BatchNorm]:
        """The BatchNorm layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, BatchNorm)]

    @property
    def activations(self) -> list[Activation]:
        """The activations of the hidden layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, Activation)]

    def gradients(self, contexts: Tensor, targets: Tensor) -> Tensor:
        """Write a training batch's gradients into `param_grads`; the loss ()."""
        x = contexts
        for layer in self.layers:
            x = layer.forward(x)
        loss = self.cross_entropy.forward(x, targets)
        grad = self.cross_entropy.backward()
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return loss

    def hidden(self, contexts: Tensor, layer: int, training: bool) -> Tensor:
        """What hidden layer `layer`'s activation gives (N, hidden), leaving no trace."""
        x = contexts
        passed = -1
        for each in self.layers:
            x = each.compute(x, training)
            passed += isinstance(each, Activation)
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

    One operation then works on all of them at once.
    """
    row = torch.cat([tensor.detach().flatten() for tensor in tensors])
    parts = torch.split(row, [tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.data = part.view_as(tensor)
    return row
