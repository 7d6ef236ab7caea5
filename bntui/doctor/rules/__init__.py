"""The rules' decisions, a module a family. Each takes numbers and returns evidence or None.

Limits stand in the catalogue. What a rule adds to them is persistence, so that a single odd batch
is no finding, and the conditions under which the same number is legal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bntui.doctor.catalogue import RULES
from bntui.history.watched import WatchedRun
from bntui.protocol import LayerFacts, ModelFacts, WatchedLayer


class Evidence(NamedTuple):
    """A sentence with the numbers, and how bad they are, to choose the worst layer by.

    `fact` and `limit` are the number that crossed and what it crossed, where these are not the
    rule's own (see `Finding`).
    """

    text: str
    weight: float = 1.0
    fact: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A layer as a rule sees it: its facts at a moment, and the whole run around it."""

    layer: WatchedLayer
    facts: LayerFacts
    run: WatchedRun

    @property
    def channels(self) -> int:
        """Channels, at least 1."""
        return max(self.layer.channels, 1)


LayerRule = Callable[[Subject], Evidence | None]
ModelRule = Callable[[ModelFacts, WatchedRun], Evidence | None]


def limit(rule: str) -> float:
    """A rule's limit in the catalogue."""
    found = RULES[rule].limit
    if found is None:
        raise KeyError(rule)
    return found
