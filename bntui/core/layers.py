"""The layers of a character MLP, each its formula forward and backward; no autograd is used.

`compute` is the formula alone and leaves no trace, so that probes may use it. `forward` is a
training step's: it keeps `out` and what the backward needs. `backward` takes and keeps `grad`, the
loss's gradient at `out` (the sum over the batch's mean), writes the parameters' gradients into
`param_grads` and returns the gradient at the input.

At these sizes a step's cost is the number of tensor operations, at 1 to 5 microseconds each, more
than what they compute; so a formula is written in as few as it takes.
"""

import torch
from torch import Generator, Tensor

from bntui.core import batchnorm
from bntui.core.batchnorm import BatchNorm1d, Saved


class Layer:
    """A stage of the network; `params` are what it learns, `param_grads` their gradients."""

    out: Tensor
    grad: Tensor

    def __init__(self, *params: Tensor) -> None:
        self.params = params
        self.param_grads = tuple(torch.zeros_like(param) for param in params)

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """The layer's output for x; nothing is kept or moved."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output for a training batch, kept as `out`."""
        self.x = x
        self.out = self.compute(x, training=True)
        return self.out

    def backward(self, grad: Tensor) -> Tensor:
        """From the gradient at `out` to that at x."""
        raise NotImplementedError


class Embedding(Layer):
    """A row of C for each character, side by side: (N, block_size) to (N, block_size * emb)."""

    def __init__(self, vocabulary: int, emb: int, generator: Generator) -> None:
        self.C = torch.randn(vocabulary, emb, generator=generator)
        super().__init__(self.C)

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out[n] = C[x[n, 0]], C[x[n, 1]], ..."""
        return self.C.index_select(0, x.flatten()).view(x.shape[0], -1)

    def backward(self, grad: Tensor) -> Tensor:
        """A row's gradient is the sum over its occurrences; characters have none."""
        self.grad = grad
        (grad_c,) = self.param_grads
        rows = grad.view(-1, grad_c.shape[1])
        grad_c.zero_().index_add_(0, self.x.flatten(), rows)
        return grad


class Linear(Layer):
    """out = x W + b, unit normal at first: (N, fan_in) to (N, fan_out)."""

    def __init__(self, fan_in: int, fan_out: int, generator: Generator) -> None:
        self.W = torch.randn(fan_in, fan_out, generator=generator)
        self.b = torch.randn(fan_out, generator=generator)
        super().__init__(self.W, self.b)

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out = x W + b."""
        return torch.addmm(self.b, x, self.W)

    def backward(self, grad: Tensor) -> Tensor:
        """dW = x^T grad, db = sum of grad's rows, dx = grad W^T."""
        self.grad = grad
        grad_w, grad_b = self.param_grads
        torch.mm(self.x.T, grad, out=grad_w)
        torch.sum(grad, 0, out=grad_b)
        return torch.mm(grad, self.W.T)


class BatchNorm(Layer):
    """The shared BatchNorm1d as a layer: (N, C) to (N, C).

    `saved` holds the batch's statistics of the last training step.
    """

    saved: Saved

    def __init__(self, bn: BatchNorm1d) -> None:
        self.bn = bn
        self.running_mean, self.running_var = (
            bn.get_buffer("running_mean"),
            bn.get_buffer("running_var"),
        )
        super().__init__(*(param.requires_grad_(False) for param in bn.parameters()))

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """As BatchNorm1d, but the running statistics stay put."""
        out, _ = self.bn.normalize(x, training, update=False)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """As BatchNorm1d in training; the running statistics move."""
        self.out, self.saved = self.bn.normalize(x, training=True)
        return self.out

    def statistics(self) -> Tensor:
        """(4, C), after a step: batch mean, running mean, batch variance, running variance."""
        return torch.stack([self.saved.mean, self.running_mean, self.saved.var, self.running_var])

    def backward(self, grad: Tensor) -> Tensor:
        """See `batchnorm.backward`."""
        self.grad = grad
        grad_x, *param_grads = batchnorm.backward(self.saved, grad)
        for kept, new in zip(self.param_grads, param_grads, strict=False):
            if new is not None:
                kept.copy_(new)
        return grad_x


class Tanh(Layer):
    """out = tanh(x), any shape."""

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out = tanh(x)."""
        return torch.tanh(x)

    def backward(self, grad: Tensor) -> Tensor:
        """dx = grad (1 - out^2)."""
        self.grad = grad
        return torch.addcmul(grad, grad * self.out, self.out, value=-1)


class CrossEntropy:
    """Mean negative log likelihood of the targets (N,) under logits (N, vocabulary)."""

    def compute(self, logits: Tensor, targets: Tensor) -> Tensor:
        """loss () = mean over n of logsumexp(logits[n]) - logits[n, target]."""
        return torch.nn.functional.cross_entropy(logits, targets)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of a training batch; the log likelihoods are kept as `out`."""
        self.targets = targets
        self.out = torch.log_softmax(logits, 1)
        return torch.nn.functional.nll_loss(self.out, targets)

    def backward(self) -> Tensor:
        """dlogits = (softmax - onehot) / N."""
        grad = self.out.exp().scatter_(1, self.targets[:, None], -1, reduce="add")
        return grad.mul_(1 / grad.shape[0])
