"""Reports as SARIF 2.1.0, which code hosts and editors show beside the code.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

import json
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from bntui import __version__
from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding, Rule, Severity
from bntui.doctor.report import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(report: Report) -> str:
    """The report as a SARIF log of one run."""
    driver = {
        "name": "bntui doctor",
        "version": __version__,
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(finding, report.target) for finding in report.findings],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": f"{rule.symptom} {rule.cause}"},
        "help": {"text": f"{rule.fix} Legal: {rule.legal} Source: {rule.source}"},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "precision": "very-high" if rule.certainty == "certain" else "high",
            "tags": ["batch-normalization"],
        },
    }


def _result(finding: Finding, target: str) -> dict[str, object]:
    rule = RULES[finding.rule]
    named = [".".join(part for part in (finding.model, name) if part) for name in finding.layers]
    if not named and finding.model:
        named = [finding.model]
    place: dict[str, object] = {"physicalLocation": {"artifactLocation": {"uri": uri(target)}}}
    if named:
        place["logicalLocations"] = [
            {"fullyQualifiedName": name, "kind": "module"} for name in named
        ]
    key = "\0".join((finding.rule, finding.model, *finding.layers))
    return {
        "ruleId": rule.id,
        "ruleIndex": list(RULES).index(rule.id),
        "level": LEVELS[finding.severity],
        "message": {"text": f"{rule.title}. {finding.evidence} {rule.fix}"},
        "locations": [place],
        "partialFingerprints": {"layers/v1": sha256(key.encode()).hexdigest()},
        "properties": {"since": finding.since, "resolved": finding.resolved},
    }


def uri(target: str) -> str:
    """A path as a URI reference: relative paths stay relative."""
    path = Path(target)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
