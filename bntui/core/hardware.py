"""Where a run computes: on which device, and on how many threads."""

import os

import torch

from bntui.config import RunConfig
from bntui.errors import InputError

WORTH_SHARING = 8_000_000
"""Multiplications of a batch with all weights, from where on threads help.

Measured on 2 cores, a step on two threads against one: 0.2 million (the notebook's network) XXX
"""


def settle(config: RunConfig) -> None:
    """Choose the number of threads, for as long as the process computes nothing else.

    Raises:
        InputError: The device is not there.
    """
    there = devices()
    if config.device not in there:
        raise InputError(
            f"--device is {config.device}, but there is none here; it takes {' or '.join(there)}."
        )
    torch.set_num_threads(threads(config, os.cpu_count() or 1))


def devices() -> list[str]:
    """What this machine has, of what `RunConfig.device` may be."""
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    return [name for name, is_there in there.items() if is_there]


def threads(config: RunConfig, cores: int) -> int:
    """One, or all cores for networks and batches that are worth it."""
    fan_in = config.block_size * config.emb
    weights = config.hidden * (fan_in + config.hidden * (config.depth - 1))
    return cores if weights * config.batch_size >= WORTH_SHARING else 1
