"""What is started, and in which order."""

import gc

import pytest

from bntui.cli import launch
from bntui.config.schema import RunConfig
from bntui.sources.local import EngineSource


@pytest.mark.parametrize("fault", [None, OSError("no terminal")])
def test_the_engine_loads_torch_while_the_screen_loads_and_is_closed_whatever_happens(
    fault: OSError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def start(_: EngineSource) -> None:
        seen.append("engine")

    async def close(_: EngineSource) -> None:
        seen.append("closed")

    async def run(*_: object) -> int:
        seen.append("screen")
        if fault:
            raise fault
        return 3

    monkeypatch.setattr(EngineSource, "start", start)
    monkeypatch.setattr(EngineSource, "close", close)
    monkeypatch.setattr("bntui.tui.app.run", run)
    monkeypatch.setattr(launch, "require_screen", lambda: None)
    monkeypatch.setattr(launch, "is_first_start", lambda: False)
    try:
        if fault:
            with pytest.raises(OSError, match="no terminal"):
                launch.show(EngineSource(RunConfig()), 4.0)
        else:
            assert launch.show(EngineSource(RunConfig()), 4.0) == 3
    finally:
        gc.enable()
    assert seen == ["engine", "screen", "closed"]
