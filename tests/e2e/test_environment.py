"""Where no screen can be drawn: one sentence that points to `bntui run`, and exit code 2."""

import random
from pathlib import Path

import pytest

from tests.e2e.terminal import BNTUI, Terminal
from tests.scripted import finished_log

WAY_OUT = "bntui run trains without a screen."


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"TERM": "dumb"}, "TERM is dumb"),
        ({"TERM": ""}, "TERM is"),
        ({"PYTHONIOENCODING": "latin-1"}, "needs UTF-8"),
    ],
)
def test_a_terminal_that_cannot(env: dict[str, str], problem: str) -> None:
    with Terminal(env=env, size=(120, 24)) as terminal:
        assert terminal.wait() == 2
        words = " ".join(terminal.text.split())
        assert problem in words
        assert WAY_OUT in words


@pytest.mark.parametrize(
    ("redirection", "problem"),
    [
        ("2> {file}", "Standard error"),
        ("< /dev/null", "Standard input"),
        ("2>&-", None),
        ("<&-", ""),
    ],
)
def test_no_terminal_where_one_is_needed(
    tmp_path: Path, redirection: str, problem: str | None
) -> None:
    file = tmp_path / "errors"
    command = f"{BNTUI} {redirection.format(file=file)}; echo code $?"
    with Terminal("-c", command, program="/bin/sh") as terminal:
        terminal.wait()
        assert "code 2" in terminal.text
        if problem is not None:
            said = terminal.text + (file.read_text() if file.exists() else "")
            assert problem in said
            assert WAY_OUT in " ".join(said.split())
        assert b"\x1b[?1049h" not in terminal.sent


def test_a_plain_c_locale_is_fine(tmp_path: Path) -> None:
    log = finished_log(tmp_path / "run.jsonl")
    with Terminal("open", log, env={"LANG": "C", "LC_ALL": "C"}) as terminal:
        terminal.wait_for("finished")
        terminal.press("q")
        assert terminal.wait() == 0


def test_bad_input_in_a_terminal_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "blank"
    path.write_text("\n")
    with Terminal("--data", str(path)) as terminal:
        assert terminal.wait() == 2
        assert "has only blank lines" in " ".join(terminal.text.split())
        assert terminal.left_on() == []


def test_a_storm_of_sizes_on_a_real_terminal(tmp_path: Path) -> None:
    sizes = random.Random(1)
    log = finished_log(tmp_path / "run.jsonl")
    with Terminal("open", log, size=(120, 40)) as terminal:
        terminal.wait_for("last-500 mean")
        for _ in range(60):
            terminal.resize(sizes.randint(1, 200), sizes.randint(1, 60))
            terminal.read(0.005)
        terminal.resize(120, 40)
        terminal.wait_for("Train / eval")
        terminal.wait_for("finished 500/5,000")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.left_on() == []
