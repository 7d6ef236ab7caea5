"""Where a run computes: on which device, and on how many threads."""

import torch

from bntui.config import RunConfig
from bntui.errors import InputError

THREADS = 1
"""More were slower at every size measured on 2 shared cores.

A step of both networks, two threads over one, in time: 5 to 20 times at (hidden 200, batch 32),
10 times at (depth 2, hidden 500, batch 128), 4 times at (depth 2, hidden 1000, batch 512). The
layers are too small to be shared out, and threads wait for the one whose core does something else,
such as drawing the screen. It is a constant, not tried out, because sums that are shared out
otherwise round otherwise, and the same config must give the same losses.
"""


def settle(config: RunConfig) -> None:
    """Set torch up for a run.

    Raises:
        InputError: The device is not there.
    """
    there = devices()
    if config.device not in there:
        raise InputError(
            f"--device is {config.device}, but there is none here; it takes {' or '.join(there)}."
        )
    torch.set_num_threads(THREADS)


def devices() -> list[str]:
    """What this machine has, of what `RunConfig.device` may be."""
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    return [name for name, is_there in there.items() if is_there]
