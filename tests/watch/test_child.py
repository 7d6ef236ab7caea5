"""A script run as `__main__` with its models watched, in a real process."""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from bntui.history.watched import WatchedRun, watched
from bntui.logs.index import summarise
from bntui.logs.reader import read_log
from tests import forking

CHILD = [sys.executable, "-P", "-m", "bntui.watch.child"]

SETUP = """
    import json, os, sys
    main = sys.modules["__main__"].__dict__ is globals()
    found = [__name__, sys.argv, __file__, sys.path, __spec__ and __spec__.name, __package__]
    found += [__builtins__.__name__, main, os.getcwd(), "torch" in sys.modules, sys.stdin.read()]
    print(json.dumps(found))
"""

TRAINING = """
    import copy, sys, torch
    from torch import nn

    def net(size):
        torch.manual_seed(size)
        return nn.Sequential(nn.Linear(4, size), nn.BatchNorm1d(size), nn.Linear(size, 1))

    def train(net, steps):
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = net(torch.randn(32, 4)).square().mean()
            loss.backward()
            optimizer.step()
        return loss.item()
"""


def script(directory: Path, text: str, name: str = "train.py") -> str:
    path = directory / name
    path.write_text(dedent(text))
    return str(path)


def run(
    command: list[str], directory: Path, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
        timeout=100,
    )


def fork(directory: Path, code: str) -> forking.Popen:
    """Code in a fork of this process, which has torch already, with what an optimizer imports."""
    importlib.import_module("torch._dynamo")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return forking.Popen(CHILD, main=forking.python(code), cwd=directory, text=True, **pipes)


def fork_child(directory: Path, *arguments: str) -> forking.Popen:
    """The child in a fork; how it waits for torch is seen in the tests of `bntui watch`."""
    argv = ["child", "--log", str(directory / "run.jsonl"), *arguments]
    code = (
        "import atexit, sys; from bntui.watch import handle\n"
        "atexit.register(handle._close_all)\n"  # a fork has not what its parent registered
        f"sys.argv = {argv!r}\nfrom bntui.watch.child import main\nmain()"
    )
    return fork(directory, code)


def ended(process: forking.Popen) -> subprocess.CompletedProcess[str]:
    out, errors = process.communicate(timeout=100)
    return subprocess.CompletedProcess(CHILD, process.returncode, out, errors)


def forked(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ended(fork_child(directory, *arguments))


def child(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run([*CHILD, "--log", str(directory / "run.jsonl"), *arguments], directory)


def ending(directory: Path) -> str:
    """What a list of runs says of the log."""
    summary = summarise(directory / "run.jsonl")
    assert summary
    return summary.state


def logged(directory: Path) -> WatchedRun:
    run = watched(read_log(directory / "run.jsonl"))
    assert run.skipped == 0
    return run


@pytest.mark.parametrize("how", ["script", "link", "module", "package"])
def test_a_script_finds_what_python_sets_up(how: str, tmp_path: Path) -> None:
    """Compared with what Python itself does with the same command."""
    (tmp_path / "package").mkdir()
    for place in ("train.py", "package/__init__.py", "package/__main__.py"):
        script(tmp_path, SETUP if "init" not in place else "", place)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.py").symlink_to(tmp_path / "train.py")
    command = {
        "script": ["train.py"],
        "link": ["elsewhere/link.py"],
        "module": ["-m", "train"],
        "package": ["-m", "package"],
    }[how]
    command += ["--log", "-m", "x y"]
    python = run([sys.executable, *command], tmp_path, "typed")
    ours = run([*CHILD, "--log", "run.jsonl", *command], tmp_path, "typed")
    assert json.loads(ours.stdout) == json.loads(python.stdout)
    assert "torch was not imported" in ours.stderr
    assert "Processes that it starts are not watched" in ours.stderr
    assert not (tmp_path / "run.jsonl").exists()


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(3)",
        "import sys; sys.exit('a sentence')",
        "def f():\n    raise ValueError('a fault')\nf()",
        "x = = 1",
        "import nowhere",
        "raise KeyboardInterrupt",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import sys; sys.excepthook = lambda *_: print('own hook', file=sys.stderr)\n1 / 0",
        "import atexit; atexit.register(print, 'at exit')",
    ],
)
def test_a_script_ends_as_it_does_without(text: str, tmp_path: Path) -> None:
    script(tmp_path, text)
    python = run([sys.executable, "train.py"], tmp_path)
    ours = child(tmp_path, "train.py")
    lines = ours.stderr.splitlines(keepends=True)
    said = "".join(line for line in lines if not line.startswith("bntui: "))
    assert (ours.returncode, ours.stdout, said) == (
        python.returncode,
        python.stdout,
        python.stderr,
    )


def test_models_are_found_and_nothing_changes(tmp_path: Path) -> None:
    """Two models, one of them made later, and a copy that only evaluates."""
    text = (
        TRAINING
        + """
    first = net(6)
    print(train(first, 40))
    print(train(net(5), 40))
    """
    )
    script(tmp_path, text)
    done = forked(tmp_path, "train.py")
    assert done.returncode == 0
    assert done.stderr == ""
    found = logged(tmp_path)
    assert found.watching
    assert found.watching.script == "train.py"
    assert found.watching.models == ["Sequential", "Sequential-2"]
    assert [(one.layer.name, one.layer.channels) for one in found.layers] == [("1", 6), ("1", 5)]
    assert [one.facts.updates for one in found.layers] == [40, 40]
    assert found.state
    assert found.state.state == "finished"
    assert done.stdout == ended(fork(tmp_path, dedent(text))).stdout


def test_a_script_that_watches_by_itself_has_one_log(tmp_path: Path) -> None:
    text = """
    import bntui
    model = net(6)
    with bntui.watch(model) as watch:
        watch.log(loss=train(model, 3))
    print(watch.path)
    """
    script(tmp_path, TRAINING + text)
    done = forked(tmp_path, "train.py")
    assert done.stdout == f"{tmp_path / 'run.jsonl'}\n"
    assert set(logged(tmp_path).scalars) == {"loss"}
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["run.jsonl"]


def test_steps_end_the_script_in_good_order(tmp_path: Path) -> None:
    text = (
        TRAINING
        + """
    try:
        train(net(6), 10**9)
    except Exception:
        print("not an Exception")
    finally:
        print("cleaned up")
    """
    )
    script(tmp_path, text)
    done = forked(tmp_path, "--steps", "7", "train.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleaned up\n", "")
    assert logged(tmp_path).steps == 7


def test_a_fault_of_ours_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text("taken")
    script(tmp_path, TRAINING + "\n    print(train(net(6), 3) > 0)")
    done = forked(tmp_path, "train.py")
    assert (done.returncode, done.stdout) == (0, "True\n")
    assert done.stderr.startswith("bntui: train.py is not watched: NameTakenError: --log")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "run.jsonl").read_text() == "taken"


def test_ctrl_c_ends_the_script_and_its_log_is_whole(tmp_path: Path) -> None:
    script(
        tmp_path,
        TRAINING + "\n    train(net(6), 3)\n    print('waiting', flush=True)\n    sys.stdin.read()",
    )
    with fork_child(tmp_path, "train.py") as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        trace = process.stderr.read()
    assert process.returncode == -signal.SIGINT
    assert trace.endswith("KeyboardInterrupt\n")
    assert "bntui" not in trace
    found = logged(tmp_path)
    assert found.steps == 3
    assert found.failed is None
    assert ending(tmp_path) == "cut off"


@pytest.mark.parametrize(
    ("end", "said", "state"),
    [
        ("raise KeyError('secret')", "train.py ended with KeyError.", "failed"),
        ("sys.exit('secret')", "train.py ended with exit code 1.", "failed"),
        ("sys.exit(0)", "", "finished"),
        ("import os; os._exit(3)", "", "cut off"),
    ],
)
def test_a_log_says_how_its_script_ended(end: str, said: str, state: str, tmp_path: Path) -> None:
    script(tmp_path, TRAINING + f"\n    train(net(6), 3)\n    {end}")
    forked(tmp_path, "train.py")
    found = logged(tmp_path)
    assert (found.failed.message if found.failed else "") == said
    assert ending(tmp_path) == state
    assert b"secret" not in (tmp_path / "run.jsonl").read_bytes()
