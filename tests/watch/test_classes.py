"""The classes of a batch, read off the gradient at its logits."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from bntui.watch.classes import READABLE, targets

Y = torch.tensor([0, 3, 3, 1])
ONE_HOT = one_hot(Y, 4).float()


def gradient(logits: Tensor, loss: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(loss, logits)
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 0.5, 1.0])])
def test_cross_entropy_tells_each_target(dtype: torch.dtype, weight: Tensor | None) -> None:
    logits = torch.randn(4, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    logits.requires_grad_()
    weighed = weight if weight is None else weight.to(dtype)
    found = targets(gradient(logits, 3 * cross_entropy(logits, Y, weighed)))
    assert found.tolist() == ONE_HOT.tolist()


def test_soft_targets_another_loss_and_certain_examples_tell_little() -> None:
    drawn = torch.Generator().manual_seed(0)
    y = one_hot(torch.randint(4, (64,), generator=drawn), 4).float()
    logits = torch.randn(64, 4, generator=drawn).requires_grad_()
    certain = (100 * y).requires_grad_()
    for at, loss in (
        (logits, cross_entropy(logits, 0.6 * y + 0.4 * y.roll(1, 0))),
        (logits, mse_loss(logits, y)),
        (certain, cross_entropy(certain, y.argmax(1))),
    ):
        assert targets(gradient(at, loss)).sum(1).mean() < READABLE
