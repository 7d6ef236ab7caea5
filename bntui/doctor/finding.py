"""What a rule is, and what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "info"]
Certainty = Literal["certain", "evidence"]
"""`certain`: read off a flag or a value. `evidence`: a measured number beyond a threshold."""

GAP = "gap"
"""The loss by running statistics less that by the batch's, as a share of the latter, or of what
that was at first, if it was larger."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The worst first."""


class Rule(NamedTuple):
    """A rule as the catalogue declares it; every text is one or two plain sentences.

    `measures` and `threshold` say what is compared with what, and why there. `fact` names the
    number that crosses `limit`, a field of `LayerFacts` or `ModelFacts`, to be plotted over steps.
    `legal` says when the same thing is right. `source` names public reports or documentation.
    """

    id: str
    severity: Severity
    certainty: Certainty
    title: str
    measures: str
    threshold: str
    symptom: str
    cause: str
    fix: str
    legal: str
    source: str
    fact: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause in one group of layers.

    `evidence` is a sentence with the numbers of the layer where it is worst, which comes first in
    `layers`. `since` and `resolved` are steps; None where there are none, or where it still holds.
    `fact` names the number that crossed `limit`: a field of `LayerFacts` or `ModelFacts`, or `GAP`.
    """

    rule: str
    severity: Severity
    model: str
    layers: Sequence[str]
    evidence: str
    since: int | None = None
    resolved: int | None = None
    fact: str = ""
    limit: float | None = None
