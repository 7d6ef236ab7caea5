"""`bntui open` as a person uses it: logs, packed logs, growing logs, pipes, several at once."""

import gzip
import os
import re
from pathlib import Path

import msgspec
import pytest

from bntui.config.schema import RunConfig
from bntui.logs.writer import LogWriter
from bntui.protocol import AnyEvent, Failed, Reading, State
from bntui.protocol.codec import encode
from tests.e2e.terminal import BNTUI, Terminal
from tests.scripted import beginning, finished_log, probes, steps
from tests.watched_events import watched_run

RUN: list[AnyEvent] = [*beginning(), *steps(0, 500), *probes(500)]
END = State("finished", 500, None)
HOSTILE = "[/nope][@click=app.quit]x[/]\x1b]0;owned\x07\r\x1b[31m\x9b1m\u202e"


def log(path: Path, *events: AnyEvent) -> Path:
    path.write_bytes(b"".join(map(encode, events)))
    return path


def leave(terminal: Terminal) -> None:
    terminal.press("q")
    assert terminal.wait() == 0
    assert terminal.left_on() == []


def test_a_log_is_shown_and_looked_back_in(tmp_path: Path) -> None:
    with Terminal("open", finished_log(tmp_path / "run.jsonl")) as terminal:
        terminal.wait_for("✔ finished 500/5,000")
        terminal.press("\x1b[D")
        terminal.wait_for("◀ step 0")
        terminal.press("\x1b[F")
        terminal.wait_until_gone("◀ step 0")
        leave(terminal)


def test_a_packed_log(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(map(encode, [*RUN, END]))))
    with Terminal("open", str(path)) as terminal:
        terminal.wait_for("finished 500/5,000")
        leave(terminal)


def test_the_run_that_was_logged_last(tmp_path: Path) -> None:
    runs = tmp_path / "bntui" / "runs"
    runs.mkdir(parents=True)
    log(runs / "new.jsonl", *watched_run(40))
    os.utime(log(runs / "old.jsonl", *RUN, END), (0, 0))
    with Terminal("open", "--latest", env={"XDG_DATA_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("finished train.py · step 40")
        leave(terminal)


def test_a_growing_log_is_followed_until_its_writer_is_gone(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "run.jsonl")
    for event in RUN:
        writer.write(encode(event))
    with Terminal("open", str(writer.path)) as terminal:
        terminal.wait_for("running 500/5,000")
        for event in steps(500, 100):
            writer.write(encode(event))
        terminal.wait_for("running 600/5,000")
        writer.close()
        terminal.wait_for("cut off 600/5,000")
        leave(terminal)


@pytest.mark.parametrize("feed", ["cat {log}", "tail -n +1 -f {log}"])
def test_events_through_a_pipe_and_keys_from_the_terminal(feed: str, tmp_path: Path) -> None:
    path = log(tmp_path / "run.jsonl", *RUN, END)
    command = f"{feed.format(log=path)} | {BNTUI} open -; kill %1 2> /dev/null"
    with Terminal("-c", f"set -m; {command}", program="/bin/bash") as terminal:
        terminal.wait_for("finished 500/5,000")
        terminal.press("4")
        terminal.wait_for("TRAIN")
        leave_pipe(terminal)


def leave_pipe(terminal: Terminal) -> None:
    """The shell waits for `tail`, which notices only when it writes again."""
    terminal.press("q")
    terminal.read_until(lambda: terminal.left_on() == [])


def test_a_run_elsewhere_is_watched_through_its_events() -> None:
    with Terminal("-c", f"{BNTUI} run --steps 300 --no-log --json | {BNTUI} open -",
                  program="/bin/sh") as terminal:  # fmt: skip
        terminal.wait_for("finished 300/300")
        leave(terminal)


def test_two_runs_are_overlaid_with_what_differs(tmp_path: Path) -> None:
    paths = []
    for lr in (0.1, 0.2):
        events = [*beginning(RunConfig(lr=lr)), *RUN[len(beginning()) :], END]
        paths.append(str(log(tmp_path / f"run-{lr}.jsonl", *events)))
    with Terminal("open", *paths, size=(120, 40)) as terminal:
        terminal.wait_for("B run-0.2 ")
        assert re.search(r"B run-0\.2 +0\.2 ", terminal.text)
        leave(terminal)


def test_nothing_hostile_in_a_log_or_its_name_reaches_the_terminal(tmp_path: Path) -> None:
    events = [
        *beginning(RunConfig(preset=HOSTILE)),
        Reading(HOSTILE, 1, 2),
        Failed("crash", HOSTILE, HOSTILE),
    ]
    raw = [msgspec.json.encode(event).replace(b"\xef\xbf\xbd", b"\\u001b") for event in events]
    path = tmp_path / f"{HOSTILE.replace('/', '_')}.jsonl"
    path.write_bytes(b"\n".join(raw) + b"\n")
    with Terminal("open", str(path), size=(120, 40)) as terminal:
        terminal.wait_for("engine stopped")
        terminal.press("o?")
        terminal.press("qq")  # help and runs
        terminal.press("q")
        terminal.wait()
        for sequence in (b"\x1b]0;owned", b"\x1b[31m\xc2\x9b", b"\xc2\x9b1m", "\u202e".encode()):
            assert sequence not in terminal.sent
