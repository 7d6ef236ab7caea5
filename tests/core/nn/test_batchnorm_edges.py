"""What happens at the edges of BatchNorm1d, and what holds for any batch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bntui.core.nn import batchnorm
from bntui.core.nn.batchnorm import LECTURE, LECTURE_STD, NOTEBOOK, TORCH, BatchNorm1d, Correction

CONVENTIONS = [NOTEBOOK, TORCH, LECTURE, LECTURE_STD]
ROWS = st.integers(2, 40)
SEEDS = st.integers(0, 2**32)


def batch(rows: int, seed: int, dim: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, dim, dtype=torch.float64, generator=generator)


def learned(seed: int, correction: Correction = NOTEBOOK, eps: float = 1e-12) -> BatchNorm1d:
    bn = BatchNorm1d(4, eps, correction=correction, dtype=torch.float64)
    assert bn.gamma is not None
    assert bn.beta is not None
    bn.gamma.data, bn.beta.data = batch(2, seed)
    return bn


def buffers_are_finite(bn: BatchNorm1d) -> bool:
    return all(bool(torch.isfinite(buffer).all()) for buffer in bn.buffers())


@pytest.mark.parametrize("correction", CONVENTIONS)
@given(rows=ROWS, seed=SEEDS)
def test_a_training_batch_comes_out_with_mean_beta_and_deviation_gamma(
    correction: Correction, rows: int, seed: int
) -> None:
    bn = learned(seed, correction)
    x = batch(rows, seed + 1)
    out = bn(x)
    torch.testing.assert_close(out.mean(0), bn.beta)
    assert bn.gamma is not None
    var = x.var(0, correction=correction.normalizing)
    # Two rows may be so close that eps is not small beside their variance.
    expected = bn.gamma.abs() * (var / (var + bn.eps)).sqrt()
    deviation = out.std(0, correction=correction.normalizing)
    torch.testing.assert_close(deviation, expected, rtol=1e-6, atol=1e-9)


@given(rows=ROWS, seed=SEEDS, scale=st.floats(0.1, 100), shift=st.floats(-100, 100))
def test_scaling_and_shifting_the_input_changes_nothing(
    rows: int, seed: int, scale: float, shift: float
) -> None:
    bn, x = learned(seed, eps=0.0), batch(rows, seed + 1)
    torch.testing.assert_close(bn(x * scale + shift), bn(x), rtol=1e-5, atol=1e-6)


@given(rows=ROWS, seed=SEEDS)
def test_permuting_rows_permutes_the_output(rows: int, seed: int) -> None:
    bn, x = learned(seed), batch(rows, seed + 1)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(bn(x[order]), bn(x)[order])


@given(rows=st.integers(3, 40), seed=SEEDS)
def test_the_gradient_has_no_part_along_one_or_along_the_output(rows: int, seed: int) -> None:
    bn, x = BatchNorm1d(4, 1e-12, dtype=torch.float64), batch(rows, seed).requires_grad_()
    out = bn(x)
    out.backward(batch(rows, seed + 1))
    assert x.grad is not None
    zero = torch.zeros(4, dtype=torch.float64)
    scale = float(x.grad.abs().max()) + 1e-9
    torch.testing.assert_close(x.grad.sum(0) / scale, zero, rtol=0, atol=1e-6)
    torch.testing.assert_close((x.grad * out).sum(0).detach() / scale, zero, rtol=0, atol=1e-6)


@given(momentum=st.floats(0, 1), seed=SEEDS)
def test_the_running_mean_is_the_moving_average_of_the_formula(momentum: float, seed: int) -> None:
    bn = BatchNorm1d(4, momentum=momentum, dtype=torch.float64)
    mean = torch.zeros(4, dtype=torch.float64)
    for i in range(4):
        x = batch(5, seed + i)
        bn(x)
        mean = (1 - momentum) * mean + momentum * x.mean(0)
    torch.testing.assert_close(bn.running_mean, mean)


@pytest.mark.parametrize("correction", CONVENTIONS)
@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 1)])
@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_one_row_gives_beta_and_never_nan(
    correction: Correction, shape: tuple[int, ...], eps: float
) -> None:
    bn = learned(0, correction, eps)
    x = torch.full(shape, 7.0, dtype=torch.float64, requires_grad=True)
    out = bn(x)
    assert bn.beta is not None
    assert torch.equal(out.flatten(), bn.beta)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros_like(x))
    assert buffers_are_finite(bn)
    unbiased = correction.running == 1
    assert bn.running_var is not None
    assert torch.equal(bn.running_var, torch.full_like(bn.running_var, 1.0 if unbiased else 0.9))


def test_a_scale_without_a_shift() -> None:
    x, gamma = torch.randn(6, 3), torch.tensor([0.5, 2.0, -3.0])
    y, _ = batchnorm.forward(x, gamma, None, eps=1e-5, correction=0)
    wanted = nn.functional.batch_norm(x, None, None, gamma, None, training=True)
    torch.testing.assert_close(y, wanted)


def test_a_layer_prints_its_settings() -> None:
    assert str(BatchNorm1d(4, eps=1e-3)) == (
        "BatchNorm1d(4, eps=0.001, momentum=0.1, affine=True, track_running_stats=True, "
        "correction=(0, 0, False), single_row='beta')"
    )


@pytest.mark.parametrize("tracked", [True, False])
def test_one_row_raises_where_torchs_rule_is_asked_for(tracked: bool) -> None:
    bn = BatchNorm1d(4, single_row="raise", track_running_stats=tracked)
    theirs = nn.BatchNorm1d(4, track_running_stats=tracked)
    for layer in (bn, theirs):
        with pytest.raises(ValueError, match=r"value.* (a|per) channel"):
            layer(torch.ones(1, 4))
    for layer in (bn.eval(), theirs.eval()):
        if tracked:
            assert layer(torch.ones(1, 4)).shape == (1, 4)
        else:
            with pytest.raises(ValueError, match=r"value.* (a|per) channel"):
                layer(torch.ones(1, 4))


@pytest.mark.parametrize("shape", [(0, 4), (0, 4, 3), (2, 4, 0)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("correction", CONVENTIONS)
def test_an_empty_batch_does_what_torch_does(
    shape: tuple[int, ...], training: bool, correction: Correction
) -> None:
    theirs = nn.BatchNorm1d(4).train(training)
    ours = BatchNorm1d(4, correction=correction).train(training)
    x, y = torch.ones(shape, requires_grad=True), torch.ones(shape, requires_grad=True)
    theirs(x).sum().backward()
    out = ours(y)
    out.sum().backward()
    assert out.shape == shape
    assert y.grad is not None
    assert y.grad.shape == shape
    assert ours.gamma is not None
    assert torch.equal(ours.gamma.grad, theirs.weight.grad)  # type: ignore[arg-type]
    assert buffers_are_finite(ours)
    for name, value in theirs.named_buffers():
        assert torch.equal(ours.get_buffer(name), value)


def test_a_constant_channel_with_eps_0_gives_beta() -> None:
    """Also where its mean is not exact: seven times 0.1, divided by seven, is not 0.1."""
    bn = learned(0, eps=0.0)
    out = bn(torch.full((7, 4), 0.1, dtype=torch.float64))
    assert torch.equal(out, bn.beta.expand(7, 4))  # type: ignore[union-attr]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_normalized_in_float32(dtype: torch.dtype) -> None:
    bn = BatchNorm1d(4)
    x = (batch(64, 0) * 100).to(dtype).requires_grad_()
    out = bn(x)
    assert out.dtype == dtype
    expected = BatchNorm1d(4)(x.float()).to(dtype)
    torch.testing.assert_close(out, expected)
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype


@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 4), (4, 8), (4,), (), (2, 4, 3, 3)])
def test_a_wrong_shape_is_one_clear_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"takes \(N, 4\) or \(N, 4, L\)") as refused:
        BatchNorm1d(4)(torch.ones(shape))
    assert str(tuple(shape)) in str(refused.value)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_what_is_no_float_is_one_clear_error(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=f"x is {dtype}, but"):
        BatchNorm1d(4)(torch.ones(8, 4, dtype=dtype))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_features": 0}, "num_features is 0"),
        ({"eps": -1e-5}, "eps is -1e-05"),
        ({"eps": float("nan")}, "eps is nan"),
        ({"momentum": 1.5}, "momentum is 1.5"),
        ({"momentum": -0.1}, "momentum is -0.1"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}, but it takes a "):
        BatchNorm1d(**{"num_features": 4, **settings})  # type: ignore[arg-type]


def test_an_evaluation_can_be_differentiated_after_later_batches() -> None:
    bn, x = learned(0), batch(3, 1).requires_grad_()
    out = bn(x, training=False)
    bn(batch(8, 2))
    out.sum().backward()
    assert x.grad is not None
    expected = bn.gamma.detach().expand(3, 4)  # type: ignore[union-attr]
    torch.testing.assert_close(x.grad, expected, rtol=1e-6, atol=1e-6)
