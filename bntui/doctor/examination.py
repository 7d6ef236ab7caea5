"""All rules over a watched run: one finding a cause, with the layers where it holds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import SEVERITIES, Finding, Severity
from bntui.doctor.rules import (
    Evidence,
    LayerRule,
    Subject,
    batches,
    buffers,
    models,
    passes,
    settings,
)
from bntui.history.watched import LayerHistory, WatchedRun
from bntui.protocol import LayerFacts, ModelFacts

LAYER_RULES: dict[str, LayerRule] = {
    **buffers.RULES,
    **settings.RULES,
    **passes.RULES,
    **batches.RULES,
}

MOMENTS = 32
"""Earlier moments of a layer at which a rule is tried, to say since when."""

PAST = 2000
"""Earlier moments of all layers together at which rules are tried for what is gone: hundreds of
layers have fewer each, but at least `FEWEST`, so that a key that moves in time is not waited for.
"""
FEWEST = 8

Facts = TypeVar("Facts", LayerFacts, ModelFacts)


def examine(run: WatchedRun, resolved: bool = False) -> list[Finding]:
    """Every finding that holds now, the worst first; then those `resolved`, if wanted."""
    if run.watching is None:
        return []
    found = list(chain(_of_models(run), _of_layers(run)))
    if resolved:
        holding = {(finding.rule, finding.model) for finding in found}
        found += [f for f in _gone(run) if (f.rule, f.model) not in holding]
    order = {rule: place for place, rule in enumerate(RULES)}

    def place(finding: Finding) -> tuple[bool, int, int]:
        severity = SEVERITIES.index(finding.severity)
        return finding.resolved is not None, severity, order[finding.rule]

    return sorted(_merged(found), key=place)


def _of_layers(run: WatchedRun) -> Iterable[Finding]:
    for rule, decide in LAYER_RULES.items():
        for model in dict.fromkeys(layer.layer.model for layer in run.layers):
            layers = [layer for layer in run.layers if layer.layer.model == model]
            held: list[tuple[LayerHistory, Evidence]] = []
            for layer in layers:
                if evidence := decide(Subject(layer.layer, layer.facts, run)):
                    held.append((layer, evidence))
            if held:
                held.sort(key=lambda pair: _order(rule, pair[1]))
                since = min(_since(layer, decide, run) for layer, _ in held)
                names = [layer.layer.name for layer, _ in held]
                yield _finding(rule, model, names, held[0][1], since=since)


def _since(layer: LayerHistory, decide: LayerRule, run: WatchedRun) -> int:
    """The step from which on the rule has held without a break."""
    return _unbroken(layer.facts, layer.facts_at, lambda f: decide(Subject(layer.layer, f, run)))


def _unbroken(
    now: Facts, earlier: Sequence[Facts], decide: Callable[[Facts], Evidence | None]
) -> int:
    """The step of the first of the latest facts on which all is found."""
    step = now.step
    for facts in reversed(earlier[-MOMENTS:]):
        if not decide(facts):
            break
        step = facts.step
    return step


def _of_models(run: WatchedRun) -> Iterable[Finding]:
    for facts in run.models.values():
        for rule, decide in models.RULES.items():
            if evidence := decide(facts, run):
                earlier = run.models_at.get(facts.model, [])
                since = evidence.since or _unbroken(facts, earlier, lambda f: decide(f, run))  # noqa: B023
                yield _finding(rule, facts.model, [], evidence, since=since)


def _gone(run: WatchedRun) -> Iterable[Finding]:
    """What held once and does not now, with the step at which it was gone."""
    count = max(min(MOMENTS, PAST // max(len(run.layers), 1)), FEWEST)
    for layer in run.layers:
        at = (*_some(layer.facts_at, count), layer.facts)
        moments = [Subject(layer.layer, facts, run) for facts in at]
        steps = [facts.step for facts in at]
        for rule, decide in LAYER_RULES.items():
            if held := _held(steps, map(decide, moments)):
                evidence, since, gone = held
                name = [layer.layer.name]
                yield _finding(rule, layer.layer.model, name, evidence, since=since, resolved=gone)
    for model, now in run.models.items():
        known = (*_some(run.models_at.get(model, []), MOMENTS), now)
        for rule, judge in models.RULES.items():
            if held := _held([f.step for f in known], (judge(f, run) for f in known)):
                evidence, since, gone = held
                yield _finding(rule, model, [], evidence, since=since, resolved=gone)


def _some(known: Sequence[Facts], count: int) -> Sequence[Facts]:
    """About so many of them, evenly spaced."""
    return known[:: max(1, len(known) // count)]


def _held(
    steps: Iterable[int], found: Iterable[Evidence | None]
) -> tuple[Evidence, int, int] | None:
    """The last evidence, since when it was found and when it was gone, if it is gone."""
    evidence, since, gone = None, 0, 0
    for step, each in zip(steps, found, strict=True):
        if each:
            since = since if evidence else step
            evidence, gone = each, 0
        elif evidence and not gone:
            gone = step
    return (evidence, since, gone) if evidence and gone else None


def _merged(findings: list[Finding]) -> list[Finding]:
    """One finding for each rule and model: that of the model itself before its layers'."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        known = kept.setdefault((finding.rule, finding.model), finding)
        if known is not finding:
            names = [*known.layers, *finding.layers]
            kept[finding.rule, finding.model] = replace(known, layers=names)
    return list(kept.values())


def _finding(
    rule: str,
    model: str,
    layers: list[str],
    evidence: Evidence,
    *,
    since: int,
    resolved: int | None = None,
) -> Finding:
    declared = RULES[rule]
    severity = _severity(rule, evidence)
    fact, limit = (
        (evidence.fact, evidence.limit) if evidence.fact else (declared.fact, declared.limit)
    )
    return Finding(rule, severity, model, layers, evidence.text, since, resolved, fact, limit)


def _severity(rule: str, evidence: Evidence) -> Severity:
    return evidence.severity or RULES[rule].severity


def _order(rule: str, evidence: Evidence) -> tuple[int, float]:
    """The worst first."""
    return SEVERITIES.index(_severity(rule, evidence)), -evidence.weight
