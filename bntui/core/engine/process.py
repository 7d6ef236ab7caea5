"""`bntui engine`: run the engine between stdin and stdout; its exit code."""

import os
import sys
import traceback
from contextlib import closing
from datetime import datetime

from platformdirs import user_log_path

from bntui.core.engine.event_sink import EventSink
from bntui.core.engine.loop import Engine
from bntui.core.engine.memory import NO_MEMORY, is_out_of_memory
from bntui.errors import InputError
from bntui.protocol import Failed


def main() -> int:
    """Serve stdin and stdout until a Stop or until either closes; returns the exit code.

    0 at the end, 2 for data that cannot be used, 1 for a fault of its own, 130 for ctrl+c.
    """
    sink = EventSink(_take_stdout())
    try:
        with closing(sink):
            return _serve(sink)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


def _take_stdout() -> int:
    """A descriptor of stdout; what else is printed goes to stderr from here on."""
    events = os.dup(1)
    os.dup2(2, 1)
    return events


def _serve(sink: EventSink) -> int:
    try:
        Engine(sink).serve(0)
    except InputError as error:
        sink.emit(Failed("input", str(error)))
        return 2
    except BrokenPipeError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            sink.emit(Failed("input", NO_MEMORY))
            return 2
        sink.emit(Failed("crash", f"{type(error).__name__}: {error}", _log_traceback()))
        return 1
    return 0


def _log_traceback() -> str | None:
    """Write the traceback to a file and return its path; to stderr where that cannot be."""
    text = traceback.format_exc()
    sys.stderr.write(text)
    path = user_log_path("bntui") / f"crash-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError:
        return None
    return str(path)
