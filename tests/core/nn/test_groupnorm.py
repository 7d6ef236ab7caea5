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
    """Outputs and all gradients agree, by autograd and by hand."""
    dim = ours.dim
    ours.gamma.data = numbers(dim, seed=seed + 1)
    ours.beta.data = numbers(dim, seed=seed + 2)
    theirs.weight.data, theirs.bias.data = ours.gamma.data.clone(), ours.beta.data.clone()
    x, y = (numbers(rows, dim, seed=seed).requires_grad_() for _ in range(2))
    upstream = numbers(rows, dim, seed=seed + 3)
    out, wanted = ours(x), theirs(y)
    torch.testing.assert_close(out, wanted)
    out.backward(upstream)
    wanted.backward(upstream)
    gradients = [x.grad, ours.gamma.grad, ours.beta.grad]
    torch.testing.assert_close(gradients, [y.grad, theirs.weight.grad, theirs.bias.grad])
    with torch.inference_mode():
        by_hand, saved = ours.normalize(x.detach())
        assert torch.equal(by_hand, out)
        torch.testing.assert_close([*backward(saved, upstream)], gradients, rtol=0, atol=0)


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
    compared(ours, nn.LayerNorm(dim, eps, dtype=torch.float64), rows, seed)


@pytest.mark.parametrize("norm", [LayerNorm(6, dtype=torch.float64), GroupNorm(6, 2, 0.3).double()])
def test_the_backward_is_the_derivative_of_the_forward(norm: GroupNorm) -> None:
    norm.gamma.data = numbers(6, seed=1)
    assert torch.autograd.gradcheck(norm, numbers(4, 6, seed=2).requires_grad_())


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_rows_of_equal_values_agree_with_torch(rows: int) -> None:
    x = torch.full((rows, 6), 0.5, dtype=torch.float64)
    compare = nn.GroupNorm(2, 6, dtype=torch.float64)
    torch.testing.assert_close(GroupNorm(6, 2, dtype=torch.float64)(x), compare(x))


@pytest.mark.parametrize("norm", [GroupNorm(6, 2, 0.0), GroupNorm(6, 6, 0.0), LayerNorm(6, 0.0)])
def test_without_eps_equal_values_give_beta_and_no_gradient(norm: GroupNorm) -> None:
    norm.beta.data = torch.arange(6.0)
    x = torch.full((2, 6), 0.5).requires_grad_()
    out = norm(x)
    out.sum().backward()
    assert torch.equal(out, torch.arange(6.0).expand(2, 6))
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros(2, 6))


def test_a_row_depends_on_no_other() -> None:
    norm, x = GroupNorm(6, 3), torch.randn(5, 6)
    torch.testing.assert_close(norm(x), torch.cat([norm(row[None]) for row in x]))


@pytest.mark.parametrize(
    ("dim", "groups", "eps"), [(6, 4, 0.1), (6, 0, 0.1), (0, 1, 0.1), (6, 2, -1)]
)
def test_impossible_settings_are_refused(dim: int, groups: int, eps: float) -> None:
    with pytest.raises(ValueError, match="but it takes"):
        GroupNorm(dim, groups, eps)


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 5\), but it takes \(N, 6\)"):
        GroupNorm(6, 2)(torch.zeros(2, 5))
