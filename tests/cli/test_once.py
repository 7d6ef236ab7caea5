"""`bntui open LOG --once` prints one frame; its options are checked."""

from io import StringIO
from pathlib import Path

import pytest

from bntui.cli import launch
from bntui.protocol.codec import encode
from tests.cli.test_main import bntui
from tests.scripted import finished_log
from tests.watched_events import watched_run


def test_a_log_as_text_on_stdout(tmp_path: Path) -> None:
    done = bntui("open", finished_log(tmp_path / "run.jsonl"), "--once", "--size", "80x24")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 25
    assert "finished 500/5,000" in done.stdout
    assert "\x1b" not in done.stdout


def test_two_watched_logs_as_text(tmp_path: Path) -> None:
    for name in ("mine", "yours"):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(map(encode, watched_run())))
    logs = [str(log) for log in sorted(tmp_path.iterdir())]
    done = bntui("open", *logs, "--once", "--size", "80x24")
    assert (done.returncode, done.stderr) == (0, "")
    assert "B yours" in done.stdout
    assert "head.1" in done.stdout


@pytest.mark.parametrize(("rows", "printed"), [(24, 24), (40, 39), (9, 12)])
def test_a_row_is_left_for_the_prompt_unless_a_pane_would_go(
    monkeypatch: pytest.MonkeyPatch, rows: int, printed: int
) -> None:
    async def frame(sources: object, size: tuple[int, int], *_: object) -> str:
        return str(size)

    monkeypatch.setattr("shutil.get_terminal_size", lambda _: (80, rows))
    monkeypatch.setattr("bntui.tui.app.frame", frame)
    shown = StringIO()
    monkeypatch.setattr("sys.stdout", shown)
    launch.print_once([], None, None)
    assert shown.getvalue() == str((80, printed))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--once", "--size", "39x24"], "--size is 39x24, but it takes columns x rows"),
        (["--once", "--size", "big"], "--size is big, but it takes columns x rows"),
        (["--size", "80x24"], "go with --once"),
        (["--plain"], "go with --once"),
    ],
)
def test_what_is_refused(tmp_path: Path, options: list[str], sentence: str) -> None:
    done = bntui("open", finished_log(tmp_path / "run.jsonl"), *options)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
