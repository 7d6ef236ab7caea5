"""The device and the number of threads that a run computes on."""

import torch

from bntui.config.schema import RunConfig
from bntui.errors import InputError

LARGE = 10_000_000
"""Multiplications in a step's forward, for one network, from which torch's own number of threads is
used instead of one.

Measured on 2 idle cores, two threads over one, steps/s: 0.9 to 1.0 at (hidden 200, depth 1, batch
32), 0.7 to 1.1 at (200, 5, 32), 1.3 at (500, 1, 128), 1.5 to 1.7 at (500, 2, 128), 1.7 to 2.0 at
(1000, 2, 512). On cores that are busy with other work a second thread cost more than it gave at
every size, so small work, where it gives nothing, has one. More than 2 cores were not measured. The
size alone decides, since sums that are shared out otherwise round otherwise.
"""

THREADS = torch.get_num_threads()
"""Torch's own choice: the cores, or what OMP_NUM_THREADS says."""


def configure_device(config: RunConfig) -> None:
    """Set the number of threads for a run, and check that its device is there.

    Raises:
        InputError: The device is not available.
    """
    there = devices()
    if config.device not in there:
        raise InputError(
            f"--device is {config.device}, but there is none here; it takes {' or '.join(there)}."
        )
    torch.set_num_threads(threads(config))


def threads(config: RunConfig) -> int:
    """Threads that a run's steps use."""
    weights = config.block_size * config.emb * config.hidden
    weights += (config.depth - 1) * config.hidden**2
    return THREADS if config.batch_size * weights >= LARGE else 1


def devices() -> list[str]:
    """The devices of this machine, among the values of `RunConfig.device`."""
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    return [name for name, is_there in there.items() if is_there]
