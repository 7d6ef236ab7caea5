"""What a PyTorch user does with a BatchNorm layer, done with ours."""

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import fusion, parametrizations, parametrize, prune
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader, TensorDataset

from bntui import D2L, LECTURE, LECTURE_STD, NOTEBOOK, TORCH, BatchNorm1d

pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning"
)

DIM = 4


def batch(n: int = 6, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 + 1


def trained(cls: Callable[..., Any] = BatchNorm1d, **settings: Any) -> Any:
    """A layer whose parameters and buffers are not the initial ones."""
    bn = cls(DIM, dtype=torch.float64, **settings)
    with torch.no_grad():
        bn.weight.copy_(batch(seed=7)[0])
        bn.bias.copy_(batch(seed=8)[0])
    for seed in range(3):
        bn(batch(seed=seed))
    return bn


def test_the_conventions_are_importable_and_have_names() -> None:
    assert BatchNorm1d(DIM, correction="torch").correction == TORCH
    assert BatchNorm1d(DIM, correction="lecture").correction == LECTURE
    assert BatchNorm1d(DIM, correction="lecture-std").correction == LECTURE_STD
    assert BatchNorm1d(DIM, correction="d2l").correction == D2L
    assert BatchNorm1d(DIM, correction="notebook").correction == BatchNorm1d(DIM).correction
    assert BatchNorm1d(DIM).correction == NOTEBOOK
    with pytest.raises(ValueError, match="'keras', but it takes 'notebook', 'd2l', 'torch', "):
        BatchNorm1d(DIM, correction="keras")


def test_it_is_torchs_class_so_freezing_idioms_find_it() -> None:
    model = nn.Sequential(nn.Linear(DIM, DIM), BatchNorm1d(DIM))
    found = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]
    assert found == [m for m in model.modules() if isinstance(m, _BatchNorm)] == [model[1]]


def test_torchs_names_and_keywords_are_ours() -> None:
    bn = BatchNorm1d(num_features=DIM, eps=1e-3, momentum=None, affine=True)
    assert bn.gamma is bn.weight
    assert bn.beta is bn.bias
    assert bn.dim == bn.num_features == DIM
    setattr(bn, "gamma", nn.Parameter(torch.full((DIM,), 2.0)))  # noqa: B010 (mypy sees a property)
    assert bn.weight is bn.gamma
    assert [name for name, _ in bn.named_parameters()] == ["weight", "bias"]


def test_reset_running_stats_and_parameters() -> None:
    bn = trained()
    bn.reset_running_stats()
    assert bn.running_mean.eq(0).all()
    assert bn.running_var.eq(1).all()
    assert int(bn.num_batches_tracked) == 0
    bn.reset_parameters()
    assert bn.gamma.eq(1).all()


def test_state_dicts_go_both_ways() -> None:
    ours, theirs = trained(correction="torch"), trained(nn.BatchNorm1d)
    fresh, torchs = BatchNorm1d(DIM, dtype=torch.float64), nn.BatchNorm1d(DIM, dtype=torch.float64)
    fresh.load_state_dict(theirs.state_dict())
    torchs.load_state_dict(ours.state_dict())
    x = batch(seed=9)
    assert torch.allclose(fresh.eval()(x), theirs.eval()(x))
    assert torch.allclose(torchs.eval()(x), ours.eval()(x))


def test_a_state_dict_with_gamma_and_beta_is_read() -> None:
    bn = trained()
    old = dict(bn.state_dict())
    old["gamma"], old["beta"] = old.pop("weight"), old.pop("bias")
    fresh: Any = BatchNorm1d(DIM, dtype=torch.float64)
    fresh.load_state_dict(old)
    assert torch.equal(fresh.gamma, bn.gamma)
    nested: Any = nn.Sequential(BatchNorm1d(DIM, dtype=torch.float64))
    nested.load_state_dict({f"0.{name}": value for name, value in old.items()})
    assert torch.equal(nested[0].weight, bn.gamma)


def test_a_state_dict_from_before_num_batches_tracked_is_read() -> None:
    old = dict(trained(nn.BatchNorm1d).state_dict())
    del old["num_batches_tracked"]
    fresh = BatchNorm1d(DIM, dtype=torch.float64)
    fresh.load_state_dict(old)
    assert int(fresh.get_buffer("num_batches_tracked")) == 0


def test_a_layer_without_bias_stays_without() -> None:
    theirs = nn.BatchNorm1d(DIM, dtype=torch.float64)
    theirs.register_parameter("bias", None)
    ours = BatchNorm1d.from_torch(theirs)
    assert ours.beta is None
    assert [name for name, _ in ours.named_parameters()] == ["weight"]
    x = batch()
    ours(x).square().sum().backward()
    theirs(x)
    assert ours.weight.grad is not None
    assert ours.to_torch().bias is None
    with torch.no_grad():
        assert torch.allclose(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize(
    "other", [nn.BatchNorm2d(DIM), nn.SyncBatchNorm(DIM), nn.LazyBatchNorm1d(), nn.Linear(2, 2)]
)
def test_other_layers_are_refused_in_a_sentence(other: Any) -> None:
    lazy = ", and a lazy one has to see a batch first" * isinstance(other, nn.LazyBatchNorm1d)
    sentence = f"given a {type(other).__name__}, but takes a BatchNorm1d{lazy}$"
    with pytest.raises(TypeError, match=sentence):
        BatchNorm1d.from_torch(other)


def test_a_lazy_layer_is_taken_over_after_its_first_batch() -> None:
    lazy: Any = nn.LazyBatchNorm1d(dtype=torch.float64)
    lazy(batch())
    assert BatchNorm1d.from_torch(lazy).num_features == DIM  # it has become a BatchNorm1d


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("correction", ["notebook", "torch", "lecture"])
@pytest.mark.parametrize("shape", [(5, DIM), (3, DIM, 2)])
def test_second_derivatives(training: bool, correction: str, shape: tuple[int, ...]) -> None:
    bn = trained(correction=correction, momentum=0.0).train(training)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        called: Tensor = torch.func.functional_call(bn, {"weight": weight, "bias": bias}, (x,))
        return called

    inputs = [t.detach().clone().requires_grad_() for t in (x, bn.weight, bn.bias)]
    assert torch.autograd.gradgradcheck(forward, inputs)


def test_a_gradient_penalty_is_torchs() -> None:
    def penalty(bn: Any) -> tuple[Any, Any]:
        x = batch().requires_grad_()
        (grad,) = torch.autograd.grad(bn(x).tanh().square().sum(), x, create_graph=True)
        loss = grad.square().sum()
        torch.autograd.backward(loss)
        return x.grad, bn.weight.grad

    theirs = trained(nn.BatchNorm1d)
    for ours, expected in zip(
        penalty(BatchNorm1d.from_torch(theirs)), penalty(copy.deepcopy(theirs)), strict=True
    ):
        assert expected.abs().max() > 1e-3
        assert torch.allclose(ours, expected)


def test_update_bn_recomputes_the_statistics() -> None:
    model: Any = nn.Sequential(nn.Linear(DIM, DIM, dtype=torch.float64), trained())
    data = torch.cat([batch(seed=s) for s in range(4)])
    update_bn(DataLoader(TensorDataset(data), 6), model)
    inputs = model[0](data)
    assert torch.allclose(model[1].running_mean, inputs.mean(0))
    assert model[1].momentum == 0.1


def test_sync_batchnorm_conversion_takes_it_over() -> None:
    bn = trained()
    converted: Any = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(bn))
    assert isinstance(converted[0], nn.SyncBatchNorm)
    assert converted[0].weight is bn.weight
    mean: Any = converted[0].running_mean
    assert torch.equal(mean, bn.running_mean)


def test_a_linear_and_bn_are_fused() -> None:
    linear, bn = nn.Linear(DIM, DIM, dtype=torch.float64).eval(), trained().eval()
    fused = fusion.fuse_linear_bn_eval(linear, bn)
    assert torch.allclose(fused(batch()), bn(linear(batch())))


def test_an_overflowed_statistic_stays_infinite_as_torchs_does() -> None:
    theirs = nn.BatchNorm1d(DIM)
    ours = BatchNorm1d.from_torch(theirs)
    overflowing = torch.full((2, DIM), 1e30)
    overflowing[1] *= -1  # the variance overflows, the mean does not
    for x in (overflowing, batch(dtype=torch.float32), batch(dtype=torch.float32)):
        theirs(x)
        ours(x)
    assert theirs.running_var is not None
    assert theirs.running_var.isinf().all()
    assert torch.equal(ours.get_buffer("running_var"), theirs.running_var)
    assert ours.get_buffer("running_mean").isfinite().all()


def test_func_grad_and_functional_call() -> None:
    bn = trained().eval()
    params = {name: param.detach() for name, param in bn.named_parameters()}
    x = batch()

    def loss(params: dict[str, Tensor], x: Tensor) -> Tensor:
        called: Tensor = torch.func.functional_call(bn, params, (x,)).square().sum()
        return called

    grads = torch.func.grad(loss)(params, x)
    bn(x).square().sum().backward()
    assert torch.allclose(grads["weight"], bn.weight.grad)
    assert torch.allclose(grads["bias"], bn.bias.grad)
    by_batch = BatchNorm1d(DIM, track_running_stats=False, dtype=torch.float64)
    hessian = torch.func.hessian(lambda x: by_batch(x).tanh().sum())(x)
    assert hessian.abs().max() > 1e-3


def test_vmap_over_an_ensemble() -> None:
    bn = BatchNorm1d(DIM, track_running_stats=False, dtype=torch.float64)
    stacked = torch.stack([batch(seed=1), batch(seed=2)])
    mapped = torch.func.vmap(bn)(stacked)
    assert torch.allclose(mapped, torch.stack([bn(x) for x in stacked]))


def test_forward_mode() -> None:
    bn, x, tangent = trained(), batch(), batch(seed=5)
    with forward_ad.dual_level():
        y = bn(forward_ad.make_dual(x, tangent))
        ours = forward_ad.unpack_dual(y).tangent
    _, expected = torch.autograd.functional.jvp(bn, x, tangent)
    assert ours is not None
    assert torch.allclose(ours, expected)


def test_pruning_and_parametrizations() -> None:
    x = batch()
    bn = trained().eval()
    prune.l1_unstructured(bn, "weight", amount=2)
    assert int(bn(x).sub(bn.bias).abs().lt(1e-12).all(0).sum()) == 2
    bn = trained().eval()
    before = bn(x)
    parametrize.register_parametrization(bn, "weight", nn.Identity())
    assert torch.equal(bn(x), before)
    bn = trained().eval()
    before = bn(x)
    parametrizations.weight_norm(bn, "weight")
    assert torch.allclose(bn(x), before)
    bn(x).sum().backward()


def test_data_parallel_replicas_compute() -> None:
    """What DataParallel does to a module on each device, without the devices."""
    bn = trained().eval()
    replica = bn._replicate_for_data_parallel()
    for name in ("weight", "bias"):
        setattr(replica, name, getattr(bn, name).clone())
    assert torch.equal(replica(batch()), bn(batch()))


def test_jit_trace_in_evaluation() -> None:
    bn = trained().eval()
    traced = torch.jit.trace(bn, (batch(),))
    assert torch.allclose(traced(batch(seed=4)), bn(batch(seed=4)))


def test_fx_is_told_how_to_trace_it() -> None:
    model = nn.Sequential(trained().eval())
    with pytest.raises(TypeError, match="is_leaf_module"):
        torch.fx.symbolic_trace(model)

    class Tracer(torch.fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return isinstance(m, _BatchNorm) or super().is_leaf_module(m, module_qualified_name)

    graph = Tracer().trace(model)
    traced = torch.fx.GraphModule(model, graph)
    assert torch.equal(traced(batch()), model(batch()))


def test_copies_and_files() -> None:
    bn = trained()
    file = io.BytesIO()
    torch.save(bn, file)
    file.seek(0)
    for other in (copy.deepcopy(bn), torch.load(file, weights_only=False)):
        assert torch.equal(other.eval()(batch()), bn.eval()(batch()))


def test_a_layer_frees_its_graph() -> None:
    import gc
    import weakref

    x = batch().requires_grad_()
    y = BatchNorm1d(DIM, affine=False, dtype=torch.float64)(x)
    seen = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert seen() is None
    finally:
        gc.enable()
