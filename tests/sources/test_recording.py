"""Logs read back: whole, growing, packed, damaged, hostile."""

import asyncio
import errno
import gzip
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.config.schema import RunConfig
from bntui.doctor.target import examine_target
from bntui.errors import InputError
from bntui.export.files import write_csv, write_parquet
from bntui.history.history import History
from bntui.logs import reader
from bntui.logs.reader import Decoder
from bntui.logs.writer import LogWriter, find
from bntui.protocol import AnyEvent, Ended, Pause, Skipped, Steps
from bntui.protocol.codec import encode
from bntui.sources.recording import PipedRecording, Recording, open_log, open_stdin
from tests.scripted import beginning, probes, steps

RUN: list[AnyEvent] = [*beginning(), *steps(0, 300), *probes(300), *steps(300, 200)]


def written(path: Path, *events: AnyEvent) -> Path:
    path.write_bytes(b"".join(map(encode, events)))
    return path


async def everything(path: Path) -> list[AnyEvent]:
    recording = open_log(path, follow=False)
    assert recording.name == path.stem
    events = [event async for event in recording.events()]
    await recording.close()
    return events


async def upcoming(events: AsyncIterator[AnyEvent]) -> AnyEvent:
    async with asyncio.timeout(20):
        return await anext(events)


async def test_a_log_gives_its_events_and_then_its_end(tmp_path: Path) -> None:
    assert await everything(written(tmp_path / "log", *RUN)) == [*RUN, Ended()]


async def test_a_torn_last_line_is_not_there_yet(tmp_path: Path) -> None:
    path = written(tmp_path / "log", *RUN)
    path.write_bytes(path.read_bytes()[:-10])
    assert await everything(path) == [*RUN[:-1], Ended()]


@pytest.mark.parametrize("follow", [True, False])
async def test_a_log_that_cannot_be_read_any_more_says_so_and_goes_on(
    follow: bool, tmp_path: Path
) -> None:
    """As on a disk that fails, or a share that is gone for a while."""

    class Failing(io.BufferedReader):
        broken = 3

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() and self.broken:
                self.broken -= 1
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(5 if self.broken else size)

    recording = Recording(Failing(io.FileIO(written(tmp_path / "log", *RUN))), follow)
    found: list[AnyEvent] = []
    async for event in recording.events():
        found.append(event)
        if event == Ended():
            break
    await recording.close()
    failed = Skipped(0, "the log cannot be read: Input/output error")
    assert found == [failed, *(RUN if follow else []), *([Ended()] if follow else [])]


@pytest.mark.parametrize(
    ("stdin", "what"), [("null", "is a device or a directory"), ("closed", "is closed")]
)
def test_standard_input_that_is_no_pipe_is_refused(stdin: str, what: str) -> None:
    read, write = os.pipe()
    if stdin == "null":
        os.dup2(os.open(os.devnull, os.O_RDONLY), read)
    saved = os.dup(0)
    try:
        os.dup2(read, 0)
        if stdin == "closed":
            os.close(0)
        with pytest.raises(InputError, match=f"Standard input {what}"):
            open_stdin(with_keyboard=False)
    finally:
        os.dup2(saved, 0)
        for each in (saved, read, write):
            os.close(each)


async def test_packed_logs_open_too_also_of_several_parts(tmp_path: Path) -> None:
    data = b"".join(map(encode, RUN))
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(data[:5000]) + gzip.compress(data[5000:]))
    assert await everything(path) == [*RUN, Ended()]


async def test_a_damaged_packed_log_gives_what_it_can_and_says_so(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"".join(map(encode, RUN))))
    data[len(data) // 2] ^= 255
    path = tmp_path / "log.gz"
    path.write_bytes(data)
    events = await everything(path)
    assert any(isinstance(e, Skipped) and "compressed data is damaged" in e.reason for e in events)


def test_a_bomb_is_unpacked_in_small_pieces() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    decoder = Decoder()
    events = [e for i in range(0, len(bomb), 65536) for e in decoder.feed(bomb[i : i + 65536])]
    assert events == []


def test_a_bomb_ends_at_so_many_times_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "FREELY_UNPACKED", 2**18)
    bomb = gzip.compress(b"\n" * 2**19)
    decoder = Decoder()
    (event,) = decoder.feed(bomb)
    assert isinstance(event, Skipped)
    assert "unpacks to more than 50 times its size" in event.reason
    assert list(decoder.feed(gzip.compress(encode(RUN[0])))) == []


async def test_a_bomb_of_lines_lets_others_run(tmp_path: Path) -> None:
    """Sixteen million lines in 16 kB, of which none is an event: the loop goes on between them."""
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"\n" * 2**24))
    recording = open_log(path, follow=True)
    reading = asyncio.ensure_future(anext(recording.events()))
    await asyncio.sleep(0)
    assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await recording.close()


async def test_a_log_that_is_cut_short_is_read_from_its_start_again(tmp_path: Path) -> None:
    path = written(tmp_path / "log", *RUN[:3])
    recording = open_log(path, follow=True)
    events = recording.events()
    assert [await upcoming(events) for _ in range(4)] == [*RUN[:3], Ended()]
    os.truncate(path, 0)
    assert isinstance(await upcoming(events), Skipped)
    with path.open("ab") as file:
        file.write(encode(RUN[1]))
    assert await upcoming(events) == RUN[1]
    await recording.close()


async def test_a_growing_log_is_followed_and_ends_when_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogWriter(path)
    for event in RUN[:5]:
        log.write(encode(event))
    recording = open_log(path, follow=True)
    events = recording.events()
    assert [await upcoming(events) for _ in range(5)] == RUN[:5]
    line = encode(RUN[5])
    log.write(line[:7])
    log.write(line[7:])
    assert await upcoming(events) == RUN[5]
    log.close()
    assert await upcoming(events) == Ended()
    await recording.close()


async def test_what_is_appended_without_a_lock_is_followed_too(tmp_path: Path) -> None:
    path = written(tmp_path / "log", RUN[0])
    recording = open_log(path, follow=True)
    events = recording.events()
    assert [await upcoming(events), await upcoming(events)] == [RUN[0], Ended()]
    with path.open("ab") as file:
        file.write(encode(RUN[1]))
    assert await upcoming(events) == RUN[1]
    await recording.close()


async def test_a_pipe_is_read_as_it_comes() -> None:
    out, into = os.pipe()
    recording = PipedRecording(os.fdopen(out, "rb", buffering=0))
    events = recording.events()
    for event in RUN[:3]:
        os.write(into, encode(event))
        assert await upcoming(events) == event
    os.close(into)
    assert await upcoming(events) == Ended()
    await recording.send(Pause())
    await recording.close()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "cannot be read (No such file or directory)"),
        (lambda path: path.mkdir(), "is a directory"),
        (os.mkfifo, "cannot be read (not a regular file)"),
        (lambda path: path.write_bytes(b"\x7fELF"), "is no run log"),
        (lambda path: path.write_text("emma\n"), "is no run log"),
    ],
)
def test_what_is_no_log_is_refused_in_a_sentence(
    tmp_path: Path, make: object, problem: str
) -> None:
    path = tmp_path / "log"
    make(path)  # type: ignore[operator]  # each is a function of a path
    done = subprocess.run(
        [sys.executable, "-m", "bntui", "open", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000], ids=["zero byte", "too long"])
def test_a_name_that_no_file_has_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        open_log(find(name), follow=False)
    with pytest.raises(InputError, match="cannot be read"):
        examine_target(f"{name}.py", [], 1)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_name_too_long_for_a_new_file_is_refused(
    write: Callable[[list[AnyEvent], str], None], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write([], str(tmp_path / ("x" * 5000)))


JUNK = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
        max_leaves=8,
    ).map(lambda value: repr(value).encode(errors="replace")),
)


@given(st.lists(JUNK | st.integers(0, len(RUN) - 1), max_size=30))
def test_fuzz_no_log_however_odd_stops_the_reader_or_the_history(parts: list[bytes | int]) -> None:
    """Junk between real lines in any order."""
    data = b"\n".join(encode(RUN[p])[:-1] if isinstance(p, int) else p for p in parts) + b"\n"
    history = History()
    for event in Decoder().feed(data):
        history.fold(event)
    assert history.steps <= 500


@pytest.mark.parametrize("field", ["first", "elapsed"])
@pytest.mark.parametrize("value", ["1e308", "-5", "99999999999999999999", "null", '"7"'])
def test_numbers_out_of_place_are_counted_and_left_out(field: str, value: str) -> None:
    event = encode(Steps(0, 0.5, {"no BN": [1.0], "BN": [1.0]})).decode()
    broken = event.replace(
        f'"{field}":' + {"first": "0", "elapsed": "0.5"}[field], f'"{field}":{value}'
    )
    assert broken != event
    history = History()
    decoder = Decoder()
    for line in [*map(encode, beginning(RunConfig())), broken.encode(), event.encode()]:
        for each in decoder.feed(line):
            history.fold(each)
    assert history.steps in {1, 2}
    assert history.skipped_count <= 1
