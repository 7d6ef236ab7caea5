"""What `bntui doctor` takes: a run log, a checkpoint, or a script to watch."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bntui.doctor.checkpoint import SUFFIXES, read_checkpoint
from bntui.doctor.examination import examine
from bntui.doctor.lab import lab_run
from bntui.doctor.report import Report
from bntui.doctor.stored import examine_stored, is_untrained
from bntui.doctor.unjudged import unjudged
from bntui.errors import InputError
from bntui.history.history import folded
from bntui.history.watched import WatchedRun, watched
from bntui.logs.reader import is_gzip, read_log
from bntui.logs.writer import find
from bntui.text import clean, quoted

TAKES = "bntui doctor takes a run log, a checkpoint or a Python script"

CHILD = "bntui.watch.child"
"""The module that runs a script and logs what its models do."""

BUDGET = 0.2
"""Share of a script's time for measuring it: who asks the doctor waits for its answer."""


def examine_target(target: str, args: Sequence[str], steps: int) -> Report:
    """Examine whatever kind of file the target is.

    Raises:
        InputError: It is none that can be examined, or cannot be read.
    """
    path = find(target)
    # Path.is_file() raises for a name too long.
    if path.suffix == ".py" and os.path.isfile(path):  # noqa: PTH113
        return _examine_script(path, args, steps)
    name = quoted(target)
    if args:
        raise InputError(f"Arguments follow {name}, but only a Python script takes them.")
    try:
        if path.suffix in SUFFIXES or (path.exists() and not path.is_file()):
            return _examine_checkpoint(path)
        with path.open("rb") as file:
            head = file.read(4)
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error))
        raise InputError(f"{name} cannot be read ({reason}); {TAKES}.") from None
    if head.startswith(b"{") or is_gzip(head):
        return _examine_log(path)
    if head.startswith((b"PK\3\4", b"\x80")):
        return _examine_checkpoint(path)
    raise InputError(f"{name} is none of these: {TAKES}.")


def _examine_checkpoint(path: Path) -> Report:
    checkpoint = read_checkpoint(path)
    layers = checkpoint.layers
    notes = [f"{checkpoint.tensors:,} tensors; BatchNorm layers: {len(layers):,}."]
    if layers and is_untrained(layers):
        notes.append("Every BatchNorm layer is as initialized: this model was not trained.")
    return Report(clean(str(path)), "checkpoint", examine_stored(layers), notes)


def _examine_log(path: Path) -> Report:
    run = watched(read_log(path))
    if run.watching:
        return _report(path, "run log", run, _notes(run))
    lab = lab_run(folded(read_log(path)))
    if lab is None:
        name = quoted(path)
        raise InputError(f"{name} holds no run; {TAKES}.")
    return Report(clean(str(path)), "run log", examine(lab), _notes(lab))


def _report(
    path: Path, kind: Literal["run log", "script"], run: WatchedRun, notes: Sequence[str]
) -> Report:
    return Report(clean(str(path)), kind, examine(run), notes, unjudged(run))


def _notes(run: WatchedRun) -> list[str]:
    notes = [f"{run.steps:,} steps; BatchNorm layers: {len(run.layers):,}."]
    if run.watching:
        notes += [f"Not measured: {reason}" for reason in run.watching.unavailable]
    if run.failed:
        notes.append(f"The run failed: {run.failed.message}")
    if run.skipped:
        notes.append(f"{run.skipped:,} lines of the log could not be used.")
    return notes


def _examine_script(path: Path, args: Sequence[str], steps: int) -> Report:
    """Run the script and watch it; its output goes to stderr."""
    with TemporaryDirectory(prefix="bntui-") as directory:
        log = Path(directory) / "doctor.jsonl"
        options = ["--log", str(log), "--steps", str(steps), "--budget", str(BUDGET)]
        code = _run_script([*options, str(path), *args])
        run = watched(read_log(log)) if log.exists() else None
    ended = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if run is None or run.watching is None:
        name = quoted(path)
        raise InputError(f"{name} ran no model with BatchNorm; it {ended}.")
    notes = [*_notes(run), *([f"The script {ended}."] if code else [])]
    return _report(path, "script", run, notes)


def _run_script(arguments: Sequence[str]) -> int:
    """Run a script in a process that watches it, and return its exit code.

    ctrl+c reaches the script by the terminal; a signal that would end this process is passed on.
    """
    child = subprocess.Popen([sys.executable, "-m", CHILD, *arguments], stdout=2)

    def handle(number: int, _: object) -> None:
        if number != signal.SIGINT:
            child.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
