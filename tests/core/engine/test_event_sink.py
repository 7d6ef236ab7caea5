"""What is told goes to the listener and the log, what is shown to the listener alone."""

import os
from pathlib import Path

from bntui.config.schema import RunConfig
from bntui.core.engine.event_sink import Outlet
from bntui.protocol import Checks, State
from bntui.protocol.codec import encode


def test_what_is_shown_is_not_logged(tmp_path: Path) -> None:
    heard, log = tmp_path / "heard", tmp_path / "run.jsonl"
    outlet = Outlet(os.open(heard, os.O_CREAT | os.O_WRONLY))
    outlet.begin(str(log), RunConfig())
    told = [State("running", 0, None), State("paused", 3, None)]
    shown = Checks("BN", 2, 1e-6, 10.0, None, None)
    outlet.tell(told[0])
    outlet.show(shown)
    outlet.tell(told[1])
    outlet.begin(None, RunConfig())
    outlet._listener.close()
    lines = [encode(event) for event in (told[0], shown, told[1])]
    kept = [line for line in heard.read_bytes().splitlines(keepends=True) if b'"log"' not in line]
    assert kept == lines
    assert log.read_bytes().splitlines(keepends=True)[-2:] == [lines[0], lines[2]]
