"""Every way to die: the terminal restored, no process left, the right code, the log whole."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from bntui.cli.first_start import MARKER
from bntui.logs.index import summarise
from bntui.protocol.codec import encode
from tests.e2e.terminal import BNTUI, TOURED, Terminal, is_gone
from tests.patience import PATIENCE, eventually
from tests.scripted import beginning, steps

LONG = ("--steps", "1000000", "--hidden", "8", "--pace", "50")


def press(keys: str) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.press(keys)


def kill(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.child.kill(number)


WAYS: dict[str, tuple[Callable[[Terminal], None], int]] = {
    "q": (press("q"), 0),
    "ctrl+c": (press("\x03"), 0),
    "ctrl+q": (press("\x11"), 0),
    "SIGINT": (kill(signal.SIGINT), 130),
    "SIGTERM": (kill(signal.SIGTERM), 143),
    "SIGHUP": (kill(signal.SIGHUP), 129),
    "SIGQUIT": (kill(signal.SIGQUIT), 131),
}


def wait_for_steps(terminal: Terminal) -> None:
    """Read until the screen shows ten steps or more."""
    terminal.read_until(
        lambda: bool(re.search(r"running \d\d", terminal.text)), "it does not train"
    )


def check(
    terminal: Terminal, code: int, engines: list[int], log: Path, state: str = "cut off"
) -> None:
    assert terminal.wait() == code
    assert terminal.left_on() == []
    assert all(map(is_gone, engines))
    summary = summarise(log)
    assert summary
    assert summary.steps > 0
    assert summary.state == state


@pytest.mark.parametrize("way", WAYS)
def test_while_training(way: str, tmp_path: Path) -> None:
    act, code = WAYS[way]
    log = tmp_path / "run.jsonl"
    with Terminal(*LONG, "--log", str(log)) as terminal:
        wait_for_steps(terminal)
        engines = terminal.engines()
        assert len(engines) == 1
        act(terminal)
        check(terminal, code, engines, log)
        assert f"The log is {log}." in terminal.text.replace("\n", "")


DEAF = (
    "import sys\n"
    "from bntui.sources import local\n"
    "local.ENGINE = (sys.executable, '-c', 'import time; time.sleep(1000)')\n"
)
"""An engine that answers nothing, as while it loads torch."""


@pytest.mark.parametrize("way", ["q", "SIGINT", "SIGTERM"])
def test_while_the_engine_is_still_starting(way: str) -> None:
    act, code = WAYS[way]
    with Terminal(patch=DEAF) as terminal:
        terminal.wait_for("warming up")
        terminal.read_until(lambda: terminal.engines() != [])
        (engine,) = terminal.engines()
        act(terminal)
        assert terminal.wait() == code
        assert terminal.left_on() == []
        assert is_gone(engine)


def test_while_a_real_engine_is_loading_torch() -> None:
    act, code = WAYS["SIGTERM"]
    with Terminal(fresh=True) as terminal:
        terminal.wait_for("warming up")
        act(terminal)
        assert terminal.wait() == code
        assert terminal.left_on() == []


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGABRT, signal.SIGXCPU, signal.SIGTRAP])
def test_a_signal_that_nobody_expects_restores_the_terminal(number: signal.Signals) -> None:
    with Terminal("--no-log", patch=DEAF) as terminal:
        terminal.wait_for("warming up")
        terminal.child.kill(number)
        assert terminal.wait() == 128 + number
        assert terminal.left_on() == []


def test_a_second_signal_while_the_app_ends_changes_nothing() -> None:
    with Terminal("--no-log", patch=DEAF) as terminal:
        terminal.wait_for("warming up")
        terminal.press("q")
        terminal.read_until(lambda: b"\x1b[?2004l" in terminal.sent)  # the terminal is restored
        for _ in range(20):
            terminal.child.kill(signal.SIGINT)
        assert terminal.wait() == 0
        assert terminal.left_on() == []
        assert "KeyboardInterrupt" not in terminal.text


def test_a_second_ctrl_c_discards_nothing_of_what_restores_the_terminal(tmp_path: Path) -> None:
    """A terminal discards at ctrl+c what it was sent and has not taken in: beyond 4 KiB."""
    written, go_on = tmp_path / "written", tmp_path / "go on"
    patch = (
        "import time\n"
        "from pathlib import Path\n"
        "from bntui.tui.terminal.driver import BntuiDriver\n"
        "stop, close = BntuiDriver.stop_application_mode, BntuiDriver.close\n"
        "def after_more(self):\n"
        "    self._writer.write('.' * 6000)\n"
        "    stop(self)\n"
        "def held(self):\n"
        "    self._writer.drain(60)\n"
        f"    Path({str(written)!r}).touch()\n"
        f"    while not Path({str(go_on)!r}).exists(): time.sleep(0.01)\n"
        "    close(self)\n"
        "BntuiDriver.stop_application_mode, BntuiDriver.close = after_more, held\n"
    )
    with Terminal("--no-log", patch=patch) as terminal:
        terminal.wait_for("warming up")
        terminal.press("\x03")
        assert eventually(written.exists)
        terminal.press("\x03")
        go_on.touch()
        assert terminal.wait() == 0
        assert terminal.left_on() == []


@pytest.mark.parametrize("args", [["--no-log"], ["run", "--no-log"]])
def test_ctrl_c_during_the_imports_prints_no_traceback(args: list[str], tmp_path: Path) -> None:
    """The import of click stops until the signal has come."""
    (tmp_path / "click.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise ImportError\n"
    )
    with Terminal(*args, env={"PYTHONPATH": str(tmp_path)}) as terminal:
        assert terminal.wait() == -signal.SIGINT
        assert terminal.text.strip() in {"", "^C"}


def test_the_terminal_itself_goes_away(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal(*LONG, "--log", str(log)) as terminal:
        wait_for_steps(terminal)
        (engine,) = terminal.engines()
        terminal.child.ptyproc.fileobj.close()
        assert is_gone(engine)
        assert terminal.child.wait() == 129
        terminal.child.closed = terminal.child.ptyproc.closed = True
        summary = summarise(log)
        assert summary
        assert summary.steps > 0


def test_an_engine_that_is_killed_is_said_and_the_screen_lives_on(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal(*LONG, "--log", str(log)) as terminal:
        wait_for_steps(terminal)
        engines = terminal.engines()
        os.kill(engines[0], signal.SIGKILL)
        terminal.wait_for("killed by SIGKILL")
        terminal.press("3")
        terminal.press("q")
        check(terminal, 1, engines, log)


PATCHES = {
    "a key's handler": (
        "from bntui.tui.screens.lab import LabScreen\n"
        "def action(self): raise RuntimeError('it broke')\n"
        "LabScreen.action_zoom = action\n",
        "z",
    ),
    "the frame clock": (
        "from bntui.tui.widgets.status import Status\n"
        "show = Status.show\n"
        "def broken(self, history, *where):\n"
        "    if history.state and history.state.state == 'paused':\n"
        "        raise RuntimeError('it broke')\n"
        "    show(self, history, *where)\n"
        "Status.show = broken\n",
        " ",
    ),
}


@pytest.mark.parametrize("where", PATCHES)
def test_a_fault_of_the_screens_own(where: str, tmp_path: Path) -> None:
    patch, key = PATCHES[where]
    log = tmp_path / "run.jsonl"
    with Terminal(*LONG, "--log", str(log), patch=patch) as terminal:
        wait_for_steps(terminal)
        engines = terminal.engines()
        terminal.press(key)
        check(terminal, 1, engines, log)
        assert "it broke" in terminal.text


def test_a_fault_in_the_engine_is_said_with_its_log(tmp_path: Path) -> None:
    patch = (
        "from bntui.core.engine import session\n"
        "def broken(self, full): raise RuntimeError('it broke')\n"
        "session.Session._pause = broken\n"
    )
    log = tmp_path / "run.jsonl"
    (tmp_path / "bntui").mkdir()
    (tmp_path / "bntui" / MARKER).touch()  # without the guided tour, behind which a run waits
    env = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with Terminal(*LONG, "--log", str(log), env=env, patch=patch) as terminal:
        wait_for_steps(terminal)
        engines = terminal.engines()
        terminal.press(" ")
        terminal.wait_for("RuntimeError: it broke")
        terminal.press("q")
        check(terminal, 1, engines, log, state="failed")
    assert any("it broke" in path.read_text() for path in tmp_path.glob("bntui/log/crash-*.log"))


def test_stopped_and_continued(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal(*LONG, "--log", str(log)) as terminal:
        wait_for_steps(terminal)
        engines = terminal.engines()
        terminal.child.kill(signal.SIGTSTP)
        terminal.read_until(lambda: state_of(terminal.child.pid) == "T" and not terminal.left_on())
        terminal.child.kill(signal.SIGCONT)
        terminal.read_until(lambda: "alternate screen" in terminal.left_on())
        terminal.screen.reset()
        terminal.wait_for("running")
        terminal.press("q")
        check(terminal, 0, engines, log)


def test_a_stray_sigcont_changes_nothing(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with Terminal(*LONG, "--log", str(log)) as terminal:
        wait_for_steps(terminal)
        engines = terminal.engines()
        for _ in range(3):
            terminal.child.kill(signal.SIGCONT)
        terminal.press("2")
        terminal.wait_for("sat.")
        terminal.press("q")
        check(terminal, 0, engines, log)


STUCK = """
from pathlib import Path
from bntui.tui.screens import lab
is_behind, waiting = lab.is_behind, [0]
def watched(app):
    behind = is_behind(app)
    waiting[0] = waiting[0] + 1 if behind else 0
    if waiting[0] == 20:
        Path({path!r}).touch()
    return behind
lab.is_behind = watched
"""
"""Leaves a file behind once the terminal has not taken a frame for as long as 20 more are due."""


@pytest.mark.parametrize(("act", "code"), [(press("q"), 0), (kill(signal.SIGTERM), 143)])
def test_a_terminal_that_takes_nothing_cannot_hold_it(
    act: Callable[[Terminal], None], code: int, tmp_path: Path
) -> None:
    """Nobody reads until every buffer is full; then it shall end all the same."""
    stuck = tmp_path / "stuck"
    patch = STUCK.format(path=str(stuck))
    with Terminal(*LONG, "--no-log", "--fps", "30", patch=patch) as terminal:
        wait_for_steps(terminal)
        (engine,) = terminal.engines()
        assert eventually(stuck.exists)
        act(terminal)
        assert eventually(lambda: state_of(terminal.child.pid) == "Z")
        assert is_gone(engine)
        assert terminal.wait() == code
        assert terminal.left_on() == []


def state_of(pid: int) -> str:
    """As the system has it: T for stopped, Z for ended but not yet asked how."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_what_others_write_to_stderr_is_not_painted_over_the_screen() -> None:
    patch = (
        "from bntui.tui.screens.lab import LabScreen\n"
        "import os\n"
        "def action(self): os.write(2, b'a library \\x1b[31mspeaks'); self.notify('spoken')\n"
        "LabScreen.action_zoom = action\n"
    )
    with Terminal(patch=patch) as terminal:
        terminal.wait_for("running")
        terminal.press("z")
        terminal.wait_for("spoken")
        assert "a library" not in terminal.text
        terminal.press("q")
        assert terminal.wait() == 0
        assert "a library" in terminal.text
        assert b"\x1b[31mspeaks" not in terminal.sent


def test_a_terminal_that_goes_without_a_signal_ends_the_app(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(map(encode, [*beginning(), *steps(0, 100)])))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [BNTUI, "open", str(path)], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, env={**os.environ, "TERM": "xterm-256color", **TOURED},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"q" not in seen or b"Quit" not in seen:
        seen += os.read(ours, 65536)
    os.close(ours)
    assert process.wait(PATIENCE) == 128 + signal.SIGHUP
