"""`bntui run`: what it prints, and what it ends with."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from array import array
from itertools import chain
from pathlib import Path
from typing import IO

import pytest

from bntui.cli.headless import PROGRESS_EVERY, ProgressLines
from bntui.config.schema import RunConfig
from bntui.export.summary import summary
from bntui.history.history import History
from bntui.protocol import Activations, AnyEvent, Diverged, ModeLosses, SplitLosses, State, Steps
from bntui.protocol.codec import event_reader
from bntui.text import percent
from tests.core.engine.clock import Clock
from tests.patience import eventually
from tests.scripted import beginning, hello, probes, steps

RUN = [sys.executable, "-m", "bntui", "run", "--hidden", "8", "--emb", "3"]
ENDLESS = [*RUN, "--steps", "1000000000"]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *args], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_a_run_ends_in_a_table_and_says_where_its_log_is(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    done = run("--steps", "300", "--log", str(log))
    assert done.returncode == 0
    assert done.stderr == f"bntui: The log is {log}.\n"
    assert log.exists()
    assert "300 of 300 steps in" in done.stdout
    for row in ("last batch's loss", "saturation, init → end", "n = 90", "diverged"):
        assert row in done.stdout


def test_json_is_the_engines_lines_and_nothing_else() -> None:
    done = run("--steps", "300", "--json", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [json.loads(line)["event"] for line in lines[:2]] == ["hello", "log"]
    events = list(event_reader().feed(done.stdout.encode()))
    assert events[-1] == State("finished", 300, None)
    losses = [loss for e in events if isinstance(e, Steps) for loss in e.loss["BN"]]
    assert len(losses) == 300


def test_json_goes_into_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        subprocess.run([*RUN, "--steps", "50", "--json"], stdout=file, check=True)
    assert b'"finished"' in path.read_bytes().splitlines()[-1]


def test_the_same_config_and_seed_tell_the_same() -> None:
    def content() -> tuple[list[list[float]], list[ModeLosses]]:
        events = list(event_reader().feed(run("--steps", "300", "--json").stdout.encode()))
        history = History()
        for event in events:
            history.fold(event)
        assert history.trace
        arms = history.arms.values()
        columns = chain((arm.loss for arm in arms), *history.trace.columns.values())
        return [list(c.values) for c in columns], [event for arm in arms for event in arm.modes]

    assert content() == content()


def test_bad_data_is_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "blank.txt"
    path.write_text("\n")
    done = run("--data", str(path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "has only blank lines" in done.stderr
    assert done.stderr.count("\n") == 1


def fill(pipe: IO[bytes]) -> None:
    """Wait until a pipe that nobody reads is at least half full."""
    waiting = array("i", [0])

    def is_full() -> bool:
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        return waiting[0] >= fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) // 2

    assert eventually(is_full)


@pytest.mark.parametrize(
    ("number", "stalled"),
    [
        (signal.SIGINT, False),
        (signal.SIGINT, True),
        (signal.SIGTERM, True),
        (signal.SIGHUP, False),
        (signal.SIGQUIT, False),
        (signal.SIGUSR1, True),
    ],
)
def test_signals_end_it_with_their_code(number: signal.Signals, *, stalled: bool) -> None:
    with subprocess.Popen([*ENDLESS, "--json"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        while b'"steps"' not in process.stdout.readline():
            pass
        if stalled:
            fill(process.stdout)
        process.send_signal(number)
        if not stalled:
            process.stdout.read()
        assert process.wait() == 128 + number


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "--steps", "1", "--no-log", "--quiet"], 141),
        (["bench", "--only", "layer", "--quick"], 141),
        (["run", "--steps", "0"], 2),
    ],
)
def test_a_table_that_nobody_reads_ends_it_quietly_too(arguments: list[str], code: int) -> None:
    """Whichever of its two outputs is closed first."""
    closed, write = os.pipe()
    os.close(closed)
    command = [sys.executable, "-m", "bntui", *arguments]
    for errors in (subprocess.PIPE, write):
        run = subprocess.run(command, stdout=write, stderr=errors, check=False)
        assert run.returncode == code
        assert b"Traceback" not in (run.stderr or b"")
    os.close(write)


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    with subprocess.Popen(
        [*ENDLESS, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


def test_without_a_terminal_progress_is_a_line_every_few_seconds() -> None:
    history, clock = History(), Clock()
    lines = ProgressLines(history, clock)
    for event in (*beginning(), *steps(0, 100), *steps(100, 150)):
        history.fold(event)
    assert lines.due() is None
    clock.now += PROGRESS_EVERY
    line = lines.due()
    assert line
    assert line.startswith("250 of 5,000 steps (5%) · 500 steps/s · no BN ")
    assert " · BN " in line
    assert lines.due() is None


def cells(*events: AnyEvent) -> list[list[str]]:
    history = History()
    for event in events:
        history.fold(event)
    return [list(column.cells) for column in summary(history).columns]  # type: ignore[arg-type]  # they are text


def test_the_table_says_what_was_measured() -> None:
    labels, plain, normalized = cells(*beginning(), *steps(0, 600), *probes(600))
    row = labels.index("saturation, init → end")
    assert (plain[row], normalized[row]) == ("70.8% → 70.8%", "2.8% → 2.8%")
    row = labels.index("loss in training / evaluation mode, n = 1")
    assert normalized[row] == "11.59 / 0.3564"
    relu = [hello(RunConfig(activation="relu")), *beginning()[1:], *steps(0, 60), *probes(60)]
    assert "outputs at 0, init → end" in cells(*relu)[0]
    assert normalized[labels.index("diverged")] == "no"


def test_the_table_leaves_out_what_was_not_measured_and_has_the_splits() -> None:
    """A large run measures the largest n only at rest."""
    labels, plain, normalized = cells(
        *beginning(),
        *steps(0, 600),
        ModeLosses("no BN", 600, [1, 1024, 65536], [2.0, 2.5, None], [2.0, 2.5, None]),
        ModeLosses("BN", 600, [1, 1024, 65536], [9.0, 2.4, None], [2.0, None, None]),
        SplitLosses("BN", 600, {"train": 2.07, "validation": 2.11}, {"train": 9, "validation": 3}),
    )
    assert not any("65,536" in label for label in labels)
    row = labels.index("loss in training / evaluation mode, n = 1,024")
    assert (plain[row], normalized[row]) == ("2.5 / 2.5", "2.4 / –")
    row = labels.index("loss on validation words, evaluation mode, n = 3")
    assert (plain[row], normalized[row]) == ("–", "2.11")


def test_a_share_of_nearly_all_is_not_all() -> None:
    labels, plain, _ = cells(
        *beginning(),
        *steps(0, 10),
        Activations("no BN", 0, 10, 100, [1] * 50, 0.9999),
    )
    assert plain[labels.index("saturation, init → end")].endswith("→ >99.9%")
    assert [percent(share) for share in (0.0, 1e-6, 0.028, 1.0)] == [
        "0.0%",
        "<0.1%",
        "2.8%",
        "100.0%",
    ]


def test_the_table_of_a_run_that_was_cut_off_or_diverged() -> None:
    config = RunConfig()
    labels, plain, normalized = cells(
        *beginning(config),
        Steps(0, 0.0, {"no BN": [None], "BN": [2.0]}),
        Diverged("no BN", 0, None),
    )
    assert plain[labels.index("diverged")] == "at step 0"
    assert plain[labels.index("last batch's loss")] == "–"
    assert normalized[labels.index("last batch's loss")] == "2"
