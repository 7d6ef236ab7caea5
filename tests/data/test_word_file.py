"""Files of words: what is kept, and what is refused in one sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.data import word_file as words
from bntui.data.word_file import check, read_words
from bntui.errors import InputError


def no_progress(read: int, total: int) -> None:
    """Nobody watches."""


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "words.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"emma\nolivia\n", ["emma", "olivia"]),
        (b"  emma \t\n\n \nemma", ["emma", "emma"]),
        (b"emma\r\nolivia\rava", ["emma", "olivia", "ava"]),
        (b"\xef\xbb\xbfemma", ["emma"]),
        ("zoë\n名前\n".encode(), ["zoë", "名前"]),
        (b"a" * 10_000, ["a" * 10_000]),
    ],
)
def test_words_as_they_stand_in_the_file(tmp_path: Path, data: bytes, wanted: list[str]) -> None:
    result = read_words(written(tmp_path, data), no_progress)
    assert result.words == wanted
    assert result.bytes_read == result.bytes_total == len(data)


PRINTABLE = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufeff"
)


@given(st.lists(st.text(PRINTABLE, min_size=1), min_size=1))
def test_any_words_come_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "words"
    path.write_text("\n".join(names), encoding="utf-8")
    assert read_words(path, no_progress).words == names


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is a directory"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"\n \n\t\n"), "has only blank lines"),
        (lambda path: path.write_bytes(b"\x00\x01ELF"), "is binary"),
        (lambda path: path.write_bytes("zoë".encode("latin-1")), "is not UTF-8 (byte 3)"),
        (lambda path: path.write_bytes("emma".encode("utf-16")), "is binary"),
    ],
)
def test_refusals(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    path = tmp_path / "words.txt"
    make(path)
    with pytest.raises(InputError) as refusal:
        read_words(path, no_progress)
    text = str(refusal.value)
    assert problem in text
    assert str(path) in text
    assert "it takes a UTF-8 text file" in text
    assert "\n" not in text


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, b"emma")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
            check(path)


def test_a_file_that_has_nothing_to_read_now_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/proc/kmsg` is a regular file, and reading it waits for the kernel's next words."""
    fifo, real = tmp_path / "fifo", os.fstat
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    regular = real(os.open(written(tmp_path, b"emma"), os.O_RDONLY))
    monkeypatch.setattr(Path, "stat", lambda self: regular)
    with pytest.raises(InputError, match="is empty"):
        check(fifo)
    os.close(keep)


def test_a_name_that_would_paint_the_terminal_is_shown_harmless() -> None:
    with pytest.raises(InputError) as refusal:
        check(Path("evil\x1b[31m\n.txt"))
    assert "\x1b" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_only_the_head_of_a_big_file_is_used_to_a_lines_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "LIMIT", 100)
    seen = []
    path = written(tmp_path, b"abcdefg\n" * 50)
    result = read_words(path, lambda read, total: seen.append((read, total)))
    assert result.words == ["abcdefg"] * 12
    assert (result.bytes_read, result.bytes_total) == (96, 400)
    assert seen == [(100, 400)]


def test_a_character_cut_by_the_first_look_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "_HEAD", 2)
    check(written(tmp_path, "aé".encode()))


def test_a_line_longer_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "LIMIT", 100)
    with pytest.raises(InputError, match="begins with a line longer than"):
        read_words(written(tmp_path, b"a" * 500), no_progress)
