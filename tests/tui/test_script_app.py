"""The screen of a script that runs: whose keys are whose, and what becomes of it."""

import signal
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot

from bntui.sources import script as scripts
from bntui.sources.script import ScriptSource
from bntui.tui.screens.leave import LeaveScreen
from bntui.tui.screens.watched import WatchedScreen
from bntui.tui.script_app import ScriptApp

SCRIPT = """
import sys, time
print('ready', flush=True)
try:
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    sys.exit(7)
"""


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptApp:
    monkeypatch.setattr(scripts, "CHILD", (sys.executable, "-c", SCRIPT))
    source = ScriptSource(["train.py"], tmp_path / "run.jsonl", "train.py")
    source.start()
    return ScriptApp(source, fps=20)


def source_of(app: ScriptApp) -> ScriptSource:
    assert isinstance(app.source, ScriptSource)
    return app.source


async def ready(app: ScriptApp, pilot: Pilot[None]) -> None:
    """Wait until the script has printed: it can be interrupted from then on."""
    while not app.watched_run.output:
        await pilot.pause(0.01)
    assert isinstance(app.screen, WatchedScreen)


async def asked(app: ScriptApp, pilot: Pilot[None]) -> None:
    await ready(app, pilot)
    await pilot.press("q")
    while not isinstance(app.screen, LeaveScreen):
        await pilot.pause(0.01)


async def test_ctrl_c_is_the_scripts_and_afterwards_quits(app: ScriptApp) -> None:
    async with app.run_test() as pilot:
        await ready(app, pilot)
        await pilot.press("ctrl+c")
        while app.watched_run.failed is None:
            await pilot.pause(0.01)
        assert app.watched_run.failed.message == "train.py ended with exit code 7."
        await pilot.press("ctrl+c")
    assert not app.is_running
    assert app.exit_code == 7


async def test_quitting_asks_and_escape_goes_back(app: ScriptApp) -> None:
    async with app.run_test() as pilot:
        await asked(app, pilot)
        await pilot.press("escape")
        assert isinstance(app.screen, WatchedScreen)
        assert source_of(app).is_running
        await pilot.press("q")
        await pilot.press("s")
    assert not source_of(app).is_running
    assert app.exit_code == 7


async def test_the_script_may_go_on_without_a_screen(app: ScriptApp) -> None:
    async with app.run_test() as pilot:
        await asked(app, pilot)
        await pilot.press("enter")
    source = source_of(app)
    try:
        assert not app.is_running
        assert source.is_running
    finally:
        assert source._process
        source._process.send_signal(signal.SIGINT)
        assert source._process.wait(60) == 7


async def test_another_run_does_not_take_the_screen(app: ScriptApp) -> None:
    async with app.run_test() as pilot:
        await ready(app, pilot)
        await pilot.press("o")
        assert isinstance(app.screen, WatchedScreen)
        assert source_of(app).is_running
