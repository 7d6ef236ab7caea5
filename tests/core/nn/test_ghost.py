"""Ghost batches against torch's BatchNorm1d, applied to one part after another."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bntui.core.nn.batchnorm import TORCH, BatchNorm1d
from bntui.core.nn.ghost import GhostBatchNorm

DIM = 3


def numbers(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator) * 3 + 2


@st.composite
def batches(draw: st.DrawFn) -> tuple[int, int]:
    """Rows, and the size of a part, so that none has one row, which torch refuses."""
    size = draw(st.integers(2, 5))
    return draw(st.integers(2, 17).filter(lambda rows: rows % size != 1)), size


@given(batch=batches(), seed=st.integers(0, 999))
@pytest.mark.parametrize("momentum", [0.1, 1.0, None])
def test_each_part_is_a_batch_of_its_own(
    momentum: float | None, batch: tuple[int, int], seed: int
) -> None:
    rows, size = batch
    theirs = nn.BatchNorm1d(DIM, momentum=momentum, dtype=torch.float64)
    bn = BatchNorm1d(DIM, momentum=momentum, correction=TORCH, dtype=torch.float64)
    ours = GhostBatchNorm(bn, size)
    x = numbers(rows, DIM, seed=seed).requires_grad_()
    upstream = numbers(rows, DIM, seed=seed + 1)
    wanted = torch.cat([theirs(x[i : i + size]) for i in range(0, rows, size)])
    wanted.backward(upstream)
    with torch.no_grad():
        torch.testing.assert_close(ours.compute(x, training=True), wanted)
        torch.testing.assert_close(ours.forward(x), wanted)
        torch.testing.assert_close(ours.backward(upstream), x.grad)
    torch.testing.assert_close([*ours.param_grads], [theirs.weight.grad, theirs.bias.grad])
    for name, buffer in theirs.named_buffers():
        torch.testing.assert_close(bn.get_buffer(name), buffer)


@torch.no_grad()
def test_evaluation_is_that_of_batchnorm() -> None:
    bn = BatchNorm1d(DIM)
    ghost = GhostBatchNorm(bn, 2)
    x = torch.randn(8, DIM)
    ghost.forward(x)
    assert torch.equal(ghost.compute(x, training=False), bn(x, training=False))


@torch.no_grad()
def test_parts_of_one_give_beta() -> None:
    ghost = GhostBatchNorm(BatchNorm1d(DIM), 1)
    assert torch.equal(ghost.forward(torch.randn(4, DIM)), torch.zeros(4, DIM))


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size is 0"):
        GhostBatchNorm(BatchNorm1d(DIM), 0)
