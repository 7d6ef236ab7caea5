"""What the logs in a directory hold, from the first and last lines of each."""

import os
import re
from pathlib import Path

from msgspec import UNSET, Struct, UnsetType

from bntui.config.diff import differing
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.logs.reader import is_growing, open_regular
from bntui.protocol import AnyEvent, Failed, Hello, Scalars, State, Steps, Timing, Watching
from bntui.protocol.codec import event_reader

HEAD, TAIL = 2**20, 2**17
"""Bytes that are read of a log, at most: its config stands in the first line, how it ended in the
last lines."""

MODELS = 2**18
"""Bytes after the first line of a watched run: models that are found later are named there."""

WATCHED = "watched"
"""What is the preset of a watched run."""

WATCHED_TAIL = 2**21
"""The same of a watched run: hundreds of layers write between two of its numbers."""


SCALARS = re.compile(rb'\n({"event":"scalars".*)')
NEWEST = 64
"""Lines of logged numbers, and how many of them are read: each is of one name."""


class RunSummary(Struct, frozen=True):
    """A log in a line; `differs` is what its config changes in its preset.

    Of a watched run `differs` holds its name and number of layers, and `losses` the newest value
    of each logged number, losses first.
    """

    path: str
    started: str
    preset: str
    differs: dict[str, object]
    steps: int
    steps_wanted: int
    losses: dict[str, float | None]
    state: str
    bytes: int


def summaries(directory: Path) -> list[RunSummary]:
    """Every log in a directory, newest first; what is no log is left out."""
    found = [summary for path in directory.glob("*.jsonl") if (summary := summarise(path))]
    return sorted(found, key=lambda summary: (summary.started, summary.path), reverse=True)


def summarise(path: Path) -> RunSummary | None:
    """A log's summary; None if it cannot be read or is none."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            hello = next(iter(event_reader().feed(file.readline(HEAD))), None)
            if not isinstance(hello, Hello | Watching):
                return None
            is_watched = isinstance(hello, Watching)
            models = file.read(MODELS) if is_watched else b""
            file.seek(max(size - (WATCHED_TAIL if is_watched else TAIL), 0))
            tail = file.read()
            growing = is_growing(file)
    except OSError:
        return None
    if isinstance(hello, Watching):
        newest = _decoded(b"\n" + models, b"watching")
        return _watched(
            path, newest if isinstance(newest, Watching) else hello, size, tail, growing
        )
    steps, state = _last(tail)
    done = steps.first + max(map(len, steps.loss.values()), default=0) if steps else 0
    total = state.total if state else UNSET
    return RunSummary(
        path=str(path),
        started=hello.started,
        preset=hello.config.preset,
        differs=differences(hello.config),
        steps=done,
        steps_wanted=max(hello.config.steps, done if isinstance(total, UnsetType) else total),
        losses={arm: losses[-1] for arm, losses in steps.loss.items() if losses} if steps else {},
        state=_ending(state, tail, growing),
        bytes=size,
    )


def _watched(path: Path, watching: Watching, size: int, tail: bytes, growing: bool) -> RunSummary:
    """The summary of a watched run: its name and layers, its newest logged numbers."""
    whole = b"\n" + tail[: tail.rfind(b"\n") + 1]
    state, timing = (_decoded(whole, kind) for kind in (b"state", b"timing"))
    done = [event.step for event in (state, timing) if isinstance(event, State | Timing)]
    known: dict[str, float | None] = {}
    for line in SCALARS.findall(whole)[-NEWEST:]:
        for event in event_reader().feed(line + b"\n"):
            if isinstance(event, Scalars):
                known |= {name: column[-1] for name, column in event.values.items() if column}
    return RunSummary(
        path=str(path),
        started=watching.started,
        preset=WATCHED,
        differs={"watched": watching.name, "layers": len(watching.layers)},
        steps=max(done, default=0),
        steps_wanted=0,
        losses=dict(sorted(known.items(), key=lambda pair: "loss" not in pair[0].lower())),
        state=_ending(state if isinstance(state, State) else None, tail, growing),
        bytes=size,
    )


def differences(config: RunConfig) -> dict[str, object]:
    """The fields that change what the preset trains, and their values."""
    preset = PRESETS.get(config.preset, RunConfig())
    changed = differing(preset, config).items()
    return {name: new for name, (_, new) in changed if name not in {"preset", "pace"}}


def _last(tail: bytes) -> tuple[Steps | None, State | None]:
    """The last of each kind; a line that is torn is not there yet."""
    whole = b"\n" + tail[: tail.rfind(b"\n") + 1]
    steps, state = (_decoded(whole, kind) for kind in (b"steps", b"state"))
    return (
        steps if isinstance(steps, Steps) else None,
        state if isinstance(state, State) else None,
    )


def _decoded(lines: bytes, kind: bytes) -> AnyEvent | None:
    start = lines.rfind(b'\n{"event":"' + kind + b'"') + 1
    line = lines[start : lines.find(b"\n", start) + 1]
    return next(event_reader().feed(line), None) if start else None


def _ending(state: State | None, tail: bytes, growing: bool) -> str:
    failed = _decoded(b"\n" + tail, b"failed")
    if isinstance(failed, Failed) and failed.kind == "crash":
        return "failed"
    if state and state.state == "finished":
        return "diverged" if state.diverged else "finished"
    return "running" if growing else "cut off"
