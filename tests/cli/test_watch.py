"""`bntui watch`: refused input, and a script in this terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bntui.cli import watch as command
from bntui.history.watched import watched
from bntui.logs.reader import read_log
from bntui.sources import script as scripts
from bntui.sources.script import ScriptSource

TRAINING = """
import sys, torch
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(5):
    net(torch.randn(8, 3)).sum().backward()
    optimizer.step()
print(sys.argv, sys.stdin.read())
sys.exit(3)
"""


def bntui(*args: str, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bntui", "watch", *args]
    return subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["nope.py"], "SCRIPT is 'nope.py', which cannot be read (No such file or directory);"),
        (["."], "SCRIPT is '.', which cannot be read (Is a directory); it takes a Python file,"),
        (["pipe"], "SCRIPT is 'pipe', which cannot be read (not a regular file); it takes"),
        (["a\x1b[31m.py"], "SCRIPT is 'a\\x1b[31m.py', which cannot be read"),
        ([], "Missing argument 'SCRIPT'."),
        (["-m"], "Missing argument 'SCRIPT'."),
        (["--budget", "2", "x.py"], "--budget is 2, but it takes a number from 0.0001 to 1."),
        (["--every", "0", "x.py"], "--every is 0, but it takes a whole number from 1 to"),
        (["--no-log", "--log", "a", __file__], "--log and --no-log exclude each other."),
        (["--no-log", "--no-screen", __file__], "--no-log and --no-screen together leave"),
        (["--no-screen", "--log", __file__, __file__], "--log '"),
        ([__file__], "There is no terminal to draw the screen in; bntui watch --no-screen runs"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    args: list[str], sentence: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = bntui(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"bntui: {sentence}")
    assert done.stderr.count("\n") == 1


def test_without_a_screen_the_command_becomes_the_script(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAINING)
    options = ["--no-screen", "--log", "run.jsonl", "--name", "mine"]
    done = bntui(*options, "train.py", "--log", "--", "-x", cwd=tmp_path, stdin="typed")
    assert done.stdout == "['train.py', '--log', '--', '-x'] typed\n"
    assert done.stderr == "bntui: watching mine; see it with: bntui open run.jsonl\n"
    assert done.returncode == 3
    run = watched(read_log(tmp_path / "run.jsonl"))
    assert run.watching
    assert (run.watching.name, run.watching.script) == ("mine", "train.py")
    assert run.steps == 5


def test_scripts_of_one_second_have_logs_of_their_own_and_the_reason_of_an_end_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(("run.jsonl", "run-2.jsonl"))
    (tmp_path / "run.out").touch()  # another script's, which has no log yet

    def shown(source: ScriptSource, fps: float) -> int:
        source.start()
        source.failure = "train.py ended with exit code 1: ValueError: no data"
        assert source._process is not None
        source._process.wait()
        return 1

    monkeypatch.setattr(scripts, "CHILD", (sys.executable, "-c", "pass"))
    monkeypatch.setattr(command, "watched_path", lambda _: tmp_path / next(names))
    monkeypatch.setattr(command, "require_screen", lambda _: None)
    monkeypatch.setattr(command, "_take_stdin", lambda: os.open(os.devnull, os.O_RDONLY))
    monkeypatch.setattr(command, "show_script", shown)
    done = CliRunner().invoke(command.watch, [__file__], standalone_mode=False)
    assert done.return_value == 1
    assert done.stderr.splitlines() == [
        "bntui: train.py ended with exit code 1: ValueError: no data",
        "bntui: the log is not there: nothing was watched; "
        f"its output is in {tmp_path / 'run-2.out'} and .err.",
    ]
