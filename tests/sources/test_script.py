"""A script as a source of events, and how it is left. The child is played by small programs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bntui.errors import InputError
from bntui.logs.reader import CHUNK
from bntui.protocol import AnyEvent, Ended, Failed, Log, Output, Scalars, State, Watching
from bntui.protocol.codec import encode
from bntui.sources import script as scripts
from bntui.sources.script import ScriptSource
from tests.watched_events import watching

LOGGED: list[AnyEvent] = [watching(), Scalars([1], {"loss": [0.5]}), State("finished", 1, None)]
ENDED = "train.py ended with exit code 1"
WAIT = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.01)"


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Plays":
    return Plays(monkeypatch, tmp_path)


class Plays:
    """Makes sources whose child runs a program; its argv is what the child would get."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
        self._monkeypatch, self.directory = monkeypatch, directory

    def __call__(self, program: str, stdin: int | None = None) -> ScriptSource:
        self._monkeypatch.setattr(scripts, "CHILD", (sys.executable, "-c", program))
        log = self.directory / "run.jsonl"
        source = ScriptSource(["train.py", "-x"], log, "train.py", ["--budget=0.1"], stdin)
        source.start()
        return source


async def everything(source: ScriptSource) -> list[AnyEvent]:
    async with asyncio.timeout(60):
        return [event async for event in source.events()]


async def until(events: AsyncIterator[AnyEvent], text: str) -> None:
    async with asyncio.timeout(60):
        async for event in events:
            if isinstance(event, Output) and text in event.text:
                return
    raise AssertionError(f"{text!r} was not printed")


def printed(events: list[AnyEvent], stream: str) -> str:
    return "".join(e.text for e in events if isinstance(e, Output) and e.stream == stream)


def is_gone(source: ScriptSource) -> bool:
    try:
        os.kill(source.pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_the_log_and_the_output_come_as_events(plays: Plays) -> None:
    lines = b"".join(map(encode, LOGGED))
    program = (
        "import sys\n"
        f"open(sys.argv[2], 'wb').write({lines!r})\n"
        "print(sys.argv[1:]); print('täglich', end=''); print('a warning', file=sys.stderr)"
    )
    source = plays(program)
    events = await everything(source)
    first, log, *rest = events
    assert isinstance(first, Watching)
    assert (first.name, first.script, first.layers) == ("train.py", "train.py", [])
    assert log == Log(str(source.log))
    arguments = ["--log", str(source.log), "--budget=0.1", "train.py", "-x"]
    assert printed(events, "stdout") == f"{arguments}\ntäglich"
    assert printed(events, "stderr") == "a warning\n"
    assert [event for event in rest if not isinstance(event, Output)] == [*LOGGED, Ended()]
    assert source.exit_code == 0
    assert source.output.read_text("utf-8") == printed(events, "stdout")
    assert source.errors.read_text("utf-8") == "a warning\n"
    await source.close()


async def test_a_line_longer_than_a_read_is_not_lost_at_the_end(plays: Plays) -> None:
    program = f"line = {encode(LOGGED[1])[:-1]!r} + b' ' * {3 * CHUNK} + b'\\n'\n"
    source = plays(program + "import sys; open(sys.argv[2], 'wb').write(line)")
    async with asyncio.timeout(60):
        while source.is_running:
            await asyncio.sleep(0.01)
    assert LOGGED[1] in await everything(source)


async def test_a_script_that_logs_nothing_is_finished_all_the_same(plays: Plays) -> None:
    assert (await everything(plays("")))[-2:] == [State("finished", 0, None), Ended()]


@pytest.mark.parametrize(
    ("program", "code", "message"),
    [
        ("1 / 0", 1, f"{ENDED}: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", 3, "train.py ended with exit code 3."),
        ("import os; os.kill(os.getpid(), 9)", 137, "train.py was killed by SIGKILL."),
        ("import os, sys; os.unlink(sys.argv[2][:-5] + 'err'); 1 / 0", 1, f"{ENDED}."),
        (
            "import os, sys; p = sys.argv[2]; e = p[:-5] + 'err'; os.unlink(e); os.mkfifo(e);"
            " os.mkfifo(p); 1 / 0",
            *(1, f"{ENDED}."),
        ),
    ],
)
async def test_a_script_that_fails_says_how(
    plays: Plays, program: str, code: int, message: str
) -> None:
    source = plays(program)
    assert (await everything(source))[-2:] == [Failed("crash", message), Ended()]
    assert source.exit_code == code
    assert source.failure == message


async def test_close_interrupts_the_script_and_may_be_called_again(plays: Plays) -> None:
    source = plays(f"try:\n exec({WAIT!r})\nexcept KeyboardInterrupt:\n print('saved'); exit(5)")
    events = source.events()
    await until(events, "ready")
    await source.close()
    await source.close()
    assert is_gone(source)
    assert source.exit_code == 5
    rest = [event async for event in events]
    assert printed(rest, "stdout") == "saved\n"
    assert not any(isinstance(event, Failed) for event in rest)


async def test_a_script_that_ignores_ctrl_c_is_stopped_too(
    plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "STOPPING", ((signal.SIGINT, 0.05), (signal.SIGKILL, 60.0)))
    source = plays(f"import signal; signal.signal(2, signal.SIG_IGN)\n{WAIT}")
    await until(source.events(), "ready")
    await source.close()
    assert is_gone(source)
    assert source.exit_code == 128 + signal.SIGKILL


async def test_ctrl_c_reaches_the_script_and_its_workers(plays: Plays) -> None:
    worker = f"try:\n exec({WAIT!r})\nexcept KeyboardInterrupt:\n print('worker too', flush=True)"
    source = plays(
        "import subprocess, sys\n"
        f"worker = subprocess.Popen([sys.executable, '-c', {worker!r}])\n"
        "try: worker.wait()\nexcept KeyboardInterrupt: worker.wait(); print('script')"
    )
    events = source.events()
    await until(events, "ready")
    source.interrupt()
    rest = [event async for event in events]
    assert printed(rest, "stdout") == "worker too\nscript\n"
    source.interrupt()  # it is gone: nothing happens


async def test_a_detached_script_goes_on(plays: Plays) -> None:
    source = plays("print('ready', flush=True)\ninput()\nprint('after', flush=True)", _pipe())
    events = source.events()
    await until(events, "ready")
    source.detach()
    assert not [event async for event in events if isinstance(event, Ended | Failed)]
    await source.close()
    assert source.is_running
    os.write(_PIPES.pop(), b"go on\n")
    async with asyncio.timeout(60):
        while source.is_running:
            await asyncio.sleep(0.01)
    assert source.exit_code == 0
    assert source.output.read_text("utf-8") == "ready\nafter\n"


_PIPES: list[int] = []


def _pipe() -> int:
    out, into = os.pipe()
    _PIPES.append(into)
    return out


async def test_without_a_standard_input_of_its_own_it_is_empty(plays: Plays) -> None:
    events = await everything(plays("import sys; print(repr(sys.stdin.read()))"))
    assert printed(events, "stdout") == "''\n"


async def test_a_flood_is_cut_on_the_screen_and_whole_in_the_file(plays: Plays) -> None:
    source = plays("print('x' * 99 + '\\n', end='') ; print(('y' * 99 + '\\n') * 50_000, end='')")
    async with asyncio.timeout(60):
        while source.is_running:
            await asyncio.sleep(0.01)
    shown = printed(await everything(source), "stdout")
    assert len(shown) < 2 * CHUNK + 200
    assert "bytes are only in run.out]" in shown
    assert source.output.stat().st_size == 100 * 50_001


@pytest.mark.parametrize("ending", [".jsonl", ".out", ".err"])
def test_nothing_is_overwritten(plays: Plays, ending: str) -> None:
    taken = plays.directory / f"run{ending}"
    taken.write_text("mine")
    with pytest.raises(InputError, match="new file"):
        plays("")
    assert taken.read_text() == "mine"
    assert list(plays.directory.iterdir()) == [taken]
