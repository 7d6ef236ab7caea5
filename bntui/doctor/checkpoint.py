"""The BatchNorm layers of a checkpoint, as rules need them.

Only the tensors of BatchNorm layers are touched, so memory does not grow with the file.
"""

import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bntui.doctor.safetensors import read_safetensors
from bntui.doctor.stored import StoredLayer
from bntui.doctor.tensors import Stored, UnreadableError
from bntui.doctor.torch_file import read_torch_file
from bntui.errors import InputError
from bntui.text import clean, quoted

SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")

MAX_CHANNELS = 2**22
"""Of all layers; large networks have 10^5."""

PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and wrappers put before every name."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The BatchNorm layers of a file, and how many tensors it holds in all."""

    layers: list[StoredLayer]
    tensors: int


def read_checkpoint(path: Path) -> Checkpoint:
    """The BatchNorm layers of a checkpoint.

    Raises:
        InputError: It cannot be read, is damaged, holds code, or no tensors.
    """
    name = quoted(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise InputError(f"{name} is {kind}; bntui doctor takes a checkpoint file.")
        if not status.st_size:
            raise InputError(f"{name} is empty; bntui doctor takes a checkpoint file.")
        if path.suffix == ".safetensors":
            models = {"": read_safetensors(path, status.st_size)}
        else:
            models = read_torch_file(path, status.st_size)
        layers = list(_layers(models))
    except UnreadableError as error:
        raise InputError(f"{name} {error}.") from None
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error), limit=200)
        raise InputError(f"{name} cannot be read: {reason}.") from None
    count = sum(map(len, models.values()))
    if not count:
        raise InputError(f"{name} holds no tensors; bntui doctor takes a model's state_dict().")
    return Checkpoint(layers, count)


def _layers(models: Mapping[str, Mapping[str, Stored]]) -> Iterator[StoredLayer]:
    """Where running_mean and running_var of one size stand side by side.

    Raises:
        UnreadableError: They have more channels than any network.
    """
    found = {model: _norms(tensors) for model, tensors in models.items()}
    sizes = [models[m][f"{prefix}running_mean"].size for m in found for prefix in found[m]]
    if sum(sizes) > MAX_CHANNELS:
        raise UnreadableError(f"has running statistics of more than {MAX_CHANNELS:,} channels")
    for model, prefixes in found.items():
        for prefix, name in zip(prefixes, _without_prefixes(prefixes), strict=True):
            yield _layer(prefix, name, model, models[model])


def _norms(tensors: Mapping[str, Stored]) -> list[str]:
    """What stands before `running_mean` in the names of BatchNorm layers."""
    names = [name for name in tensors if re.search(r"(^|\.)running_mean$", name)]
    prefixes = [name.removesuffix("running_mean") for name in names]
    return [
        prefix
        for prefix in prefixes
        if (var := tensors.get(f"{prefix}running_var"))
        and tensors[f"{prefix}running_mean"].size == var.size > 0
    ]


def _layer(prefix: str, name: str, model: str, tensors: Mapping[str, Stored]) -> StoredLayer:
    mean = tensors[f"{prefix}running_mean"]
    gamma, beta = (_like(tensors.get(prefix + end), mean.size) for end in ("weight", "bias"))
    count = _like(tensors.get(f"{prefix}num_batches_tracked"), 1)
    return StoredLayer(
        name=clean(name, limit=200),
        model=clean(model, limit=200),
        mean=mean.read(),
        var=tensors[f"{prefix}running_var"].read(),
        gamma=gamma.read() if gamma else None,
        beta=beta.read() if beta else None,
        count=_whole(count.read()[0]) if count else None,
        dtype=mean.dtype,
        weight_dtype=gamma.dtype if gamma else "",
    )


def _whole(value: float) -> int:
    """A batch count; 0 where it is none."""
    return int(value) if 0 < value < 2**63 else 0


def _like(tensor: Stored | None, size: int) -> Stored | None:
    return tensor if tensor and tensor.size == size else None


def _without_prefixes(names: Sequence[str]) -> list[str]:
    """Layer names without what all of them begin with, and without the last dot."""
    while prefix := next((p for p in PREFIXES if _all_start(names, p)), ""):
        names = [name.removeprefix(prefix) for name in names]
    return [name.replace("_orig_mod.", "").removesuffix(".") or "(root)" for name in names]


def _all_start(names: Sequence[str], prefix: str) -> bool:
    return bool(names) and all(name.startswith(prefix) for name in names)
