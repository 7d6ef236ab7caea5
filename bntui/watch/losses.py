"""One and the same data by whose statistics: the batch's, the running ones, recalibrated ones.

Nothing is left behind: buffers, modes, hooks, gradients and random states are as they were.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Loss = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs (a tensor, or a tuple or dict of arguments) and targets."""

    inputs: Any
    targets: Any


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean losses over the same examples; None where one is not finite."""

    batch: float | None
    running: float | None
    recalibrated: float | None


def three_losses(model: nn.Module, batches: Sequence[Batch], loss: Loss) -> Losses:
    """The loss in eval mode (dropout off) by three kinds of statistics.

    `recalibrated` ones are the plain average over these very batches.
    """
    with untouched(model):
        model.eval()
        layers = tracked(model)
        running = mean_loss(model, batches, loss)
        for layer in layers:
            layer.train()
        batch = mean_loss(model, batches, loss)
        for layer in layers:
            layer.eval()
        recalibrate(model, layers, batches)
        return Losses(batch, running, mean_loss(model, batches, loss))


def tracked(model: nn.Module) -> list[_BatchNorm]:
    """The layers that normalize by running statistics in eval mode."""
    layers = (m for m in model.modules() if isinstance(m, _BatchNorm))
    return [layer for layer in layers if layer.running_mean is not None]


def recalibrate(model: nn.Module, layers: Sequence[_BatchNorm], batches: Sequence[Batch]) -> None:
    """Running statistics of these layers as the plain average over the batches.

    Only inside of `untouched`, which puts the old ones back.
    """
    for layer in layers:
        for name, value in layer._buffers.items():
            if value is not None:
                layer._buffers[name] = value.clone()
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    for batch in batches:
        call(model, batch.inputs)
    for layer in layers:
        layer.eval()


def mean_loss(model: nn.Module, batches: Sequence[Batch], loss: Loss) -> float | None:
    """The mean of the batches' losses; None if it is not finite."""
    values = [loss(call(model, b.inputs), b.targets).detach().float().mean() for b in batches]
    mean = torch.stack(values).mean()
    return float(mean) if bool(mean.isfinite()) else None


def call(model: nn.Module, inputs: Any) -> Any:
    """The model's output on inputs as its caller would pass them."""
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def same_random() -> AbstractContextManager[None]:
    """Afterwards the random states are as before."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    return torch.random.fork_rng(devices)


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """No gradients and no hooks inside; afterwards everything is as before, bit for bit.

    The buffers are replaced by copies meanwhile, so that not even their versions move.
    """
    modules = list(model.modules())
    modes = [module.training for module in modules]
    buffers = [dict(module._buffers) for module in modules]
    hooks = [(m._forward_pre_hooks, m._forward_hooks) for m in modules]
    momenta = [getattr(module, "momentum", None) for module in modules]
    with same_random(), torch.no_grad():
        for module, kept in zip(modules, buffers, strict=True):
            for name, value in kept.items():
                module._buffers[name] = None if value is None else value.clone()
            module._forward_pre_hooks = type(module._forward_pre_hooks)()
            module._forward_hooks = type(module._forward_hooks)()
        try:
            yield
        finally:
            for place, module in enumerate(modules):
                module._buffers.clear()
                module._buffers.update(buffers[place])
                module._forward_pre_hooks, module._forward_hooks = hooks[place]
                module.training = modes[place]
                if isinstance(module, _BatchNorm):
                    module.momentum = momenta[place]
