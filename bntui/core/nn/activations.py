"""What makes a stack of linear layers more than one: tanh, sigmoid, relu, any shape.

Each knows where it is flat: there no gradient comes through, or next to none.
"""

import torch
from torch import Tensor

from bntui.core.nn.layers import Layer

SATURATED = 0.97
"""|tanh| beyond it is flat (makemore part 3)."""


class Activation(Layer):
    """An elementwise layer whose outputs lie from `low` to `high`, where there is such a bound."""

    low: float
    high: float | None

    def bounds(self, out: Tensor) -> tuple[float, float]:
        """The range of these outputs: `low`, and `high` or the largest finite one, if above 0."""
        if self.high is not None:
            return self.low, self.high
        largest = torch.where(out.isfinite(), out, 0.0).max()
        return self.low, max(float(largest), 1e-6)

    def flat(self, out: Tensor) -> Tensor:
        """Where outputs (any shape) are flat, as booleans of that shape."""
        raise NotImplementedError


class Tanh(Activation):
    """out = tanh(x)."""

    low, high = -1.0, 1.0

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out = tanh(x)."""
        return torch.tanh(x)

    def backward(self, grad: Tensor) -> Tensor:
        """dx = grad (1 - out^2)."""
        self.grad = grad
        return torch.addcmul(grad, grad * self.out, self.out, value=-1)

    def flat(self, out: Tensor) -> Tensor:
        """|out| > 0.97."""
        return out.abs() > SATURATED


class Sigmoid(Activation):
    """out = 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2."""

    low, high = 0.0, 1.0

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out = 1 / (1 + exp(-x))."""
        return torch.sigmoid(x)

    def backward(self, grad: Tensor) -> Tensor:
        """dx = grad out (1 - out)."""
        self.grad = grad
        return grad * self.out * (1 - self.out)

    def flat(self, out: Tensor) -> Tensor:
        """Beyond tanh's bounds, scaled to (0.015, 0.985)."""
        return (2 * out - 1).abs() > SATURATED


class ReLU(Activation):
    """out = max(x, 0)."""

    low, high = 0.0, None

    def compute(self, x: Tensor, training: bool) -> Tensor:
        """out = max(x, 0)."""
        return torch.relu(x)

    def backward(self, grad: Tensor) -> Tensor:
        """dx = grad where out > 0; at 0 the derivative is taken to be 0, as torch does."""
        self.grad = grad
        return grad * (self.out > 0)

    def flat(self, out: Tensor) -> Tensor:
        """out = 0."""
        return out == 0


ACTIVATIONS: dict[str, type[Activation]] = {"tanh": Tanh, "sigmoid": Sigmoid, "relu": ReLU}
