"""The layers of a character MLP, each its formula forward and backward; no autograd is used.

`compute` is the formula alone and leaves no trace, so that probes may use it. `forward` is a
training step's: it keeps `out` and what the backward needs. `backward` takes and keeps `grad`, the
loss's gradient at `out` (the sum over the batch's mean), writes the parameters' gradients into
`param_grads` and returns the gradient at the input.

At these sizes a step's cost is the number of tensor operations, at 1 to 5 microseconds each, more
than what they compute; so a formula is written in as few as it takes.
"""

import torch
from torch import Tensor


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

    def __init__(self, C: Tensor) -> None:  # noqa: N803 (the field's name)
        self.C = C
        super().__init__(C)

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
    """out = x W + b, or x W without a bias: (N, fan_in) to (N, fan_out).

    Before a normalization over the batch a bias is dead: the mean takes it away again, and its
    gradient is 0 but for rounding.
    """

    def __init__(self, W: Tensor, b: Tensor | None) -> None:  # noqa: N803 (the field's name)
        self.W, self.b = W, b
        super().__init__(W, *([] if b is None else [b]))

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out = x W + b."""
        return x @ self.W if self.b is None else torch.addmm(self.b, x, self.W)

    def backward(self, grad: Tensor) -> Tensor:
        """dW = x^T grad, db = sum of grad's rows, dx = grad W^T."""
        self.grad = grad
        torch.mm(self.x.T, grad, out=self.param_grads[0])
        if self.b is not None:
            torch.sum(grad, 0, out=self.param_grads[1])
        return torch.nn.functional.linear(grad, self.W)


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
        grad = self.out.exp().scatter_(1, self.targets.unsqueeze(1), -1, reduce="add")
        return grad.mul_(1 / grad.shape[0])
