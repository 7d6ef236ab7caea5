"""What the doctor reports about a target: as text, as JSON, and whether it failed."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bntui import __version__
from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import SEVERITIES, Finding, Severity
from bntui.errors import InputError
from bntui.text import clean

STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "info": "cyan"}

NAMED = 4
"""Layers that the text names; JSON and SARIF name all."""


@dataclass(frozen=True, slots=True)
class Report:
    """Findings about one target, the most severe first; `notes` are sentences besides, and
    `unjudged` ones on what no rule could judge.
    """

    target: str
    kind: Literal["run log", "checkpoint", "script"]
    findings: Sequence[Finding]
    notes: Sequence[str] = ()
    unjudged: Sequence[str] = ()
    ignored: int = 0

    def has_failed(self, fail_on: Severity) -> bool:
        """Whether a finding that still holds is at least as severe as `fail_on`."""
        failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        return any(f.resolved is None and f.severity in failing for f in self.findings)

    def without(self, ignores: Sequence["Ignore"]) -> "Report":
        """The report without the findings that a pattern ignores."""
        left = []
        for finding in self.findings:
            kept: Finding | None = finding
            for ignore in ignores:
                kept = ignore.apply(kept) if kept else None
            if kept:
                left.append(kept)
        return replace(self, findings=left, ignored=len(self.findings) - len(left))


@dataclass(frozen=True, slots=True)
class Ignore:
    """`RULE` or `RULE:LAYER`, both glob patterns; without LAYER, the rule in every layer."""

    rule: str
    layer: str | None

    @classmethod
    def parse(cls, text: str) -> "Ignore":
        """Parse an option's value.

        Raises:
            InputError: No rule has such an id.
        """
        rule, colon, layer = text.partition(":")
        if not any(fnmatchcase(id_, rule) for id_ in RULES):
            shown = clean(text, limit=60) or "empty"
            raise InputError(
                f"--ignore is {shown}, but it takes RULE or RULE:LAYER; bntui doctor --rules lists "
                "the rules."
            )
        return cls(rule, layer if colon else None)

    def apply(self, finding: Finding) -> Finding | None:
        """The finding without what is ignored; None if nothing is left."""
        if not fnmatchcase(finding.rule, self.rule):
            return finding
        if self.layer is None:
            return None
        left = [layer for layer in finding.layers if not fnmatchcase(layer, self.layer)]
        if len(left) == len(finding.layers):
            return finding
        if not left:
            return None
        if left[0] != finding.layers[0]:  # the evidence is that of the worst layer
            evidence = f"In {finding.layers[0]}, which is ignored: {finding.evidence}"
            return replace(finding, layers=left, evidence=evidence)
        return replace(finding, layers=left)


def as_text(report: Report) -> RenderableType:
    """The report for a terminal."""
    parts: list[RenderableType] = [Text(f"{report.target}: {report.kind}", style="bold")]
    parts += [Text(note) for note in report.notes]
    for finding in report.findings:
        parts += [Text(""), *_finding(finding)]
    return Group(*parts, Text(""), Text(_summary(report)))


def _finding(finding: Finding) -> Iterator[RenderableType]:
    rule = RULES[finding.rule]
    dim = "dim" if finding.resolved is not None else ""
    head = Text(style=dim).append(f"{finding.severity:8}", style=dim or STYLES[finding.severity])
    yield head.append(f"{finding.rule}  ", style="bold").append(rule.title)
    lines = [("", where(finding)), ("", finding.evidence), ("Cause: ", rule.cause)]
    for label, text in [*lines, ("Fix: ", rule.fix)]:
        if text:
            line = Text(style=dim).append(label, style="bold").append(text)
            yield Padding(line, (0, 0, 0, 8), expand=False)


def where(finding: Finding) -> str:
    """The model, the first layers, and since when."""
    layers = ", ".join(finding.layers[:NAMED])
    if len(finding.layers) > NAMED:
        layers += f" and {len(finding.layers) - NAMED:,} more"
    place = ": ".join(part for part in (finding.model, layers) if part)
    since = f"since step {finding.since:,}" if finding.since is not None else ""
    until = f"resolved at step {finding.resolved:,}" if finding.resolved is not None else ""
    return "; ".join(part for part in (place, since, until) if part)


def _summary(report: Report) -> str:
    counts = Counter(finding.severity for finding in report.findings)
    named = [
        f"{counts[severity]} {severity}{'s' if counts[severity] > 1 and severity != 'info' else ''}"
        for severity in SEVERITIES
        if counts[severity]
    ]
    found = f"{', '.join(named)}." if named else "No findings."
    ignored = [f"{report.ignored} ignored."] if report.ignored else []
    more = ["More: bntui doctor --explain RULE"] if named else []
    return " ".join([found, *ignored, *report.unjudged, *more])


def as_json(report: Report) -> str:
    """The report as one JSON object."""
    return json.dumps(
        {
            "version": __version__,
            "target": report.target,
            "kind": report.kind,
            "notes": list(report.notes),
            "unjudged": list(report.unjudged),
            "ignored": report.ignored,
            "findings": [
                {
                    "rule": finding.rule,
                    "severity": finding.severity,
                    "certainty": RULES[finding.rule].certainty,
                    "title": RULES[finding.rule].title,
                    "model": finding.model,
                    "layers": list(finding.layers),
                    "evidence": finding.evidence,
                    "since": finding.since,
                    "resolved": finding.resolved,
                    "cause": RULES[finding.rule].cause,
                    "fix": RULES[finding.rule].fix,
                }
                for finding in report.findings
            ],
        },
        indent=2,
        ensure_ascii=False,
    )
