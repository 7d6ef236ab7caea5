"""What the readers of checkpoints have in common: tensors that are still in a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_INDEX = 16 * 2**20
"""Bytes of what must be parsed before tensors are found: zip directory, pickle, JSON header."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor that is still in the file: its type, how many values, and how to read them."""

    dtype: str
    size: int
    read: Callable[[], Sequence[float]]


class UnreadableError(Exception):
    """Why: the end of a sentence that begins with the file's name."""
