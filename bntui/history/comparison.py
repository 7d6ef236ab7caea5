"""Several runs side by side: their letters, and how their configs differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from bntui.config.diff import differing
from bntui.config.settings import SETTINGS
from bntui.history.arm import ArmHistory
from bntui.history.history import History
from bntui.sources.base import Source

MOST = 4


@dataclass
class Entry:
    """One of the compared runs."""

    letter: str
    name: str
    recording: Source
    history: History = field(default_factory=History)


def entries(recordings: Sequence[tuple[str, Source]]) -> list[Entry]:
    """The runs in their order: A, B, C, D."""
    lettered = zip(ascii_uppercase[: len(recordings)], recordings, strict=True)
    return [Entry(letter, name, recording) for letter, (name, recording) in lettered]


def differences(histories: Sequence[History]) -> list[str]:
    """For each run the settings in which not all agree, as `lr=0.1 depth=5`."""
    known = [history.config for history in histories if history.hello]
    columns = differing(*known)
    columns.pop("pace", None)
    names = [SETTINGS[name] for name in columns]
    texts = (
        " ".join(f"{s.key}={s.write(value)}" for s, value in zip(names, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    )
    return [next(texts, "") if history.hello else "" for history in histories]


def overlay(runs: Sequence[Entry], arm: str) -> History:
    """One history whose networks are each run's network of that name, under the run's letter."""
    together = History()
    together.arms = {run.letter: run.history.arms.get(arm, ArmHistory()) for run in runs}
    known = [run.history.hello for run in runs if run.history.hello]
    together.hello = max(known, key=lambda hello: hello.config.steps, default=None)
    return together
