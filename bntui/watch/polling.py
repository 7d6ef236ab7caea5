"""What can be seen of a layer whose passes call no hooks: its buffers around a step.

A module that was compiled, or is a copy that another device runs, updates the same buffers and
calls nothing. Whether it did shows in the buffers' versions, without reading a value: torch's own
kernels move that of num_batches_tracked alone, compiled ones every buffer's.
"""

from weakref import ref

import torch
from torch import Tensor, nn

from bntui.watch.layers import buffer

FLOATS = frozenset({torch.float32, torch.float64})
LEAST_MOMENTUM = 1e-3
"""Below it, and in other types, too little is left of a batch in the buffers."""


class Poll:
    """A layer's buffers before a step, and what they have become after it.

    `needed` once an update came without a hook being called; only then are values kept.
    """

    def __init__(self, module: nn.Module) -> None:
        self._ref = ref(module)
        self.needed = False
        self._versions: tuple[int, ...] = ()
        self._before: tuple[Tensor, Tensor, Tensor] | None = None
        start = buffer(module, "num_batches_tracked")
        self._start = None if start is None else start.clone()

    def prepare(self) -> None:
        """Before a step."""
        module = self._ref()
        mean, var = _running(module)
        self._before = None
        if module is None or mean is None or var is None:
            return
        self._versions = _versions(module)
        if self.needed and mean.dtype in FLOATS:
            count = buffer(module, "num_batches_tracked")
            count = torch.zeros((), device=mean.device) if count is None else count.clone()
            self._before = mean.clone(), var.clone(), count

    def moved(self) -> bool:
        """Whether the buffers were updated since `prepare`."""
        module = self._ref()
        return module is not None and bool(self._versions) and _versions(module) != self._versions

    def batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """(C,) running mean and variance before the step, mean and variance of its batch.

        k updates leave new = (1 - m)^k old + (1 - (1 - m)^k) batch, where batch is a mean over
        their batches, the later ones with more weight.
        """
        module = self._ref()
        momentum = getattr(module, "momentum", None) or 0.0
        mean, var = _running(module)
        if self._before is None or not LEAST_MOMENTUM <= momentum <= 1:
            return None
        if module is None or mean is None or var is None:
            return None
        old_mean, old_var, count = self._before
        now = buffer(module, "num_batches_tracked")
        updates = torch.ones_like(count) if now is None else now - count
        kept = (1 - momentum) ** updates.to(mean.dtype)
        batch_mean, batch_var = (
            (new - kept * old) / (1 - kept) for new, old in ((mean, old_mean), (var, old_var))
        )
        return old_mean, old_var, batch_mean, batch_var.clamp_min(0)

    def updates(self) -> Tensor | None:
        """Updates since watching began, as the layer counts them itself."""
        module = self._ref()
        now = None if module is None else buffer(module, "num_batches_tracked")
        return None if now is None or self._start is None else now - self._start


def _versions(module: nn.Module) -> tuple[int, ...]:
    found = (buffer(module, name) for name in ("running_mean", "num_batches_tracked"))
    return tuple(each._version for each in found if each is not None)


def _running(module: nn.Module | None) -> tuple[Tensor | None, Tensor | None]:
    if module is None:
        return None, None
    return buffer(module, "running_mean"), buffer(module, "running_var")
