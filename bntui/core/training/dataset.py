"""Examples from words: a context of `block_size` characters and the next character."""

from array import array
from collections.abc import Mapping, Sequence
from random import Random

import torch
from torch import Tensor

from bntui.config.schema import Context
from bntui.core.training.contexts import BOUNDARY, boundaries
from bntui.errors import InputError

HELD_OUT = ("validation", "test")
"""Names of the splits that are not trained on."""


class Examples:
    """All examples of the words, as windows of one row of tokens.

    Args:
        words: Without line ends.
        block_size: Characters of context.
        context: What stands before a word; see `boundaries`.
        vocabulary: The symbols, indexed by token.
    """

    def __init__(
        self, words: Sequence[str], block_size: int, context: Context, vocabulary: list[str]
    ) -> None:
        self.vocabulary = vocabulary
        before = boundaries(context, block_size)
        lengths = torch.frombuffer(array("q", map(len, words)) or bytearray(8), dtype=torch.int64)
        tokens = self._tokens(words, before)
        self._starts = _starts(lengths[: len(words)] + before + 1, block_size + 1)
        self._windows = tokens.unfold(0, min(block_size + 1, len(tokens)), 1)

    def _tokens(self, words: Sequence[str], before: int) -> Tensor:
        """All words with their boundaries, as one row of tokens."""
        pad = BOUNDARY * before
        text = pad + (BOUNDARY + pad).join(words) + BOUNDARY
        codes = torch.frombuffer(bytearray(text.encode("utf-32-le")), dtype=torch.int32)
        token_of = torch.zeros(0x110000, dtype=torch.int32)
        token_of[[ord(symbol) for symbol in self.vocabulary]] = torch.arange(
            len(self.vocabulary), dtype=torch.int32
        )
        return token_of.index_select(0, codes)

    def __len__(self) -> int:
        """The number of examples."""
        return len(self._starts)

    def to(self, device: str) -> None:
        """Move the tokens to a device; batches are returned there."""
        self._starts, self._windows = self._starts.to(device), self._windows.to(device)

    def batch(self, ix: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts (..., block_size) and targets (...) of the examples `ix` (...), all int64."""
        windows = self._windows[self._starts[ix.to(self._starts.device)]].long()
        return windows[..., :-1].contiguous(), windows[..., -1].contiguous()

    def first(self, n: int) -> tuple[Tensor, Tensor]:
        """The first n examples, or all if there are fewer."""
        return self.batch(torch.arange(min(n, len(self))))

    def spread(self, n: int) -> tuple[Tensor, Tensor]:
        """At most n examples, evenly spaced; all if there are no more."""
        return self.batch(torch.arange(0, len(self), max(-(-len(self) // n), 1)))


class Dataset(Examples):
    """The examples to train on; `held_out` has those of the other splits by name.

    `vocabulary` lists the symbols of all words: the boundary `.` is token 0, the characters follow
    in order.

    Args:
        words: The words to train on.
        block_size: As in `Examples`.
        context: As in `Examples`.
        held_out: Words of the other splits, which may yield no examples.

    Raises:
        InputError: No word to train on is long enough for an example.
    """

    def __init__(
        self,
        words: Sequence[str],
        block_size: int,
        context: Context,
        held_out: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        others = held_out or {}
        characters = set("".join(words)).union(*("".join(each) for each in others.values()))
        vocabulary = [BOUNDARY, *sorted(characters - {BOUNDARY})]
        super().__init__(words, block_size, context, vocabulary)
        if not len(self):
            raise InputError(_too_short(words, block_size))
        self.held_out = {
            name: Examples(each, block_size, context, vocabulary) for name, each in others.items()
        }

    def to(self, device: str) -> None:
        """All splits."""
        super().to(device)
        for examples in self.held_out.values():
            examples.to(device)


def split_words(words: Sequence[str], seed: int) -> tuple[list[str], dict[str, list[str]]]:
    """Shuffled by the seed, then 80 % to train on, 10 % for validation, 10 % for the test.

    The same words and seed give makemore's splits (part 2: `random.seed(42)`).

    Raises:
        InputError: There are too few words.
    """
    shuffled = list(words)
    Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    if first == 0:
        raise InputError(
            f"--split is yes, but it takes at least 2 words, and there is {len(words)}."
        )
    parts = (shuffled[first:second], shuffled[second:])
    return shuffled[:first], dict(zip(HELD_OUT, parts, strict=True))


def _starts(sizes: Tensor, window: int) -> Tensor:
    """Starts of the windows within pieces of these sizes, laid end to end; none crosses an end."""
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
