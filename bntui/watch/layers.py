"""Which normalization layers a model has, and what is known of them without running it."""

from collections import Counter
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin

from bntui.protocol import WatchedLayer
from bntui.text import clean

NAME_LIMIT = 200
"""Characters of a name in a log."""


DEPTH = 4
MOST_HELD = 1000
"""How deep, and how far into a list, hidden layers are looked for."""


def is_batchnorm(module: nn.Module) -> bool:
    """torch's BatchNorm layers and their subclasses, and frozen copies such as torchvision's."""
    return isinstance(module, _BatchNorm) or is_frozen_kind(module)


def is_frozen_kind(module: nn.Module) -> bool:
    """A class that normalizes by buffers and never updates them: torchvision's, detectron2's."""
    return "FrozenBatchNorm" in type(module).__name__ and "running_mean" in module._buffers


def batchnorms(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every BatchNorm layer of a model with its name, each once, in the order of registration."""
    return ((name, module) for name, module in model.named_modules() if is_batchnorm(module))


def hidden_batchnorms(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """BatchNorm layers that modules of the model hold and have not registered: in a plain list or
    dictionary, or on an object that is no module. The name is the way there.
    """
    known = {id(module) for module in model.modules()}
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if not attribute.startswith("_"):
                yield from _held(value, f"{name}.{attribute}".removeprefix("."), known, DEPTH)


def _held(value: object, path: str, known: set[int], depth: int) -> Iterator[tuple[str, nn.Module]]:
    if id(value) in known or depth == 0:
        return
    if isinstance(value, nn.Module):
        known.add(id(value))
        yield from ((f"{path}.{name}".rstrip("."), layer) for name, layer in batchnorms(value))
        return
    if isinstance(value, dict):
        items = [(f"{path}[{key}]", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(f"{path}[{place}]", item) for place, item in enumerate(value[:MOST_HELD])]
    elif (
        hasattr(value, "__dict__") and not isinstance(value, (type, Tensor)) and not callable(value)
    ):
        items = [(f"{path}.{key}", item) for key, item in vars(value).items()]
    else:
        return
    for where, item in items:
        yield from _held(item, where, known, depth - 1)


def other_norms(model: nn.Module) -> dict[str, int]:
    """How many normalization layers of other kinds there are, by class."""
    names = (type(m).__name__ for m in model.modules() if not is_batchnorm(m))
    return dict(Counter(name for name in names if name.endswith("Norm") or "Norm1d" in name
                        or "Norm2d" in name or "Norm3d" in name))  # fmt: skip


def buffer(module: nn.Module, name: str) -> Tensor | None:
    """A buffer that has been materialised; None for one that is absent or still lazy."""
    value = module._buffers.get(name)
    lazy = isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()
    return None if value is None or lazy else value


def tensors(module: nn.Module | None) -> dict[str, Tensor]:
    """A layer's running statistics and gamma; empty for a lazy one, and for one that is gone."""
    if module is None:
        return {}
    found = {name: buffer(module, name) for name in ("running_mean", "running_var")}
    weight = module._parameters.get("weight")
    if weight is not None and type(weight) is nn.Parameter:
        found["weight"] = weight
    return {name: value for name, value in found.items() if value is not None}


def describe(name: str, module: nn.Module, model: str) -> WatchedLayer:
    """What is known of a layer without running it."""
    running = buffer(module, "running_mean")
    return WatchedLayer(
        name=clean(name, limit=NAME_LIMIT),
        model=model,
        kind=clean(type(module).__name__, limit=NAME_LIMIT),
        channels=int(getattr(module, "num_features", 0 if running is None else len(running))),
        eps=float(getattr(module, "eps", 1e-5)),
        momentum=None if (m := getattr(module, "momentum", None)) is None else float(m),
        tracked=module._buffers.get("running_mean") is not None,
        affine=module._parameters.get("weight") is not None or is_frozen_kind(module),
        dtype="" if running is None else dtype_name(running),
        frozen=is_frozen_kind(module),
    )


def dtype_name(tensor: Tensor) -> str:
    """The name of a dtype without its module: float16."""
    return str(tensor.dtype).removeprefix("torch.")
