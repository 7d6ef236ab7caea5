"""An engine as a source of events, and how it is left."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bntui.config.schema import RunConfig
from bntui.protocol import AnyEvent, Failed, Hello, Log, Pause, Start, State, Steps
from bntui.sources import local as sources
from bntui.sources.local import EngineSource

LONG = RunConfig(hidden=8, emb=3, steps=10**9, pace=None)


async def until(events: AsyncIterator[AnyEvent], kind: type[AnyEvent]) -> AnyEvent:
    async with asyncio.timeout(60):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the events ended without {kind}")


def pid(source: EngineSource) -> int:
    assert source._process
    return source._process.pid


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


async def test_events_come_and_commands_are_heard() -> None:
    source = EngineSource(LONG)
    events = source.events()
    assert isinstance(await until(events, Hello), Hello)
    await until(events, Steps)
    await source.send(Pause())
    state = await until(events, State)
    assert isinstance(state, State)
    assert state.state == "paused"
    await source.close()
    assert is_gone(pid(source))


@pytest.mark.parametrize("kind", [Hello, Steps], ids=["loading torch", "training"])
async def test_close_leaves_no_process_and_may_be_called_again(kind: type[AnyEvent]) -> None:
    source = EngineSource(LONG)
    events = source.events()
    await until(events, kind)
    await source.close()
    await source.close()
    assert is_gone(pid(source))
    rest = [event async for event in events]
    assert not any(isinstance(event, Failed) for event in rest)


async def test_close_before_anything_began() -> None:
    await EngineSource(LONG).close()


async def test_close_kills_even_when_it_is_cancelled() -> None:
    source = EngineSource(LONG)
    await until(source.events(), Hello)
    closing = asyncio.create_task(source.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert source._process
    assert await source._process.wait() != 0


async def test_an_engine_that_is_killed_is_noticed() -> None:
    source = EngineSource(LONG)
    events = source.events()
    await until(events, Steps)
    os.kill(pid(source), signal.SIGKILL)
    failed = await until(events, Failed)
    assert isinstance(failed, Failed)
    assert failed.kind == "crash"
    assert failed.message == "The engine was killed by SIGKILL."
    await source.send(Pause())
    await source.close()


async def test_an_engine_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; sys.exit('no bntui here')"
    monkeypatch.setattr(sources, "ENGINE", (sources.ENGINE[0], "-c", program))
    failed = await until(EngineSource(LONG).events(), Failed)
    assert isinstance(failed, Failed)
    assert failed.message == "The engine ended with exit code 1: no bntui here"


async def test_a_line_of_megabytes_comes_through(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long_line = '{"event":"state","state":"paused",' + " " * 5_000_000 + '"step":1,"pace":null}'
    path = tmp_path / "line"
    path.write_text(long_line + "\n")
    program = f"print(open({str(path)!r}).read())"
    monkeypatch.setattr(sources, "ENGINE", (sources.ENGINE[0], "-c", program))
    source = EngineSource(LONG)
    assert await until(source.events(), State) == State("paused", 1, None)
    await source.close()


async def test_the_tap_sees_every_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = bytearray()

    async def tap(data: bytes) -> None:
        seen.extend(data)

    monkeypatch.setattr(
        sources, "ENGINE", (sources.ENGINE[0], "-c", "print('{broken'); print('x')")
    )
    events = [event async for event in EngineSource(LONG, tap=tap).events()]
    assert bytes(seen) == b"{broken\nx\n"
    assert len(events) == 3


@pytest.mark.parametrize("logged", [True, False])
async def test_a_run_begun_again_is_logged_as_the_first_was(logged: bool, tmp_path: Path) -> None:
    place = str(tmp_path / "run.jsonl") if logged else None
    source = EngineSource(LONG, place)
    events = source.events()
    await until(events, Steps)
    await source.send(Start(RunConfig(hidden=9, emb=3)))
    begun = await until(events, Hello)
    assert isinstance(begun, Hello)
    assert begun.config.hidden == 9
    if logged:
        log = await until(events, Log)
        assert isinstance(log, Log)
        assert log.path == str(tmp_path / "run-2.jsonl")
    else:
        await until(events, Steps)
    await source.close()
    assert len(list(tmp_path.iterdir())) == (2 if logged else 0)
