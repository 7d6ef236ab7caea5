"""Shell completion, as the script that bash sources asks for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bntui.config.presets import PRESETS
from tests.test_imports import loaded_by


def completed(line: str, home: Path) -> list[str]:
    """What follows the last word of a command line when TAB is pressed: `type,value` lines."""
    words = line.split(" ")
    env = {
        **os.environ,
        "XDG_DATA_HOME": str(home),
        "_BNTUI_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    run = [sys.executable, "-m", "bntui"]
    return subprocess.run(run, capture_output=True, text=True, env=env, check=True).stdout.split()


def test_bash_can_source_the_script() -> None:
    env = {**os.environ, "_BNTUI_COMPLETE": "bash_source"}
    done = subprocess.run(
        [sys.executable, "-m", "bntui"], capture_output=True, text=True, env=env, check=True
    )
    assert done.stderr == ""
    syntax = subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=False)
    assert syntax.returncode == 0
    assert "complete -o nosort -F _bntui_completion bntui" in done.stdout


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("bntui --preset ", [f"plain,{name}" for name in PRESETS]),
        ("bntui run --preset makemore-d", ["plain,makemore-deep"]),
        ("bntui --activation r", ["plain,relu"]),
        ("bntui --split ", ["plain,yes", "plain,no"]),
        ("bntui --arms none,l", ["plain,none,ln"]),
        ("bntui --arms=none,l", ["plain,none,ln"]),
        ("bntui ssh box --conte", ["plain,--context"]),
        ("bntui exp", ["plain,export"]),
        ("bntui export mine --format s", ["plain,svg"]),
        ("bntui --data na", ["file,na"]),
        ("bntui --lr ", []),
    ],
)
def test_commands_options_and_their_values(line: str, wanted: list[str], tmp_path: Path) -> None:
    assert completed(line, tmp_path) == wanted


@pytest.mark.parametrize("command", ["open", "export"])
def test_names_of_logged_runs_newest_first_and_else_files(command: str, tmp_path: Path) -> None:
    runs = tmp_path / "bntui" / "runs"
    runs.mkdir(parents=True)
    for name in ("20260101-notebook-1", "20260102-notebook-2", "evil\x1b[31m"):
        (runs / f"{name}.jsonl").touch()
    names = ["plain,20260102-notebook-2", "plain,20260101-notebook-1"]
    assert completed(f"bntui {command} ", tmp_path) == names
    assert completed(f"bntui {command} 20260101", tmp_path) == names[1:]
    assert completed(f"bntui {command} ./lo", tmp_path) == ["file,./lo"]


def test_completion_loads_nothing_heavy() -> None:
    code = (
        "import os, sys\n"
        "os.environ |= {'_BNTUI_COMPLETE': 'bash_complete', 'COMP_WORDS': 'bntui open ',"
        " 'COMP_CWORD': '2'}\n"
        "from bntui.cli.main import main\n"
        "sys.stdout = open(os.devnull, 'w')\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout = sys.__stdout__"
    )
    assert loaded_by(code) == set()
