"""BatchNorm1d against torch's: forward, backward and buffers, in every mode."""

import copy
import io
import itertools
import pickle

import pytest
import torch
from torch import Tensor, nn

from bntui.core.nn.batchnorm import (
    LECTURE,
    LECTURE_STD,
    NOTEBOOK,
    TORCH,
    BatchNorm1d,
    Correction,
    backward,
)

DIM = 5
SHAPES = [(8, DIM), (4, DIM, 3)]
MOMENTA = [None, 0.0, 0.1, 1.0]
MATRIX = list(
    itertools.product(
        [True, False],  # training
        [True, False],  # running statistics
        [True, False],  # affine
        MOMENTA,
        SHAPES,
        [torch.float32, torch.float64],
    )
)


def tensor(shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=generator) * 3 + 2


def randomised(bn: nn.BatchNorm1d, dtype: torch.dtype) -> nn.BatchNorm1d:
    if bn.affine:
        bn.weight.data = tensor((DIM,), dtype, 1)
        bn.bias.data = tensor((DIM,), dtype, 2)
    if bn.running_mean is not None and bn.running_var is not None:
        bn.running_mean.copy_(tensor((DIM,), dtype, 3))
        bn.running_var.copy_(tensor((DIM,), dtype, 4).abs() + 0.1)
    return bn


def same(one: Tensor | None, other: Tensor | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        tolerance = 1e-10 if one.dtype == torch.float64 else 2e-4
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("training", "tracked", "affine", "momentum", "shape", "dtype"), MATRIX)
def test_agrees_with_torch(  # noqa: PLR0917 (a row of the matrix)
    training: bool,
    tracked: bool,
    affine: bool,
    momentum: float | None,
    shape: tuple[int, ...],
    dtype: torch.dtype,
) -> None:
    theirs = randomised(
        nn.BatchNorm1d(
            DIM, momentum=momentum, affine=affine, track_running_stats=tracked, dtype=dtype
        ),
        dtype,
    ).train(training)
    ours = BatchNorm1d.from_torch(theirs)
    for seed in range(3):
        x = tensor(shape, dtype, 10 + seed).requires_grad_()
        y = x.detach().clone().requires_grad_()
        upstream = tensor(shape, dtype, 20 + seed)
        expected, got = theirs(x), ours(y)
        same(got, expected)
        expected.backward(upstream)
        got.backward(upstream)
        same(y.grad, x.grad)
    if affine:
        assert ours.gamma is not None
        assert ours.beta is not None
        same(ours.gamma.grad, theirs.weight.grad)
        same(ours.beta.grad, theirs.bias.grad)
    same(ours.running_mean, theirs.running_mean)
    same(ours.running_var, theirs.running_var)
    assert tracked is (ours.num_batches_tracked is not None)
    if ours.num_batches_tracked is not None:
        assert theirs.num_batches_tracked is not None
        assert int(ours.num_batches_tracked) == int(theirs.num_batches_tracked)


@pytest.mark.parametrize("correction", [NOTEBOOK, TORCH, LECTURE])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_backward_is_the_derivative_of_the_forward(
    correction: Correction, training: bool, shape: tuple[int, ...]
) -> None:
    bn = BatchNorm1d(DIM, momentum=0.0, correction=correction, dtype=torch.float64)
    x = tensor(shape).requires_grad_()

    def forward(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return torch.func.functional_call(bn, {"weight": gamma, "bias": beta}, (x, training))  # type: ignore[no-any-return]

    gamma, beta = tensor((DIM,), seed=1), tensor((DIM,), seed=2)
    inputs = (x, gamma.requires_grad_(), beta.requires_grad_())
    assert torch.autograd.gradcheck(forward, inputs)


@pytest.mark.parametrize("correction", [NOTEBOOK, TORCH, LECTURE])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_convention_says_which_variance_goes_where(
    correction: Correction, shape: tuple[int, ...]
) -> None:
    bn = BatchNorm1d(DIM, momentum=1.0, correction=correction, dtype=torch.float64)
    x = tensor(shape)
    over = (0,) if x.ndim == 2 else (0, 2)
    mean = x.mean(over, keepdim=True)
    normalizing = x.var(over, correction=correction.normalizing, keepdim=True)
    same(bn(x), (x - mean) / (normalizing + bn.eps).sqrt())
    same(bn.running_mean, x.mean(over))
    same(bn.running_var, x.var(over, correction=correction.running))


def test_the_engines_way_and_autograds_way_are_one() -> None:
    x, upstream = tensor((8, DIM)).requires_grad_(), tensor((8, DIM), seed=9)
    bn = BatchNorm1d(DIM, dtype=torch.float64)
    bn(x).backward(upstream)
    with torch.inference_mode():
        out, saved = BatchNorm1d(DIM, dtype=torch.float64).normalize(x.detach(), True)
        grad_x, grad_gamma, grad_beta = backward(saved, upstream)
    assert bn.gamma is not None
    assert bn.beta is not None
    assert torch.equal(out, bn(x))
    for ours, autograds in (
        (grad_x, x.grad),
        (grad_gamma, bn.gamma.grad),
        (grad_beta, bn.beta.grad),
    ):
        assert ours is not None
        assert autograds is not None
        assert torch.equal(ours, autograds)


def test_measuring_with_the_batchs_statistics_leaves_no_trace() -> None:
    bn = BatchNorm1d(DIM, dtype=torch.float64)
    bn(tensor((8, DIM)))
    before = copy.deepcopy(bn.state_dict())
    out, saved = bn.normalize(tensor((8, DIM), seed=5), True, update=False)
    assert all(torch.equal(before[name], value) for name, value in bn.state_dict().items())
    same(saved.mean, tensor((8, DIM), seed=5).mean(0))
    same(out.mean(0), torch.zeros(DIM, dtype=torch.float64))


def test_evaluation_depends_on_no_other_row() -> None:
    bn = BatchNorm1d(DIM, dtype=torch.float64)
    bn(tensor((32, DIM)))
    x = tensor((6, DIM), seed=7)
    together = bn(x, training=False)
    alone = torch.cat([bn(row[None], training=False) for row in x])
    assert torch.equal(together, alone)


def test_the_mode_follows_train_and_eval_unless_it_is_given() -> None:
    bn = BatchNorm1d(DIM, dtype=torch.float64)
    x = tensor((8, DIM))
    assert torch.equal(bn.eval()(x), bn(x, training=False))
    assert not torch.equal(bn(x), bn.normalize(x, True, update=False)[0])
    assert torch.equal(bn.train()(x), bn.normalize(x, True, update=False)[0])


def test_the_cumulative_average_is_the_average_of_all_batches() -> None:
    bn = BatchNorm1d(DIM, momentum=None, dtype=torch.float64)
    batches = [tensor((8, DIM), seed=seed) for seed in range(7)]
    for batch in batches:
        bn(batch)
    same(bn.running_mean, torch.stack([batch.mean(0) for batch in batches]).mean(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("tracked", [True, False])
def test_there_and_back_without_losing_a_bit(
    dtype: torch.dtype, affine: bool, tracked: bool
) -> None:
    first = nn.BatchNorm1d(DIM, eps=1e-3, momentum=0.3, affine=affine, track_running_stats=tracked)
    first = randomised(first, torch.float32)
    first(tensor((8, DIM), torch.float32))
    first = first.to(dtype).eval()
    if affine:
        first.weight.requires_grad_(False)
    ours = BatchNorm1d.from_torch(first)
    assert ours.correction == TORCH
    last = ours.to_torch()
    assert (last.eps, last.momentum, last.training) == (1e-3, 0.3, False)
    assert last.state_dict().keys() == first.state_dict().keys()
    for name, value in first.state_dict().items():
        assert torch.equal(last.state_dict()[name], value)
        assert last.state_dict()[name].dtype == value.dtype
    if affine:
        assert not last.weight.requires_grad
        assert last.bias.requires_grad


def test_the_copy_shares_no_memory_with_its_source() -> None:
    theirs = nn.BatchNorm1d(DIM)
    ours = BatchNorm1d.from_torch(theirs)
    ours(tensor((8, DIM), torch.float32))
    assert torch.equal(theirs.state_dict()["running_mean"], torch.zeros(DIM))


def test_state_dict_deepcopy_and_pickle_round_trips() -> None:
    bn = BatchNorm1d(DIM)
    bn(tensor((8, DIM), torch.float32))
    file = io.BytesIO()
    torch.save(bn.state_dict(), file)
    file.seek(0)
    loaded = BatchNorm1d(DIM)
    loaded.load_state_dict(torch.load(file))
    x = tensor((3, DIM), torch.float32, 8)
    for other in (loaded, copy.deepcopy(bn), pickle.loads(pickle.dumps(bn))):
        assert torch.equal(other(x, training=False), bn(x, training=False))
        assert int(other.state_dict()["num_batches_tracked"]) == 1


def test_it_learns_inside_anyones_model() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 16), BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 1))
    x, optimizer = torch.randn(64, 3), torch.optim.SGD(net.parameters(), lr=0.1)
    target = x.prod(1, keepdim=True)
    losses = []
    for _ in range(300):
        loss = nn.functional.mse_loss(net(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
    assert torch.equal(net.state_dict()["1.num_batches_tracked"], torch.tensor(300))


@pytest.mark.parametrize("under_autograd", [True, False])
def test_standard_deviations_can_be_averaged_as_the_lecture_does(under_autograd: bool) -> None:
    bn = BatchNorm1d(DIM, eps=0.0, momentum=0.25, correction=LECTURE_STD, dtype=torch.float64)
    std = torch.ones(DIM, dtype=torch.float64)
    for seed in range(4):
        x = tensor((8, DIM), seed=seed) * (seed + 1)
        _ = bn(x) if under_autograd else bn.normalize(x, training=True)
        std = 0.75 * std + 0.25 * x.std(0)
    assert bn.running_mean is not None
    same(bn.running_var, std**2)
    same(bn.eval()(x), (x - bn.running_mean) / std)
