"""Plain PyTorch to compare with: the notebook's loop, and the same with torch's own modules.

Both train two networks in lockstep on the same batches, without and with batch normalization.
"""

from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from bntui.config.schema import RunConfig
from bntui.core.training.dataset import Dataset


class Notebook:
    """Plain tensors, autograd, and SGD written by hand."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.losses: tuple[list[float], list[float]] = ([], [])
        self._config = config
        self._contexts, self._targets = dataset.first(len(dataset))
        vocabulary = len(dataset.vocabulary)
        self._networks = [
            PlainNetwork(config, vocabulary, batchnorm) for batchnorm in (False, True)
        ]

    def advance(self, steps: int) -> None:
        """So many steps of both networks."""
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        for network, losses in zip(self._networks, self.losses, strict=True):
            size = (self._config.batch_size,)
            ix = torch.randint(0, len(self._targets), size, generator=network.generator)
            loss = functional.cross_entropy(network.logits(self._contexts[ix]), self._targets[ix])
            for param in network.params:
                param.grad = None
            loss.backward()
            for param in network.params:
                if param.grad is not None:
                    param.data += -self._config.lr * param.grad
            losses.append(loss.item())


class PlainNetwork:
    """Weights in lists, and the formulas in a row."""

    def __init__(self, config: RunConfig, vocabulary: int, batchnorm: bool) -> None:
        self.generator = Generator().manual_seed(config.seed)
        self._batchnorm = batchnorm
        sizes = [config.block_size * config.emb, *[config.hidden] * config.depth, vocabulary]
        self.table = self._normal(vocabulary, config.emb)
        self.weights = [self._normal(*pair) for pair in pairwise(sizes)]
        self.biases = [self._normal(size) for size in sizes[1:]]
        hidden = range(config.depth if batchnorm else 0)
        self.gammas = [torch.ones(config.hidden) for _ in hidden]
        self.betas = [torch.zeros(config.hidden) for _ in hidden]
        self.running_means = [torch.zeros(config.hidden) for _ in hidden]
        self.running_vars = [torch.ones(config.hidden) for _ in hidden]
        self.params = [self.table, *self.weights, *self.biases, *self.gammas, *self.betas]
        for param in self.params:
            param.requires_grad = True

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def logits(self, contexts: Tensor) -> Tensor:
        """The forward pass in training mode."""
        x = self.table[contexts].view(len(contexts), -1)
        for i in range(len(self.weights) - 1):
            x = x @ self.weights[i] + self.biases[i]
            x = torch.tanh(self._normalized(x, i) if self._batchnorm else x)
        return x @ self.weights[-1] + self.biases[-1]

    def _normalized(self, x: Tensor, i: int) -> Tensor:
        mean = x.mean(0, keepdim=True)
        var = x.var(0, keepdim=True, unbiased=False)
        with torch.no_grad():
            self.running_means[i] = 0.9 * self.running_means[i] + 0.1 * mean.squeeze()
            self.running_vars[i] = 0.9 * self.running_vars[i] + 0.1 * var.squeeze()
        x_hat = (x - mean) / torch.sqrt(var + 1e-5)
        return self.gammas[i] * x_hat + self.betas[i]


class Modules:
    """`nn.Module`s, `nn.BatchNorm1d` and `optim.SGD`."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.losses: tuple[list[float], list[float]] = ([], [])
        self._config = config
        self._contexts, self._targets = dataset.first(len(dataset))
        self._generator = Generator().manual_seed(config.seed)
        vocabulary = len(dataset.vocabulary)
        self._networks = [_modules(config, vocabulary, batchnorm) for batchnorm in (False, True)]
        self._optimizers = [
            torch.optim.SGD(network.parameters(), lr=config.lr) for network in self._networks
        ]

    def advance(self, steps: int) -> None:
        """So many steps of both networks."""
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        size = (self._config.batch_size,)
        ix = torch.randint(0, len(self._targets), size, generator=self._generator)
        contexts, targets = self._contexts[ix], self._targets[ix]
        learners = zip(self._networks, self._optimizers, self.losses, strict=True)
        for network, optimizer, losses in learners:
            loss = functional.cross_entropy(network(contexts), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())


def _modules(config: RunConfig, vocabulary: int, batchnorm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Embedding(vocabulary, config.emb), nn.Flatten()]
    fan_in = config.block_size * config.emb
    for _ in range(config.depth):
        layers.append(nn.Linear(fan_in, config.hidden))
        if batchnorm:
            layers.append(nn.BatchNorm1d(config.hidden, config.eps, config.momentum))
        layers.append(nn.Tanh())
        fan_in = config.hidden
    return nn.Sequential(*layers, nn.Linear(fan_in, vocabulary))
