"""Programs that tests start, forked from the test process instead of executed.

Most of a short `python -m bntui ...` goes to importing torch and textual, and the suite starts some
150 of them. The test process has both loaded already, and a fork of it has them too. `Popen` takes
the place of `subprocess.Popen`, also below asyncio and in the programs that are forked, so that a
lab forks its engine as well; process ids, pipes, signals and exit codes stay the real ones. The
workers of pytest-xdist are forked in the same way, so that all of this is loaded once.

What depends on the interpreter itself is executed as ever: other programs, other Python options,
`-c`, and an environment that Python reads as it starts.
"""

import asyncio
import atexit
import faulthandler
import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextvars import Context
from functools import cache, partial
from io import TextIOWrapper
from types import FrameType, TracebackType
from typing import Any, Literal, NoReturn, TextIO

Main = Callable[[], object]
"""A program: what it runs. It ends by returning or by SystemExit."""

PRELOADED = (
    "bntui.cli.headless",
    "bntui.core.engine.loading",
    "bntui.core.engine.process",
    "bntui.export.files",
    "bntui.history.comparison",
    "bntui.tui.app",
    "bntui.tui.watched.doctor",
    "plotext",
    "textual.drivers.headless_driver",
    "textual.layouts.factory",
    "textual.layouts.stream",
    "textual.pilot",
    "textual.scrollbar",
)
"""What programs load sooner or later."""

WORKER = ["-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"]
"""What pytest-xdist starts its workers with."""

READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "OMP_")
"""Beginnings of the variables that the interpreter or its libraries read once, as they start."""

HANDLERS: dict[signal.Signals, signal.Handlers | Callable[[int, FrameType | None], object]] = {
    **dict.fromkeys(set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}, signal.SIG_DFL),
    signal.SIGINT: signal.default_int_handler,
    signal.SIGPIPE: signal.SIG_IGN,
}
"""The handlers of a Python that has just started, whatever its parent ignored."""


class Popen(subprocess.Popen[Any]):
    """`subprocess.Popen` that forks `python [-P] -m bntui ...`, or `main` where it is given."""

    def __init__(self, args: Any, *more: Any, main: Main | None = None, **options: Any) -> None:
        env = options.get("env")
        main = main or program_of(args)
        if main and options.get("preexec_fn") is None and can_fork(env):
            options["preexec_fn"] = forked(main, env)
        super().__init__(args, *more, **options)


def program_of(command: object) -> Main | None:
    """What `python [-P] -m bntui ...` or a worker of pytest-xdist runs; None for any other."""
    if not isinstance(command, list | tuple) or command[0] != sys.executable:
        return None
    if list(command[1:]) == WORKER:
        return python(WORKER[-1])
    words = [word for word in command[1:3] if word != "-P"] + list(command[3:])
    return bntui(*words[2:]) if words[:2] == ["-m", "bntui"] else None


def can_fork(env: Mapping[str, str] | None) -> bool:
    """Whether a fork stands for a new process with that environment."""
    return _uses_no_gpu() and (env is None or _read_at_start(env) == _read_at_start(os.environ))


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


@cache
def _uses_no_gpu() -> bool:
    """With one, autograd starts threads of its own that do not survive a fork."""
    import torch

    return not torch.cuda.is_available()


def bntui(*arguments: str, patch: str = "") -> Main:
    """The program `bntui`; `patch` is executed first, and an engine that it starts has it too."""

    def main() -> None:
        sys.argv = ["bntui", *arguments]
        python(f"{patch}\nfrom bntui.cli.main import main\nmain()")()

    return main


def python(code: str) -> Main:
    """The program `python -c code`."""
    return partial(exec, compile(code, "<string>", "exec"), {"__name__": "__main__"})


def forked(main: Main, env: Mapping[str, str] | None = None) -> Main:
    """A `preexec_fn` that runs `main` in the new process, with `env`, and does not come back."""
    preload()
    return partial(_become, main, dict(os.environ if env is None else env))


def preload(*more: str) -> None:
    """Load what programs need, and `more`, once for all that are forked from here."""
    for module in PRELOADED + more:
        importlib.import_module(module)


def _become(main: Main, env: Mapping[str, str]) -> NoReturn:
    """Run as if just started; what is left of the test process is frozen and never finalised."""
    code = 1
    try:
        gc.enable()
        gc.freeze()
        _forget_the_parent(env)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the last is where the parent waits for exec
        code = _run(main)
        if code < 0:
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
    finally:
        os._exit(code)


def _run(main: Main) -> int:
    """The exit code that Python would end with; after ctrl+c it ends by that signal."""
    try:
        Context().run(main)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 (as Python does)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, _without_ours(error.__traceback__))
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
    return 0


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename in {__file__, "<string>"}:
        trace = trace.tb_next
    return trace


def _flush(stream: TextIO) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):
        return


def _forget_the_parent(env: Mapping[str, str]) -> None:
    """Undo what pytest, asyncio and the test have set up in this process."""
    for number, handler in HANDLERS.items():
        signal.signal(number, handler)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    atexit._clear()
    faulthandler.disable()
    asyncio.set_event_loop_policy(None)
    logging.root.handlers.clear()
    sys.excepthook, sys.unraisablehook = sys.__excepthook__, sys.__unraisablehook__
    threading.excepthook = threading.__excepthook__
    importlib.reload(warnings)
    warnings.resetwarnings()
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)
    os.environ.clear()
    os.environ.update(env)
    sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc]  # as in a new process
    sys.stdout = sys.__stdout__ = _stream(1, "w")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "w")  # type: ignore[misc]


def _stream(descriptor: int, mode: Literal["r", "w"]) -> TextIOWrapper:
    """A standard stream as Python opens it."""
    by_line = mode == "w" and (descriptor == 2 or os.isatty(descriptor))
    return open(
        descriptor,
        mode,
        buffering=1 if by_line else -1,
        encoding="utf-8",
        errors="backslashreplace" if descriptor == 2 else "strict",
        closefd=False,
    )
