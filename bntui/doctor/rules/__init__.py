"""The rules' decisions, a module a family. Each takes numbers and returns evidence or None.

Limits stand in the catalogue. What a rule adds to them is persistence, so that a single odd batch
is no finding, and the conditions under which the same number is legal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Severity
from bntui.history.watched import WatchedRun
from bntui.protocol import LayerFacts, ModelFacts, WatchedLayer


class Evidence(NamedTuple):
    """A sentence with the numbers, and how bad they are, to choose the worst layer by.

    `fact` and `limit` are the number that crossed and what it crossed, where these are not the
    rule's own (see `Finding`). `severity` is the rule's unless the numbers show that less is at
    stake. `since` is a step, where facts do not tell it.
    """

    text: str
    weight: float = 1.0
    fact: str = ""
    limit: float | None = None
    severity: Severity | None = None
    since: int = 0


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


MISFIT_MEAN = 0.4
MISFIT_VAR = log(1.5)
"""How far inputs in eval mode are from running statistics that do not fit them: sd, ln variance."""


def misfit(facts: LayerFacts) -> float:
    """How badly inputs in eval mode fit the running statistics; from 1 on they do not."""
    if facts.eval_mean is None or facts.eval_var is None:
        return 0.0
    return max(facts.eval_mean / MISFIT_MEAN, abs(log(max(facts.eval_var, 1e-12))) / MISFIT_VAR)


def limit(rule: str) -> float:
    """A rule's limit in the catalogue."""
    found = RULES[rule].limit
    if found is None:
        raise KeyError(rule)
    return found
