"""Many small tensors to plain numbers by one transfer, which on an accelerator nobody waits for."""

from math import isfinite

import torch
from torch import Tensor


class Readout:
    """Named tensors on their way to Python numbers.

    They are laid end to end and copied at once. On a GPU the copy runs beside the training, and
    `ready` says when it has arrived; nothing synchronises.
    """

    def __init__(self) -> None:
        self._parts: dict[object, Tensor] = {}
        self._lengths: dict[object, int] = {}
        self._copies: list[tuple[list[object], Tensor]] = []
        self._events: list[torch.cuda.Event] = []

    def add(self, key: object, values: Tensor) -> None:
        """Take any number of values along; booleans and integers become floats."""
        self._parts[key] = values.detach().reshape(-1).to(torch.float32)
        self._lengths[key] = self._parts[key].numel()

    def send(self) -> None:
        """Start the copy: one per device."""
        devices: dict[torch.device, list[object]] = {}
        for key, part in self._parts.items():
            devices.setdefault(part.device, []).append(key)
        for device, keys in devices.items():
            line = torch.cat([self._parts[key] for key in keys])
            if device.type == "cuda":
                target = torch.empty(line.shape, dtype=line.dtype, pin_memory=True)
                target.copy_(line, non_blocking=True)
                arrived = torch.cuda.Event()
                arrived.record(torch.cuda.current_stream(device))
                self._events.append(arrived)
                line = target
            self._copies.append((keys, line))
        self._parts.clear()

    def ready(self) -> bool:
        """Whether every copy has arrived."""
        return all(event.query() for event in self._events)

    def wait(self) -> None:
        """Until they have."""
        for event in self._events:
            event.synchronize()

    def numbers(self) -> dict[object, list[float | None]]:
        """The numbers by their names, to 6 digits; None where one is not finite."""
        found: dict[object, list[float | None]] = {}
        for keys, line in self._copies:
            values = [float(f"{v:.6g}") if isfinite(v) else None for v in line.tolist()]
            start = 0
            for key in keys:
                found[key] = values[start : start + self._lengths[key]]
                start += self._lengths[key]
        return found
