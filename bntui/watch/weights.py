"""Whether a model's weights were moved by something other than its optimizer: averaged, pruned,
swapped, loaded.

Values are compared by fingerprints, a few hundred of them. Reading one after every step would cost
a small model more than its steps, so in between the weights' version counters tell, which every
in-place operation moves but those on `.data`; there only a fingerprint of the last step does.
"""

from time import perf_counter
from weakref import ref

import torch
from torch import Tensor, nn

WEIGHTS = 4
VALUES = 64
"""A fingerprint takes so many values of so many weights, evenly spaced."""

SHARE = 0.5
"""Of the budget that fingerprints after a step may take."""


class Weights:
    """Some weights of a model; keeps no reference to them."""

    def __init__(self, model: nn.Module) -> None:
        found = [p for p in model.parameters() if p.dim() > 1 and type(p) is nn.Parameter]
        chosen = found[:: max(1, len(found) // WEIGHTS)][:WEIGHTS]
        self._refs = [ref(weight) for weight in chosen]
        self._strides = [max(1, weight.numel() // VALUES) for weight in chosen]
        self._start = self.fingerprint()
        self._versions: tuple[int, ...] = ()
        self._after_step: Tensor | None = None
        self._latest: Tensor | None = None
        self._cost = 0.0
        self._next = 0.0

    def fingerprint(self) -> Tensor | None:
        """Values now; None without weights."""
        weights = [weight() for weight in self._refs]
        alive = [(w, s) for w, s in zip(weights, self._strides, strict=True) if w is not None]
        if not alive:
            return None
        with torch.no_grad():
            parts = [w.reshape(-1)[::stride] for w, stride in alive]
            device, dtype = parts[0].device, torch.float32
            return torch.cat([part.to(device, dtype) for part in parts])

    def changed(self) -> bool:
        """Whether they are others than at the start."""
        now = self.fingerprint()
        return now is not None and self._start is not None and not torch.equal(now, self._start)

    def stepped(self, budget: float) -> None:
        """Right after the model's own optimizer's step."""
        self._versions = self.versions()
        self._after_step = None
        began = perf_counter()
        if began >= self._next:
            self._after_step = self._latest = self.fingerprint()
            cost = perf_counter() - began
            self._next = began + cost / (SHARE * budget)

    def outside(self, owned: bool) -> tuple[Tensor, Tensor] | None:
        """Fingerprints of now and before, if something other than the optimizer may have moved the
        weights since its last step; since the start of watching, if none is known (not `owned`).
        """
        before = self._start
        if owned:
            before = self._latest if self.moved(self._versions) else self._after_step
        now = self.fingerprint()
        return None if now is None or before is None else (now, before)

    def moved(self, versions: tuple[int, ...]) -> bool:
        """Whether an operation in place has changed them since these versions."""
        return self.versions() != versions

    def versions(self) -> tuple[int, ...]:
        """Counters that every operation in place moves, but for those on `.data`."""
        return tuple(-1 if (w := weight()) is None else w._version for weight in self._refs)
