"""What the doctor prints."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding, Severity
from bntui.doctor.report import Ignore, Report, as_json, as_text
from bntui.doctor.sarif import as_sarif, uri
from bntui.errors import InputError

LAG = Finding("ema-lag", "warning", "net", ["a.1", "a.2", "b.1"], "It weighs 40 %.", 120)
ZERO = Finding("momentum-zero", "error", "", ["a.1"], "momentum is 0.")
BIAS = Finding("dead-bias", "info", "net", ["b.1"], "a.0.bias")
EXPORT = Finding("export-mismatch", "error", "net", [], "They differ by 4 %.")
GONE = Finding("stuck-in-eval", "warning", "net", ["a.1"], "7 steps.", 10, 40)


def report(*findings: Finding) -> Report:
    return Report("run.jsonl", "run log", findings, ["300 steps."])


def text(shown: Report) -> str:
    console = Console(file=StringIO(), width=80, color_system=None)
    console.print(as_text(shown))
    written = console.file
    assert isinstance(written, StringIO)
    return written.getvalue()


def test_text_names_layer_evidence_cause_fix_and_step() -> None:
    shown = text(report(ZERO, LAG, GONE))
    assert shown.startswith("run.jsonl: run log\n300 steps.\n")
    assert "error   momentum-zero  Momentum 0\n        a.1\n        momentum is 0.\n" in shown
    assert "net: a.1, a.2, b.1; since step 120" in shown
    assert "since step 10; resolved at step 40" in shown
    assert "Fix: Use momentum=0.1, or momentum=None" in shown
    assert shown.endswith("1 error, 2 warnings. More: bntui doctor --explain RULE\n")


def test_a_clean_report() -> None:
    assert text(report()).endswith("\nNo findings.\n")
    young, early = (replace(r, unjudged=["Too early."]) for r in (report(), report(ZERO)))
    assert text(early).endswith("\n1 error. Too early. More: bntui doctor --explain RULE\n")
    assert text(young).endswith("\nNo findings. Too early.\n")
    assert json.loads(as_json(young))["unjudged"] == ["Too early."]


def test_many_layers_are_counted_and_markup_is_shown_as_it_is() -> None:
    layers = [f"[red]{index}" for index in range(53)]
    shown = text(report(Finding("ema-lag", "warning", "[b]net", layers, "x [1]")))
    assert "[b]net: [red]0, [red]1, [red]2, [red]3 and 49 more" in shown
    assert "x [1]" in shown


@pytest.mark.parametrize(
    ("findings", "fail_on", "failed"),
    [
        ([], "info", False),
        ([BIAS], "info", True),
        ([BIAS], "warning", False),
        ([BIAS, LAG], "warning", True),
        ([LAG], "error", False),
        ([ZERO], "error", True),
        ([GONE], "info", False),
    ],
)
def test_what_fails(findings: list[Finding], fail_on: Severity, failed: bool) -> None:
    assert report(*findings).has_failed(fail_on) is failed


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["ema-lag"], ["momentum-zero"]),
        (["*"], []),
        (["momentum-*"], ["ema-lag"]),
        (["ema-lag:a.*", "ema-lag:b.1"], ["momentum-zero"]),
        (["*:a.1"], ["ema-lag"]),
        (["dead-bias"], ["momentum-zero", "ema-lag"]),
    ],
)
def test_ignored_findings_are_left_out(patterns: list[str], left: list[str]) -> None:
    kept = report(ZERO, LAG).without([Ignore.parse(pattern) for pattern in patterns])
    assert [finding.rule for finding in kept.findings] == left
    assert kept.ignored == 2 - len(left)


def test_evidence_says_so_if_its_layer_is_ignored() -> None:
    (kept,) = report(LAG).without([Ignore.parse("ema-lag:a.1")]).findings
    assert kept.layers == ["a.2", "b.1"]
    assert kept.evidence == "In a.1, which is ignored: It weighs 40 %."
    (kept,) = report(LAG).without([Ignore.parse("ema-lag:b.1")]).findings
    assert kept.evidence == LAG.evidence


def test_a_layer_pattern_leaves_a_finding_about_the_model() -> None:
    assert report(EXPORT).without([Ignore.parse("export-mismatch:*")]).findings == [EXPORT]


@pytest.mark.parametrize(("pattern", "shown"), [("ema-log", "ema-log"), ("", "empty")])
def test_an_unknown_rule_is_refused(pattern: str, shown: str) -> None:
    with pytest.raises(InputError, match=rf"^--ignore is {shown}, but it takes RULE or RULE:LAYER"):
        Ignore.parse(pattern)


def test_json_holds_everything() -> None:
    found = json.loads(as_json(report(LAG, GONE)))
    assert (found["target"], found["kind"], found["notes"]) == (
        "run.jsonl",
        "run log",
        ["300 steps."],
    )
    lag, gone = found["findings"]
    assert lag["layers"] == ["a.1", "a.2", "b.1"]
    assert (lag["rule"], lag["severity"], lag["certainty"]) == ("ema-lag", "warning", "evidence")
    assert (lag["since"], lag["resolved"]) == (120, None)
    assert gone["resolved"] == 40
    assert lag["fix"] == RULES["ema-lag"].fix


def sarif(*findings: Finding) -> Any:
    return json.loads(as_sarif(report(*findings)))


def test_sarif_has_the_structure_that_2_1_0_demands() -> None:
    """The schema's required properties, their types, and its enumerations."""
    log = sarif(ZERO, LAG, BIAS, EXPORT)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert isinstance(driver["name"], str)
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == list(RULES)
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
        for name in ("shortDescription", "fullDescription", "help"):
            assert rule[name]["text"]
    assert all(call["executionSuccessful"] is True for call in run["invocations"])
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "run.jsonl"
        for logical in location["logicalLocations"]:
            assert logical["fullyQualifiedName"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())


def test_sarif_levels_layers_and_fingerprints() -> None:
    zero, lag, bias, export = sarif(ZERO, LAG, BIAS, EXPORT)["runs"][0]["results"]
    assert [r["level"] for r in (zero, lag, bias, export)] == ["error", "warning", "note", "error"]
    names = [place["fullyQualifiedName"] for place in lag["locations"][0]["logicalLocations"]]
    assert names == ["net.a.1", "net.a.2", "net.b.1"]
    assert export["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "net"
    assert len({str(r["partialFingerprints"]) for r in (zero, lag, bias, export)}) == 4
    assert sarif(LAG)["runs"][0]["results"][0]["partialFingerprints"] == lag["partialFingerprints"]


def test_paths_become_uris() -> None:
    assert uri("a b/ü.pt") == "a%20b/%C3%BC.pt"
    assert uri(str(Path("/tmp/a#b"))) == "file:///tmp/a%23b"
