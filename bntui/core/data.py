"""From words to examples: a context of `block_size` characters and the character after it."""

from array import array
from collections.abc import Sequence

import torch
from torch import Tensor

from bntui.config import Context
from bntui.errors import InputError

BOUNDARY = "."


class Dataset:
    """Every example that the words give, cut from one row of tokens when it is asked for.

    `vocabulary` lists the symbols: the boundary `.` is token 0, the characters follow in order.

    Args:
        words: Without line ends.
        block_size: Characters of context.
        context: "inside" takes the windows of block_size + 1 that fit into `.word.`, as the
            notebook does; "padded" puts block_size boundaries before the word, so that every
            character is predicted, as makemore does.

    Raises:
        InputError: No word is long enough for an example.
    """

    def __init__(self, words: Sequence[str], block_size: int, context: Context) -> None:
        before = 1 if context == "inside" else block_size
        sizes = torch.frombuffer(array("q", map(len, words)) or bytearray(8), dtype=torch.int64)
        sizes = sizes + before + 1
        if int(sizes.max()) <= block_size:
            raise InputError(_too_short(words, block_size))
        self.vocabulary = [BOUNDARY, *sorted(set("".join(words)) - {BOUNDARY})]
        self._windows = self._tokens(words, before).unfold(0, block_size + 1, 1)
        self._starts = _starts(sizes, block_size + 1)

    def _tokens(self, words: Sequence[str], before: int) -> Tensor:
        """All words in a row, each with its boundaries."""
        pad = BOUNDARY * before
        text = pad + (BOUNDARY + pad).join(words) + BOUNDARY
        codes = torch.frombuffer(bytearray(text.encode("utf-32-le")), dtype=torch.int32)
        token_of = torch.zeros(0x110000, dtype=torch.int32)
        token_of[[ord(symbol) for symbol in self.vocabulary]] = torch.arange(
            len(self.vocabulary), dtype=torch.int32
        )
        return token_of.index_select(0, codes)

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self._starts)

    def batch(self, ix: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts (..., block_size) and targets (...) of the examples `ix` (...), all int64."""
        windows = self._windows[self._starts[ix]].long()
        return windows[..., :-1].contiguous(), windows[..., -1].contiguous()

    def first(self, n: int) -> tuple[Tensor, Tensor]:
        """The first n examples, or all where there are fewer."""
        return self.batch(torch.arange(min(n, len(self))))


def _starts(sizes: Tensor, window: int) -> Tensor:
    """Where windows begin in pieces of these sizes, laid end to end, that cross no piece's end."""
    fitting = (sizes - window + 1).clamp(min=0)
    piece = sizes.cumsum(0) - sizes
    first = fitting.cumsum(0) - fitting
    shift = (piece - first).int().repeat_interleave(fitting)
    return shift + torch.arange(len(shift), dtype=torch.int32)


def _too_short(words: Sequence[str], block_size: int) -> str:
    longest = max(map(len, words), default=0)
    return (
        f"--block-size is {block_size}, but the longest word has {longest} characters, and inside "
        f".word. that gives an example only up to {longest + 1}; --context padded takes any."
    )
