"""Several runs side by side: what they are called, and how their configs differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

import msgspec

from bntui.history.arm import ArmHistory
from bntui.history.history import History
from bntui.sources.recording import Recording

MOST = 4


@dataclass
class Entry:
    """One of the runs compared, by its letter."""

    letter: str
    name: str
    recording: Recording
    history: History = field(default_factory=History)


def entries(recordings: Sequence[tuple[str, Recording]]) -> list[Entry]:
    """The runs in their order: A, B, C, D."""
    lettered = zip(ascii_uppercase[: len(recordings)], recordings, strict=True)
    return [Entry(letter, name, recording) for letter, (name, recording) in lettered]


def differing(histories: Sequence[History]) -> list[str]:
    """For each run the fields in which not all agree, as `lr=0.1 depth=5`."""
    configs = [
        msgspec.structs.asdict(history.hello.config) if history.hello else {}
        for history in histories
    ]
    names = [
        name
        for name in next((config for config in configs if config), {})
        if name != "pace" and len({repr(c[name]) for c in configs if c}) > 1
    ]
    return [" ".join(f"{n}={c[n]}" for n in names) if c else "" for c in configs]


def overlay(runs: Sequence[Entry], arm: str) -> History:
    """One history whose arms are every run's network of that name, called by the runs' letters."""
    together = History()
    together.arms = {run.letter: run.history.arms.get(arm, ArmHistory()) for run in runs}
    known = [run.history.hello for run in runs if run.history.hello]
    together.hello = max(known, key=lambda hello: hello.config.steps, default=None)
    return together
