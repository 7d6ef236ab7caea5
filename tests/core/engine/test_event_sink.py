"""What is told goes to the listener and the log, what is shown to the listener alone."""

import os
from pathlib import Path

from bntui.config.schema import RunConfig
from bntui.core.engine.event_sink import EventSink
from bntui.protocol import Checks, State
from bntui.protocol.codec import encode


def test_what_is_shown_is_not_logged(tmp_path: Path) -> None:
    heard, log = tmp_path / "heard", tmp_path / "run.jsonl"
    sink = EventSink(os.open(heard, os.O_CREAT | os.O_WRONLY))
    sink.begin(str(log), RunConfig())
    told = [State("running", 0, None), State("paused", 3, None)]
    shown = Checks("BN", 2, 1e-6, 10.0, None, None)
    sink.emit(told[0])
    sink.emit_unlogged(shown)
    sink.emit(told[1])
    sink.begin(None, RunConfig())
    sink._out.close()
    lines = [encode(event) for event in (told[0], shown, told[1])]
    kept = [line for line in heard.read_bytes().splitlines(keepends=True) if b'"log"' not in line]
    assert kept == lines
    assert log.read_bytes().splitlines(keepends=True)[-2:] == [lines[0], lines[2]]
