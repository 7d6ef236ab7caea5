"""How much memory a run needs, before it begins."""

import os
from pathlib import Path

from bntui.config.schema import RunConfig
from bntui.core.nn.precise import MOST_NUMBERS
from bntui.core.probes.modes import MOST
from bntui.core.training.dataset import Dataset
from bntui.errors import InputError

FLOAT = 4
"""Bytes of a number."""

KEPT, PASSING = 8, 3
"""Outputs of a layer's size that a training step keeps for each hidden layer (outputs and gradients
of Linear, normalization and activation, x_hat), and that a pass without gradients holds at once."""

GROUP = Path("/sys/fs/cgroup")


def check_memory(config: RunConfig, dataset: Dataset) -> None:
    """Check that the networks and what measures them fit into the memory that is free.

    Raises:
        InputError: They do not; it says how much they need.
    """
    wanted, free = needed(config, dataset), available()
    if config.device == "cpu" and free is not None and wanted > free:
        raise InputError(
            f"This run needs about {wanted / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are"
            " free; it takes smaller --hidden, --depth or --batch-size."
        )


def needed(config: RunConfig, dataset: Dataset) -> int:
    """Bytes, about: weights and gradients, a step's outputs, the largest probe."""
    symbols, hidden, arms = len(dataset.vocabulary), config.hidden, len(config.arms)
    weights = symbols * config.emb + config.block_size * config.emb * hidden
    weights += (config.depth - 1) * hidden**2 + hidden * symbols
    width = max(hidden, symbols, config.block_size * config.emb)
    step = config.batch_size * (KEPT * config.depth * hidden + 4 * symbols + width)
    probe = PASSING * max(min(len(dataset), MOST) * width, min(len(dataset) * width, MOST_NUMBERS))
    # The checks fold a copy of a network, and repeat a step of another copy by autograd.
    numbers = arms * (2 * weights + step) + max(probe, 4 * weights + step)
    return FLOAT * numbers


def available() -> int | None:
    """Bytes of memory that are free to this process; None where that cannot be found."""
    found = [free for free in (_of_machine(), _of_group()) if free is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        pages = "SC_AVPHYS_PAGES"
        known = pages in os.sysconf_names
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE") if known else None
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    size = sizes.get("MemAvailable", "").split()
    return int(size[0]) * 1024 if size else None


def _of_group() -> int | None:
    """What a container's limit leaves (control groups, version 2); its file cache can be freed."""
    try:
        limit = int((GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((GROUP / "memory.current").read_text(encoding="ascii"))
        stat = (GROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    cache = next((int(line.split()[1]) for line in stat if line.startswith("inactive_file ")), 0)
    return max(limit - used + cache, 0)
