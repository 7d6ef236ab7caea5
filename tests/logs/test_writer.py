"""Logs lose nothing, overwrite nothing, and say what is wrong."""

import errno
import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.logs import writer as runlog
from bntui.logs.reader import is_growing
from bntui.logs.writer import RETRY, LogWriter, free, open_log
from bntui.protocol import LOG_BY_DEFAULT, Log, Pause, Start, State, Stop
from tests.engine import EngineProcess
from tests.forking import Popen, python
from tests.patience import eventually

STEPS = 120
SMALL = RunConfig(hidden=8, emb=3, batch_size=4, pace=None, steps=STEPS)
RUN = [sys.executable, "-m", "bntui", "run", "--hidden", "8", "--emb", "3", "--steps", str(STEPS)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runlog, "monotonic", clock)
    return clock


def failing(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def write(file: int, data: bytes) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", write)


def test_the_log_is_the_lines_that_were_told_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    done = subprocess.run(
        [*RUN, "--json", "--log", str(path)], capture_output=True, check=True
    ).stdout
    told = [line for line in done.splitlines(keepends=True) if b'"event":"log"' not in line]
    assert path.read_bytes() == b"".join(told)


SAMPLED = {
    *("steps", "batch_mean", "running_mean", "batch_var", "running_var"),
    *("update_ratio", "grad_ratio"),
}
"""Columns that are told a few steps at a time."""


def content(path: Path) -> dict[str, list[object]]:
    """A log's lines without times, and with columns joined, since batches are cut by time."""
    found: dict[str, list[object]] = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        event.pop("started", None)
        kind = event.pop("event")
        if kind == "steps":
            for arm, losses in event["loss"].items():
                found.setdefault(arm, []).extend(losses)
        elif kind in {"statistics", "updates"}:
            for name in event.keys() & SAMPLED:
                rows = [event[name]] if name == "steps" else event[name]
                for place, row in enumerate(rows):
                    found.setdefault(f"{event['arm']} {kind} {name} {place}", []).extend(row)
        else:
            found.setdefault("rest", []).append((kind, event))
    return found


def test_the_same_config_and_seed_give_the_same_log(tmp_path: Path) -> None:
    paths = [tmp_path / "one.jsonl", tmp_path / "other.jsonl"]
    for path in paths:
        subprocess.run([*RUN, "--log", str(path)], capture_output=True, check=True)
    one, other = map(content, paths)
    assert one == other
    assert len(one["BN"]) == len(one["BN statistics running_var 4"]) == STEPS
    assert len(one["no BN updates update_ratio 2"]) > 5


def test_a_file_that_is_there_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("precious")
    done = subprocess.run([*RUN, "--log", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"--log '{path}' already exists; it takes the path of a new file." in done.stderr
    assert path.read_text() == "precious"


def test_two_runs_cannot_share_a_log(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    LogWriter(path)
    with pytest.raises(InputError):
        LogWriter(path)


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(InputError):
        LogWriter(link)
    assert not (tmp_path / "target").exists()


def test_by_default_a_run_has_a_file_named_by_date_preset_and_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    logs = [open_log(LOG_BY_DEFAULT, RunConfig(preset="a/b\x1b"), again=False) for _ in range(3)]
    assert len({log.path for log in logs}) == 3
    for log in logs:
        assert log.path.parent == tmp_path / "bntui" / "runs"
        assert re.fullmatch(r"\d{8}-\d{6}-a_b_-42(-\d)?\.jsonl", log.path.name)
        assert log.problem is None


@pytest.mark.parametrize("ending", [".jsonl", ".out", ".err"])
def test_a_name_is_taken_where_a_script_prints_too(tmp_path: Path, ending: str) -> None:
    wanted = tmp_path / "run.jsonl"
    wanted.with_suffix(ending).touch()
    assert free(wanted) == tmp_path / "run-2.jsonl"


def test_a_run_begun_again_has_a_log_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with EngineProcess() as engine:
        for _ in range(2):
            engine.send(Start(SMALL, str(path)))
            engine.until_state("finished")
        logs = [event.path for event in engine.told if isinstance(event, Log)]
    assert logs == [str(path), str(tmp_path / "run-2.jsonl")]
    assert content(path) == content(tmp_path / "run-2.jsonl")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_what_could_not_be_written_is_kept_and_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, code: int
) -> None:
    path = tmp_path / "run.jsonl"
    log = LogWriter(path)
    log.write(b"one\n")
    with monkeypatch.context() as full:
        failing(full, code)
        log.write(b"two\n")
        assert log.problem == os.strerror(code)
        log.write(b"three\n")
    assert log.problem
    clock.now += 2
    log.write(b"four\n")
    assert log.problem is None
    assert path.read_text() == "one\ntwo\nthree\nfour\n"


def test_a_line_that_was_half_written_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    path = tmp_path / "run.jsonl"
    log = LogWriter(path)
    write = os.write
    calls = iter([lambda file, data: write(file, data[:3])])

    def partly(file: int, data: bytes) -> int:
        try:
            return next(calls)(file, data)
        except StopIteration:
            raise OSError(errno.ENOSPC, "full") from None

    with monkeypatch.context() as full:
        full.setattr(os, "write", partly)
        log.write(b"a long line\n")
    assert path.read_bytes() == b"a l"
    clock.now += 2
    log.close()
    assert path.read_bytes() == b"a long line\n"


def test_a_log_without_a_place_begins_when_there_is_one(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "later" / "run.jsonl"
    log = LogWriter(path)
    log.write(b"one\n")
    assert log.problem == os.strerror(errno.ENOENT)
    path.parent.mkdir()
    clock.now += 2
    log.write(b"two\n")
    assert log.problem is None
    assert path.read_text() == "one\ntwo\n"


def test_beyond_its_room_a_log_is_given_up_and_stays_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(runlog, "ROOM", 10)
    path = tmp_path / "nowhere" / "run.jsonl"
    log = LogWriter(path)
    log.write(b"more than ten bytes\n")
    path.parent.mkdir()
    clock.now += 2
    log.write(b"late\n")
    log.close()
    assert log.problem
    assert not path.exists()


def test_a_log_that_was_deleted_is_missed_and_one_that_comes_back_is_not(
    tmp_path: Path, clock: Clock
) -> None:
    path, away = tmp_path / "run.jsonl", tmp_path / "away"
    log = LogWriter(path)
    log.write(b"one\n")
    path.rename(away)
    clock.now += 2
    log.write(b"two\n")
    assert log.problem == "the file was moved or deleted"
    away.rename(path)
    clock.now += 2
    log.write(b"three\n")
    assert log.problem is None
    assert path.read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_files_cannot_be_locked_a_run_is_logged_and_running_while_it_writes(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    path = tmp_path / "run.jsonl"
    log = LogWriter(path)
    log.write(b"{}\n")
    assert (log.locked, log.problem, path.read_bytes()) == (False, None, b"{}\n")
    with path.open("rb") as file:
        assert is_growing(file)
        os.utime(path, (0, 0))
        assert not is_growing(file)
        clock.now += RETRY
        log.flush()
        assert is_growing(file)
    monkeypatch.setattr(os, "utime", refuse)
    clock.now += RETRY
    log.flush()
    assert log.problem is None
    log.close()


def looks_growing(log: Path) -> bool:
    with log.open("rb") as file:
        return is_growing(file)


def test_a_paused_run_is_running_to_a_reader_that_sees_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's log is locked; a mount through which it is read has no locks."""
    program = (
        "import sys\n"
        "from bntui.core.engine import loop\n"
        "from bntui.core.engine.process import main\n"
        "from bntui.logs import writer\n"
        "loop.RETRY = writer.RETRY = 0.01\n"
        "sys.exit(main())"
    )

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    path = tmp_path / "run.jsonl"
    with EngineProcess(program) as engine:
        engine.send(Start(replace(SMALL, steps=100_000), str(path)), Pause())
        engine.until_state("paused")
        assert [e.locked for e in engine.told if isinstance(e, Log)] == [True]
        monkeypatch.setattr(fcntl, "flock", refuse)
        for _ in range(3):  # what was measured as it paused may still be written
            os.utime(path, (0, 0))
            assert eventually(lambda: looks_growing(path))


def test_the_engine_says_that_its_log_is_not_locked(tmp_path: Path) -> None:
    program = (
        "import errno, fcntl, sys\n"
        "from bntui.core.engine.process import main\n"
        "def flock(file, operation):\n"
        "    raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = flock\n"
        "sys.exit(main())"
    )
    path = tmp_path / "run.jsonl"
    with EngineProcess(program) as engine:
        engine.send(Start(SMALL, str(path)))
        engine.until_state("finished")
    assert [(e.problem, e.locked) for e in engine.told if isinstance(e, Log)] == [(None, False)]
    assert len(content(path)["BN"]) == STEPS


def test_a_disk_that_recovers_in_the_last_second_has_the_whole_log(tmp_path: Path) -> None:
    """The engine is stopped before its next attempt is due."""
    program = (
        "import errno, os, sys\n"
        "from bntui.logs import writer as runlog\n"
        "from bntui.core.engine.process import main\n"
        "runlog.RETRY = 1e9\n"
        "write, full = os.write, [True]\n"
        "def scarce(file, data):\n"
        "    if full and full.pop():\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    return write(file, data)\n"
        "os.write = scarce\n"
        "sys.exit(main())"
    )
    path = tmp_path / "run.jsonl"
    with EngineProcess(program) as engine:
        engine.send(Start(SMALL, str(path)))
        engine.until_state("finished")
        assert path.read_bytes() == b""
        engine.send(Stop())
        assert engine.end()[0] == 0
    assert len(content(path)["BN"]) == STEPS


def test_a_run_that_cannot_be_logged_goes_on_and_ends_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "run.jsonl"
    done = subprocess.run([*RUN, "--log", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{STEPS} of {STEPS} steps" in done.stdout
    assert f"The log {path} is not complete: No such file or directory." in done.stderr


def test_the_engine_says_at_once_when_a_full_disk_is_full_and_when_it_is_not(
    tmp_path: Path,
) -> None:
    program = (
        "import errno, os, sys\n"
        "from bntui.logs import writer as runlog\n"
        "from bntui.core.engine.process import main\n"
        "write, room = os.write, [3000, 10**9]\n"
        "def scarce(file, data):\n"
        "    if room[0] < len(data):\n"
        "        room.pop(0)\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    room[0] -= len(data)\n"
        "    return write(file, data)\n"
        "os.write = scarce\n"
        "sys.exit(main())"
    )
    path = tmp_path / "run.jsonl"
    with EngineProcess(program) as engine:
        engine.send(Start(SMALL, str(path)))

        def problems() -> list[str | None]:
            return [event.problem for event in engine.told if isinstance(event, Log)]

        def is_finished() -> bool:
            return any(isinstance(e, State) and e.state == "finished" for e in engine.told)

        engine.until(lambda _: is_finished() and len(problems()) == 3)
    assert problems() == [None, "No space left on device", None]
    assert len(content(path)["BN"]) == STEPS


KILLED_OFTEN = """
import os, random, signal
from pathlib import Path
from bntui.config.schema import RunConfig
from bntui.core.engine import session as run
from bntui.core.training import trainer
from bntui.core.engine.process import main
from bntui.protocol import Start
from bntui.protocol.codec import encode
directory, chance = Path({directory!r}), random.Random(1)
for i in range(30):
    path = directory / f"{{i}}.jsonl"
    commands, orders = os.pipe()
    seen, events = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(commands, 0)
        os.dup2(events, 1)
        os.closerange(3, 100)
        os._exit(main())
    os.close(commands)
    os.close(events)
    config = RunConfig(hidden=8, emb=3, batch_size=4, pace=None, steps=10**9)
    os.write(orders, encode(Start(config, str(path))))
    wanted, told = chance.choice((0, 1, chance.randrange(20_000))), b""
    while len(told) < wanted:
        told += os.read(seen, wanted - len(told))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(orders)
    os.close(seen)
    print(told.count(b"\\n"))
"""


def test_a_run_killed_at_any_instant_leaves_a_log_that_opens(tmp_path: Path) -> None:
    """Thirty real engines, each killed with -9 once it has told its own random part of its run."""
    main = python(KILLED_OFTEN.format(directory=str(tmp_path)))
    with Popen(["engines"], main=main, stdout=subprocess.PIPE, text=True) as process:
        shown, _ = process.communicate()
    told = [int(line) for line in shown.split()]
    assert len(told) == 30
    for i, lines in enumerate(told):
        data = (tmp_path / f"{i}.jsonl").read_bytes() if lines else b""
        whole = data[: data.rfind(b"\n") + 1].splitlines()
        # One line that was told is about the log and not in it.
        assert len(whole) >= lines - 1, f"run {i}"
        for line in whole:
            json.loads(line)
    assert max(told) > 5
