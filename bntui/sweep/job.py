"""One run of a sweep, in a worker process that keeps torch and the data loaded between runs."""

import platform
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bntui import __version__
from bntui.config import Context, RunConfig
from bntui.config.share import share
from bntui.errors import InputError
from bntui.history import History
from bntui.protocol import PROTOCOL, Event, Hello, Machine
from bntui.protocol.codec import encode
from bntui.sweep.events import Outcome, outcome_of
from bntui.sweep.plan import Job
from bntui.text import clean

if TYPE_CHECKING:
    from bntui.core.engine.memory import Size
    from bntui.core.training.dataset import Dataset

Words = tuple[str, ...]

_words: dict[str, Words] = {}


def keep_words(digest: str, words: Words) -> None:
    """Keep the data of the runs to come: its file may be on another machine."""
    _words[digest] = words


def digest_of(words: Words) -> str:
    """Names the data: workers may serve sweeps of several data sets at once."""
    return sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:16]


SLICE = 0.25
"""Seconds of training between two looks at whether the run is finished."""


class Result(NamedTuple):
    """What travels back: the outcome, and the run's log, gzipped."""

    outcome: Outcome
    log: bytes


def machine() -> Machine:
    """This process's host and versions; loads torch."""
    import torch  # noqa: PLC0415 (only workers load it)

    return Machine(platform.node(), __version__, str(torch.__version__), torch.get_num_threads())


def memory_of(configs: Sequence[RunConfig], digest: str) -> int:
    """Bytes, about, that the largest of these runs needs; loads torch.

    `keep_words` was given the data of that digest before.
    """
    from bntui.core.engine.memory import needed, needed_for, size_of  # noqa: PLC0415

    @cache
    def of_data(block_size: int, context: Context) -> tuple[int, "Size"]:
        data = _words[digest], block_size, context
        return needed_for(*data), size_of(*data)

    def of_run(config: RunConfig) -> int:
        data, size = of_data(config.block_size, config.context)
        return data + needed(config, size, len(config.arms))

    return max(map(of_run, configs))


def run_job(job: Job, config: RunConfig, digest: str, reach: float | None) -> Result | str:
    """Train to the end on one thread.

    Args:
        job: Which run of the sweep this is.
        config: The run.
        digest: Of the data, which `keep_words` was given before.
        reach: The loss whose first step is looked for, if any.

    Returns:
        The result, or why there is none: trying again would fail again.
    """
    from bntui.core.engine.memory import NO_MEMORY, is_out_of_memory  # noqa: PLC0415

    try:
        return _run(job, config, _words[digest], reach)
    except InputError as error:
        return str(error).rstrip(".")
    except Exception as error:
        if is_out_of_memory(error):
            return NO_MEMORY.rstrip(".")
        return clean(f"{type(error).__name__}: {error}", limit=300)


def _run(job: Job, config: RunConfig, words: Words, reach: float | None) -> Result:
    import torch  # noqa: PLC0415 (only workers load it)

    from bntui.core.engine.memory import check_memory, size_of  # noqa: PLC0415
    from bntui.core.engine.session import Session  # noqa: PLC0415
    from bntui.core.training.trainer import Trainer  # noqa: PLC0415

    size = size_of(words, config.block_size, config.context)
    check_memory(config, size)
    torch.set_num_threads(1)
    history, lines = History(), bytearray()
    started = datetime.now(UTC).isoformat(timespec="seconds")

    def emit(event: Event) -> None:
        lines.extend(encode(event))
        history.fold(event)

    here = machine()
    emit(Hello(PROTOCOL, __version__, started, config, config.arm_names, share(config), here))
    session = Session(Trainer(config, _dataset(words, config)), emit, lambda event: None)
    while not (history.state and history.state.state == "finished"):
        session.advance(monotonic() + SLICE)
        session.flush()
    packer = zlib.compressobj(level=6, wbits=31)
    packed = packer.compress(lines) + packer.flush()
    return Result(outcome_of(job, history, reach, here), packed)


def _dataset(words: Words, config: RunConfig) -> "Dataset":
    return _cached_dataset(
        words, config.block_size, config.context, config.split, config.split_seed
    )


@lru_cache(maxsize=4)
def _cached_dataset(
    words: Words, block_size: int, context: Context, split: bool, split_seed: int
) -> "Dataset":
    from bntui.core.training import dataset  # noqa: PLC0415

    train, held_out = dataset.split_words(words, split_seed) if split else (words, None)
    return dataset.Dataset(train, block_size, context, held_out)
