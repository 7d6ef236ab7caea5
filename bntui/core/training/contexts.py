"""How many examples words make; without torch, so that they are counted before it is loaded."""

from collections.abc import Sequence

from bntui.config.schema import Context

BOUNDARY = "."
"""Stands around every word, and before it where the context would reach out of it."""


def boundaries(context: Context, block_size: int) -> int:
    """How many stand before a word.

    "inside" takes the windows of block_size + 1 that fit into `.word.`, as the notebook does;
    "padded" puts block_size boundaries before each word, so that every character is predicted, as
    makemore does.
    """
    return 1 if context == "inside" else block_size


def count_examples(words: Sequence[str], block_size: int, context: Context) -> int:
    """The windows of block_size + 1 in all words."""
    more = boundaries(context, block_size) + 1 - block_size
    return sum(max(len(word) + more, 0) for word in words)
