"""Between our `BatchNorm1d` and torch's: layers and state dicts."""

from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

if TYPE_CHECKING:
    from bntui.core.nn.batchnorm import BatchNorm1d

    Ours = TypeVar("Ours", bound=BatchNorm1d)

TORCH_NAMES = {"gamma": "weight", "beta": "bias", "dim": "num_features"}
"""The paper's names of what torch calls otherwise."""

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def rename(state_dict: dict[str, Any], prefix: str) -> None:
    """In a state dict that has gamma and beta, call them weight and bias."""
    for ours, torchs in TORCH_NAMES.items():
        if prefix + ours in state_dict:
            state_dict[prefix + torchs] = state_dict.pop(prefix + ours)


def from_torch(cls: "type[Ours]", bn: nn.BatchNorm1d, **settings: Any) -> "Ours":
    """`bn` as one of our layers, bit for bit.

    Raises:
        TypeError: It is no `nn.BatchNorm1d`, or a lazy one that has seen no batch yet.
    """
    if not isinstance(bn, nn.BatchNorm1d):
        lazy = ", and a lazy one has to see a batch first" if _is_lazy(bn) else ""
        raise TypeError(
            f"from_torch was given a {type(bn).__name__}, but takes a BatchNorm1d{lazy}"
        )
    like = _like(bn)
    new = cls(
        *(bn.num_features, bn.eps, bn.momentum, bn.affine, bn.running_mean is not None),
        device=like.device,
        dtype=like.dtype,
        **settings,
    )
    _copy(bn, new)
    return new


def to_torch(bn: "BatchNorm1d") -> nn.BatchNorm1d:
    """`bn` as torch's layer."""
    like = _like(bn)
    new = nn.BatchNorm1d(
        *(bn.num_features, bn.eps, bn.momentum, bn.gamma is not None, bn.running_mean is not None),
        device=like.device,
        dtype=like.dtype,
    )
    _copy(bn, new)
    return new


def _is_lazy(module: nn.Module) -> bool:
    return any(isinstance(param, UninitializedParameter) for param in module.parameters())


def _like(bn: nn.BatchNorm1d) -> Tensor:
    """A tensor on the layer's device and of its type."""
    tensors = (bn.weight, bn.running_mean)
    return next((t for t in tensors if t is not None), torch.empty(0))


def _copy(source: nn.BatchNorm1d, target: nn.BatchNorm1d) -> None:
    """Parameters, where there are any, buffers and mode."""
    for name in ("weight", "bias"):
        param: Tensor | None = getattr(source, name)
        copied = None
        if param is not None:
            copied = nn.Parameter(param.detach().clone(), requires_grad=param.requires_grad)
        target.register_parameter(name, copied)
    for name in BUFFERS:
        buffer: Tensor | None = getattr(source, name)
        setattr(target, name, None if buffer is None else buffer.detach().clone())
    target.train(source.training)
