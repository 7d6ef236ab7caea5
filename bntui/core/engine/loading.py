"""Loads the examples of a config, emitting progress; torch is imported after the file is read."""

import gc
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bntui.config.schema import NOTEBOOK_WORDS, Context, RunConfig
from bntui.core.engine.memory import check_words
from bntui.data.word_file import Words, read_words
from bntui.protocol import Dataset, Event, Reading

if TYPE_CHECKING:
    from bntui.core.training.dataset import Dataset as Examples

NOTEBOOK_SOURCE = "the notebook's 20 names"
REPORT_EVERY = 0.1
"""Seconds between two reports of how far a file is read."""


class Key(NamedTuple):
    """The settings that decide the examples."""

    data: str | None
    block_size: int
    context: Context
    split: bool
    split_seed: int


class Loader:
    """Reads data, and caches the last so that a restarted run need not wait."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._loaded: tuple[Key, Dataset, Examples] | None = None

    def load(self, config: RunConfig) -> "Examples":
        """The examples of a run; emits `Reading`, then `Dataset`.

        Raises:
            InputError: The data cannot be used, or is too much for the memory.
        """
        key = Key(*(getattr(config, name) for name in Key._fields))
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = (key, *self._make(key))
        _, event, examples = self._loaded
        self._emit(event)
        return examples

    def _make(self, key: Key) -> tuple[Dataset, "Examples"]:
        words = self._read(key.data)
        check_words(words.words, key.block_size, key.context)
        _load_torch()
        from bntui.core.training import dataset as data  # noqa: PLC0415 (torch is loaded by now)

        parts = data.split_words(words.words, key.split_seed) if key.split else (words.words, None)
        train, held_out = parts
        examples = data.Dataset(train, key.block_size, key.context, held_out)
        event = Dataset(
            source=key.data or NOTEBOOK_SOURCE,
            words=len(words.words),
            examples=len(examples),
            vocabulary=len(examples.vocabulary),
            bytes_read=words.bytes_read,
            bytes_total=words.bytes_total,
            held_out={name: len(others) for name, others in examples.held_out.items()},
        )
        return event, examples

    def _read(self, data: str | None) -> Words:
        if data is None:
            size = sum(len(word) + 1 for word in NOTEBOOK_WORDS)
            return Words(list(NOTEBOOK_WORDS), size, size)
        last = -REPORT_EVERY

        def progress(read: int, total: int) -> None:
            nonlocal last
            if monotonic() - last >= REPORT_EVERY:
                last = monotonic()
                self._emit(Reading(data, read, total))

        return read_words(Path(data), progress)


def _load_torch() -> None:
    """Import torch without collecting garbage on the way: it finds none in a tenth of the time.

    What is loaded is left out of later collections.
    """
    if "torch" in sys.modules:
        return
    warnings.filterwarnings("ignore", "Failed to initialize NumPy")
    gc.disable()
    import torch  # noqa: F401, PLC0415 (takes a second)

    gc.freeze()
    gc.enable()
