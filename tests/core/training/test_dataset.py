"""Words to examples, against the plain loops that the notebook and makemore write."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bntui.config.schema import NOTEBOOK_WORDS, Context
from bntui.core.training.dataset import Dataset, Examples, split_words
from bntui.errors import InputError

WORDS = st.lists(st.text("abcxyzé🙂.", max_size=9), min_size=1, max_size=12)


def plainly(words: list[str], block_size: int, context: Context) -> list[tuple[str, str]]:
    """Every context and its target, by the book."""
    examples = []
    for word in words:
        before = "." if context == "inside" else "." * block_size
        text = before + word + "."
        for i in range(len(text) - block_size):
            examples.append((text[i : i + block_size], text[i + block_size]))
    return examples


def decoded(dataset: Examples) -> list[tuple[str, str]]:
    contexts, targets = dataset.batch(torch.arange(len(dataset)))
    symbols = dataset.vocabulary
    return [
        ("".join(symbols[i] for i in row), symbols[target])
        for row, target in zip(contexts.tolist(), targets.tolist(), strict=True)
    ]


@given(WORDS, st.integers(1, 6), st.sampled_from(["inside", "padded"]))
def test_examples_are_those_of_the_plain_loop(
    words: list[str], block_size: int, context: Context
) -> None:
    wanted = plainly(words, block_size, context)
    if wanted:
        assert decoded(Dataset(words, block_size, context)) == wanted
    else:
        with pytest.raises(InputError, match="--block-size"):
            Dataset(words, block_size, context)


def test_the_vocabulary_is_the_boundary_and_the_sorted_characters() -> None:
    assert Dataset(["ba", "c.a"], 1, "padded").vocabulary == [".", "a", "b", "c"]


def test_padded_contexts_predict_every_character() -> None:
    dataset = Dataset(NOTEBOOK_WORDS, 3, "padded")
    assert len(dataset) == sum(len(word) + 1 for word in NOTEBOOK_WORDS)


def test_first_gives_what_there_is() -> None:
    contexts, targets = Dataset(["emma"], 3, "inside").first(100)
    assert contexts.shape == (3, 3)
    assert targets.shape == (3,)


def test_a_refusal_names_the_option_the_word_and_the_way_out() -> None:
    with pytest.raises(InputError) as refusal:
        Dataset(["ab", "c"], 5, "inside")
    text = str(refusal.value)
    assert "--block-size is 5" in text
    assert "longest word has 2" in text
    assert "up to 3" in text
    Dataset(["ab", "c"], 3, "inside")


def test_long_words_and_many_words() -> None:
    long = Dataset(["ab" * 5_000, "x"], 3, "inside")
    assert len(long) == 10_000 + 2 - 3
    many = Dataset(["emma", "olivia"] * 100_000, 3, "padded")
    assert len(many) == 100_000 * 12
    assert many.batch(torch.tensor([1_199_999]))[1].tolist() == [0]


def test_words_are_split_as_makemore_splits_them() -> None:
    words = list(NOTEBOOK_WORDS)
    train, held_out = split_words(words, 42)
    random.seed(42)
    random.shuffle(words)
    assert [train, *held_out.values()] == [words[:16], words[16:18], words[18:]]
    assert list(held_out) == ["validation", "test"]
    assert split_words(NOTEBOOK_WORDS, 43)[0] != train


def test_splits_share_the_vocabulary_of_all_words() -> None:
    dataset = Dataset(["aba", "ab"], 2, "padded", {"validation": ["cab"], "test": []})
    assert dataset.vocabulary == [".", "a", "b", "c"]
    assert len(dataset) == 7
    validation, test = dataset.held_out.values()
    assert validation.first(9)[1].tolist() == [3, 1, 2, 0]
    assert len(test) == 0


@given(WORDS, st.integers(1, 6), st.sampled_from(["inside", "padded"]))
def test_held_out_examples_are_those_of_the_plain_loop(
    words: list[str], block_size: int, context: Context
) -> None:
    dataset = Dataset(["emma" * 3], block_size, context, {"test": words})
    assert decoded(dataset.held_out["test"]) == plainly(words, block_size, context)


def test_one_word_cannot_be_split() -> None:
    with pytest.raises(InputError, match="--split is yes, but it takes at least 2 words"):
        split_words(["emma"], 42)
