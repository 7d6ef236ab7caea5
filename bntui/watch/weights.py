"""Whether a model's weights were moved by something other than its optimizer: averaged, pruned,
swapped, loaded.

Values are compared by fingerprints, a few hundred of them. Reading one after every step would cost
a small model more than its steps, so in between the weights' version counters tell, which every
in-place operation moves but those on `.data`. Of these, only what no optimizer does is seen: values
that became exactly 0. Any other write to `.data` shows if the last step was fingerprinted.
"""

from weakref import ref

import torch
from torch import Tensor, nn

from bntui.watch.sampling import Budget

WEIGHTS = 4
VALUES = 64
"""A fingerprint takes so many values of so many weights, evenly spaced."""

PART = 0.2
"""Of the budget that fingerprints after a step may take."""


class Weights:
    """Some weights of a model; keeps no reference to them."""

    def __init__(self, model: nn.Module, budget: Budget) -> None:
        found = [
            (module, name, weight)
            for module in model.modules()
            for name, weight in module._parameters.items()
            if weight is not None and weight.dim() > 1 and type(weight) is nn.Parameter
        ]
        chosen = found[:: max(1, len(found) // WEIGHTS)][:WEIGHTS]
        self._budget = budget
        self._refs = [ref(weight) for *_, weight in chosen]
        self._places = [(ref(module), name) for module, name, _ in chosen]
        self._strides = [max(1, weight.numel() // VALUES) for *_, weight in chosen]
        self._start = self.fingerprint()
        self._versions: list[int] = []
        self._latest: Tensor | None = None
        self._since = 0
        """Steps since the latest fingerprint."""
        self._next = budget.began

    def fingerprint(self) -> Tensor | None:
        """Values now; None without weights."""
        pairs = zip(self._weights(), self._strides, strict=True)
        alive = [(weight, stride) for weight, stride in pairs if weight is not None]
        if not alive:
            return None
        with torch.no_grad():
            parts = [_spaced(weight, stride) for weight, stride in alive]
            device = parts[0].device
            if any(part.dtype != torch.float32 or part.device != device for part in parts):
                parts = [part.to(device, torch.float32) for part in parts]
            return torch.cat(parts)

    def changed(self, now: Tensor | None) -> bool:
        """Whether the values of a fingerprint are others than at the start."""
        return now is not None and self._start is not None and not torch.equal(now, self._start)

    def stepped(self, now: float) -> None:
        """Right after the model's own optimizer's step; `now` is the budget's clock."""
        self._versions = self.versions()
        self._since += 1
        if now >= self._next:
            began = self._budget.clock()
            self._latest = self.fingerprint()
            self._since = 0
            self._next = began + self._budget.spacing(self._budget.charge(began), PART)

    def left(self, owned: bool) -> tuple[Tensor | None, bool]:
        """The fingerprint as the optimizer left it, and whether it may have moved them since; that
        of the start, if no optimizer is known (not `owned`).
        """
        if not owned:
            return self._start, False
        return self._latest, self._since > 0 and not self.moved(self._versions)

    def moved(self, versions: list[int]) -> bool:
        """Whether an operation in place has changed them since these versions."""
        return self.versions() != versions

    def versions(self) -> list[int]:
        """Counters that every operation in place moves, but for those on `.data`."""
        return [-1 if (w := weight()) is None else w._version for weight in self._refs]

    def _weights(self) -> list[Tensor | None]:
        """The weights that modules compute with; pruning puts another tensor in their place."""
        found: list[Tensor | None] = []
        for place, name in self._places:
            module = place()
            held = {} if module is None else module._parameters
            weight = held.get(name)
            if weight is None and module is not None:
                weight = vars(module).get(name)
            found.append(weight if isinstance(weight, Tensor) else None)
        return found


def _spaced(weight: Tensor, stride: int) -> Tensor:
    """Every so many values of a weight."""
    if not weight.is_contiguous():
        return weight.reshape(-1)[::stride]
    return weight.as_strided((-(-weight.numel() // stride),), (stride,))  # one operation, not two
