"""`bntui watch` as a person uses it: whose keyboard it is, and what is left afterwards."""

import os
import signal
from pathlib import Path

from tests.e2e.terminal import BNTUI, Terminal
from tests.patience import eventually

SCRIPT = """
import os, sys, time
print("pid", os.getpid(), repr(sys.stdin.read()), flush=True)
try:
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    print("saving")
    sys.exit(7)
"""
OUTPUT_PAGE = "8"


def script(directory: Path) -> Path:
    path = directory / "train.py"
    path.write_text(SCRIPT)
    return path


def printed(log: Path) -> str:
    """What the script has printed, once it has begun."""
    output = log.with_suffix(".out")
    assert eventually(lambda: output.exists() and output.read_text().endswith("\n"))
    return output.read_text()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_script_is_stopped_on_its_screen(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal("watch", "--log", str(log), str(script(tmp_path))) as terminal:
        terminal.wait_for("waiting for a model")
        terminal.press(OUTPUT_PAGE)
        terminal.wait_for("''")
        terminal.press("q")
        terminal.wait_for("train.py is running.")
        terminal.press("s")
        assert terminal.wait() == 7
        assert terminal.left_on() == []
    first, last, *_ = printed(log).splitlines()
    assert last == "saving"
    assert is_gone(int(first.split()[1]))


def test_standard_input_is_the_scripts_and_the_keyboard_the_screens(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    command = f"echo typed | {BNTUI} watch --log {log} {script(tmp_path)}"
    with Terminal("-c", command, program="/bin/sh") as terminal:
        terminal.wait_for("waiting for a model")
        terminal.press(OUTPUT_PAGE)
        terminal.wait_for("'typed\\n'")
        terminal.press("\x03")
        terminal.wait_for("train.py ended with exit code 7")
        terminal.press("q")
        assert terminal.wait() == 7
        assert terminal.left_on() == []


def test_a_script_goes_on_when_its_screen_is_left(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal("watch", "--log", str(log), str(script(tmp_path))) as terminal:
        terminal.wait_for("waiting for a model")
        pid = int(printed(log).split()[1])
        terminal.press("q")
        terminal.wait_for("train.py is running.")
        terminal.press("\r")
        assert terminal.wait() == 0
        assert f"train.py goes on as process {pid}" in terminal.text
    assert not is_gone(pid)
    os.kill(pid, signal.SIGINT)
    assert eventually(lambda: "saving" in printed(log))


def test_a_lost_terminal_stops_the_script(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal("watch", "--log", str(log), str(script(tmp_path))) as terminal:
        terminal.wait_for("waiting for a model")
        pid = int(printed(log).split()[1])
        terminal.child.kill(signal.SIGHUP)
        assert terminal.wait() == 128 + signal.SIGHUP
    assert eventually(lambda: is_gone(pid))
    assert "saving" in printed(log)
