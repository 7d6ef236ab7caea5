"""GroupNorm and LayerNorm against torch's: forward and backward."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bntui.core.nn.groupnorm import GroupNorm, LayerNorm, backward

ROWS, SEEDS = st.integers(1, 9), st.integers(0, 2**32)


def numbers(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator) * 3 + 2


def compared(ours: GroupNorm, theirs: nn.GroupNorm | nn.LayerNorm, rows: int, seed: int) -> None:
    """Outputs and all gradients are torch's."""
    ours.gamma, ours.beta = numbers(ours.dim, seed=seed + 1), numbers(ours.dim, seed=seed + 2)
    theirs.weight.data, theirs.bias.data = ours.gamma.clone(), ours.beta.clone()
    x = numbers(rows, ours.dim, seed=seed).requires_grad_()
    upstream = numbers(rows, ours.dim, seed=seed + 3)
    wanted = theirs(x)
    wanted.backward(upstream)
    out, saved = ours.normalize(x.detach())
    torch.testing.assert_close(out, wanted.detach())
    expected = [x.grad, theirs.weight.grad, theirs.bias.grad]
    torch.testing.assert_close([*backward(saved, upstream)], expected)


@given(rows=ROWS, groups=st.integers(1, 4), size=st.integers(2, 5), seed=SEEDS)
@pytest.mark.parametrize("eps", [1e-5, 0.1, 0.0])
def test_groupnorm_agrees_with_torch(
    eps: float, rows: int, groups: int, size: int, seed: int
) -> None:
    dim = groups * size
    ours = GroupNorm(dim, groups, eps, dtype=torch.float64)
    compared(ours, nn.GroupNorm(groups, dim, eps, dtype=torch.float64), rows, seed)


@given(rows=ROWS, dim=st.integers(2, 12), seed=SEEDS)
@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_layernorm_agrees_with_torch(eps: float, rows: int, dim: int, seed: int) -> None:
    ours = LayerNorm(dim, eps, dtype=torch.float64)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float64}
    compared(ours, nn.LayerNorm(dim, eps, dtype=torch.float64), rows, seed)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_rows_of_equal_values_agree_with_torch(rows: int) -> None:
    x = torch.full((rows, 6), 0.5, dtype=torch.float64)
    wanted = nn.GroupNorm(2, 6, dtype=torch.float64)(x)
    out, _ = GroupNorm(6, 2, dtype=torch.float64).normalize(x)
    torch.testing.assert_close(out, wanted.detach())


@pytest.mark.parametrize("norm", [GroupNorm(6, 2, 0.0), GroupNorm(6, 6, 0.0), LayerNorm(6, 0.0)])
def test_without_eps_equal_values_give_beta_and_no_gradient(norm: GroupNorm) -> None:
    norm.beta = torch.arange(6.0)
    out, saved = norm.normalize(torch.full((2, 6), 0.5))
    assert torch.equal(out, torch.arange(6.0).expand(2, 6))
    assert torch.equal(backward(saved, torch.ones(2, 6))[0], torch.zeros(2, 6))


def test_a_row_depends_on_no_other() -> None:
    norm, x = GroupNorm(6, 3), torch.randn(5, 6)
    alone = torch.cat([norm.normalize(row[None])[0] for row in x])
    torch.testing.assert_close(norm.normalize(x)[0], alone)


@pytest.mark.parametrize(("dim", "groups"), [(6, 4), (6, 0), (0, 1)])
def test_groups_that_do_not_divide_are_refused(dim: int, groups: int) -> None:
    with pytest.raises(ValueError, match=f"groups is {groups}"):
        GroupNorm(dim, groups)
