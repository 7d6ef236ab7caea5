"""Logs listed from their first and last lines."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from bntui.cli import stream
from bntui.config.schema import RunConfig
from bntui.logs.index import differences, summaries, summarise
from bntui.logs.table import cells
from bntui.logs.writer import LogWriter
from bntui.protocol import AnyEvent, Failed, Scalars, State, Steps
from bntui.protocol.codec import encode
from tests.scripted import beginning, hello, probes, steps
from tests.watched_events import watched_run, watching

RUN: list[AnyEvent] = [*beginning(), *steps(0, 300), *probes(300), *steps(300, 200), *probes(500)]
END = State("finished", 500, None)


def log(path: Path, *events: AnyEvent) -> Path:
    path.write_bytes(b"".join(map(encode, events)))
    return path


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ([END], "finished"),
        ([State("finished", 500, None, ["BN"])], "diverged"),
        ([], "cut off"),
        ([State("paused", 500, None)], "cut off"),
        ([Failed("crash", "ValueError: no")], "failed"),
    ],
)
def test_how_a_run_ended(tmp_path: Path, last: list[AnyEvent], state: str) -> None:
    summary = summarise(log(tmp_path / "a.jsonl", *RUN, *last))
    assert summary
    assert summary.state == state
    assert summary.steps == 500
    assert summary.preset == "notebook"
    losses = [event.loss for event in RUN if isinstance(event, Steps)][-1]
    assert summary.losses == {name: pytest.approx(column[-1]) for name, column in losses.items()}


def test_a_log_that_is_being_written_is_running(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "a.jsonl")
    for event in RUN:
        writer.write(encode(event))
    summary = summarise(tmp_path / "a.jsonl")
    assert summary
    assert summary.state == "running"
    writer.close()
    summary = summarise(tmp_path / "a.jsonl")
    assert summary
    assert summary.state == "cut off"


def test_what_a_config_changes_in_its_preset() -> None:
    assert differences(RunConfig()) == {}
    assert differences(RunConfig(lr=0.5, depth=3, pace=None)) == {"lr": 0.5, "depth": 3}


def test_newest_first_and_what_is_no_log_is_left_out(tmp_path: Path) -> None:
    for day in (3, 1, 2):
        begun = msgspec.structs.replace(hello(), started=f"2026-01-0{day}T00:00:00Z")
        log(tmp_path / f"{day}.jsonl", begun, *RUN[1:])
    (tmp_path / "junk.jsonl").write_bytes(b"\x00" * 100)
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "directory.jsonl").mkdir()
    (tmp_path / "dangling.jsonl").symlink_to("nowhere")
    assert [Path(s.path).stem for s in summaries(tmp_path)] == ["3", "2", "1"]


def test_only_the_ends_of_a_log_are_read(tmp_path: Path) -> None:
    """A hole of a gigabyte in the middle would take seconds to read."""
    path = log(tmp_path / "a.jsonl", *RUN)
    with path.open("ab") as file:
        file.truncate(2**30)
        file.seek(2**30)
        file.write(b"\n" + encode(steps(500, 10)[0]) + encode(END))
    summary = summarise(path)
    assert summary
    assert (summary.steps, summary.state) == (510, "finished")


def bntui(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bntui", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_DATA_HOME": str(home), "COLUMNS": "80"},
    )


def test_the_command_lists_as_a_table_and_as_json(tmp_path: Path) -> None:
    assert "No run is logged" in bntui("runs", home=tmp_path).stderr
    directory = tmp_path / "bntui" / "runs"
    directory.mkdir(parents=True)
    evil = msgspec.structs.replace(hello(RunConfig(data="\x1b[31mx")), started="2026")
    log(directory / "mine.jsonl", evil, *RUN[1:], END)
    listed = bntui("runs", home=tmp_path).stdout
    assert "mine" in listed
    assert "finished" in listed
    assert "\x1b" not in listed
    (line,) = bntui("runs", "--json", home=tmp_path).stdout.splitlines()
    summary = json.loads(line)
    assert summary["steps"] == 500
    assert summary["state"] == "finished"


def test_a_run_is_exported_by_its_name(tmp_path: Path) -> None:
    directory = tmp_path / "bntui" / "runs"
    directory.mkdir(parents=True)
    log(directory / "mine.jsonl", *RUN, END)
    done = bntui("export", "mine", "--summary", "-", home=tmp_path)
    assert json.loads(done.stdout)["steps"] == 500


def test_a_fifo_among_the_logs_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jsonl")
    log(tmp_path / "a.jsonl", *RUN)
    assert [Path(one.path).stem for one in summaries(tmp_path)] == ["a"]


def test_a_list_reads_as_its_option_takes_it(tmp_path: Path) -> None:
    summary = summarise(log(tmp_path / "a.jsonl", hello(RunConfig(arms=("none", "bn", "ln")))))
    assert summary
    assert cells(summary)[1] == "arms=none,bn,ln"


def test_a_watched_run_in_a_line(tmp_path: Path) -> None:
    whole = summarise(log(tmp_path / "a.jsonl", *watched_run(40)))
    assert whole
    assert (whole.state, whole.steps) == ("finished", 40)
    assert whole.differs == {"watched": "train.py", "layers": 2}
    one = msgspec.structs.replace(watching(), layers=watching().layers[:1])
    later = summarise(log(tmp_path / "later.jsonl", one, *watched_run(40)))
    assert later
    assert later.differs["layers"] == 2
    assert whole.losses == {"loss": pytest.approx(1.0)}
    logged = [Scalars([39], {"lr": [0.1]}), Scalars([39], {"val_loss": [0.5]})]
    named = summarise(log(tmp_path / "named.jsonl", *watched_run(40), *logged))
    assert named
    assert list(named.losses) == ["loss", "val_loss", "lr"]
    assert cells(named)[3] == "loss 1 · val_loss 0.5"
    torn = summarise(log(tmp_path / "b.jsonl", *watched_run(40)[:-1]))
    assert torn
    assert (torn.state, torn.steps) == ("cut off", 36)


def test_a_log_that_is_cut_short_while_it_is_copied_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = tmp_path / "run.jsonl", BytesIO()
    path.write_bytes(b'{"one":1}\n{"two"')
    growing = iter((True, False))

    def cut(_: float) -> bool:
        path.write_bytes(b"{}\n")
        return False

    monkeypatch.setattr(stream, "is_growing", lambda _: next(growing))
    monkeypatch.setattr(stream, "_is_closed", cut)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
    stream.copy(path)
    assert out.getvalue() == b'{"one":1}\n{"two"\n{}\n'
