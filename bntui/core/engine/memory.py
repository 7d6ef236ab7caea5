"""How much memory a run needs, before it begins. Needs no torch where nothing is counted."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from bntui.config.schema import Context, RunConfig
from bntui.core.training.contexts import BOUNDARY, boundaries, count_examples
from bntui.errors import InputError

FLOAT = 4
"""Bytes of a number."""

KEPT, PASSING, POOLING = 9, 3, 5
"""Outputs of a layer's size that a training step keeps for each hidden layer (outputs and gradients
of Linear, normalization and activation, x_hat), that a pass without gradients holds at once, and
that one over pooled batches does. By these a run was said to need 1.1 to 1.9 times what it took."""

TOKEN, EXAMPLE = 16, 24
"""Bytes that a token and an example take while the examples are made of their words."""

NO_MEMORY = "The memory is exhausted; it takes smaller --hidden, --depth or --batch-size."

GROUP = Path("/sys/fs/cgroup")


class Size(NamedTuple):
    """Examples and symbols of the data: what the need depends on beside the config."""

    examples: int
    symbols: int


def size_of(words: Sequence[str], block_size: int, context: Context) -> Size:
    """The size of a data set; see `Examples`."""
    return Size(count_examples(words, block_size, context), len(set().union(*words) | {BOUNDARY}))


def needed_for(words: Sequence[str], block_size: int, context: Context) -> int:
    """Bytes, about, while the examples of these words are made."""
    tokens = sum(map(len, words)) + len(words) * (boundaries(context, block_size) + 1)
    return TOKEN * tokens + EXAMPLE * count_examples(words, block_size, context)


def check_words(words: Sequence[str], block_size: int, context: Context) -> None:
    """Check that the examples of these words fit into the memory that is free.

    Raises:
        InputError: They do not; it says how much they need.
    """
    wanted = needed_for(words, block_size, context)
    require(wanted, "The data", "it takes a smaller file or --block-size")


def check_memory(config: RunConfig, size: Size) -> None:
    """Check that the networks and what measures them fit into the memory that is free.

    Raises:
        InputError: They do not; it says how much they need.
    """
    if config.device == "cpu":
        wanted = needed(config, size, len(config.arms))
        require(wanted, "This run", "it takes smaller --hidden, --depth or --batch-size")


def check_growth(config: RunConfig, size: Size, networks: int, batch_size: int, held: int) -> None:
    """Check that so many networks, of which `held` are there, fit with batches of that size.

    Raises:
        InputError: They do not; it says how much more they need.
    """
    if config.device == "cpu":
        wanted = needed(replace(config, batch_size=batch_size), size, networks)
        more = wanted - held * FLOAT * 2 * _weights(config, size.symbols)
        require(more, "That", "it takes a smaller batch or fewer networks")


def require(wanted: int, what: str, takes: str) -> None:
    """Check that so many bytes are free.

    Raises:
        InputError: They are not; `what` begins its sentence, and `takes` ends it.
    """
    free = available()
    if free is not None and wanted > free:
        raise InputError(
            f"{what} needs about {wanted / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are"
            f" free; {takes}."
        )


def needed(config: RunConfig, size: Size, networks: int) -> int:
    """Bytes, about: weights and gradients, a step's outputs, the largest probe, what is kept."""
    from bntui.core.nn.precise import MOST_NUMBERS  # noqa: PLC0415 (loads torch)
    from bntui.core.probes.activations import pooled  # noqa: PLC0415 (loads torch)
    from bntui.core.probes.modes import MOST  # noqa: PLC0415 (loads torch)
    from bntui.core.telemetry import archive  # noqa: PLC0415 (loads torch)

    (examples, symbols), hidden = size, config.hidden
    weights = _weights(config, symbols)
    width = max(hidden, symbols, config.block_size * config.emb)
    step = config.batch_size * (KEPT * config.depth * hidden + 4 * symbols + width)
    probe = PASSING * max(min(examples, MOST) * width, min(examples * width, MOST_NUMBERS))
    pool = POOLING * pooled(config.batch_size, width) * config.batch_size * width
    # The checks fold a copy of a network, and repeat a step of another copy by autograd.
    numbers = networks * (2 * weights + step) + max(probe, pool, 4 * weights + step)
    kept = min(archive.MOST_BYTES, archive.MOST_SAMPLES * 4 * FLOAT * config.depth * hidden)
    return FLOAT * numbers + networks * kept


def _weights(config: RunConfig, symbols: int) -> int:
    """Numbers in a network's weights, about."""
    hidden = config.hidden
    weights = symbols * config.emb + config.block_size * config.emb * hidden
    return weights + (config.depth - 1) * hidden**2 + hidden * symbols


def is_out_of_memory(error: Exception) -> bool:
    """Whether Python's, torch's or a device's allocation failed; torch has no type for its own."""
    text = str(error)
    return isinstance(error, MemoryError) or "allocate memory" in text or "out of memory" in text


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
