"""What a pane of a watched run draws: the run as of a step, and what is chosen for all panes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding, Rule
from bntui.history.watched import LayerHistory, WatchedRun
from bntui.tui.plotting.figure import Mark
from bntui.tui.plotting.scale import MARKS, Scale, log_steps, steps

INKS = {"error": "bad", "warning": "highish", "info": "axis"}
"""Of findings, the worst first."""

LEAST_STEPS = 100
"""Steps that a plot shows at least."""


@dataclass(frozen=True)
class View:
    """A run, and of its layers those that are listed, in their order, by index.

    `layer` is the index of the selected one; None while there is none. `sort` is the index of the
    column of the table that they are sorted by. `total` is the last step of
    every axis over steps, which are evenly spaced if `linear`. Plots are read at `cursor`, if any.
    `unjudged` says on what no rule could decide.
    """

    run: WatchedRun
    layer: int | None = None
    order: Sequence[int] = ()
    total: int = LEAST_STEPS
    linear: bool = False
    findings: Sequence[Finding] = field(default_factory=tuple)
    unjudged: Sequence[str] = ()
    cursor: int | None = None
    sort: int = 0

    @property
    def selected(self) -> LayerHistory | None:
        """The selected layer."""
        return None if self.layer is None else self.run.layers[self.layer]

    @property
    def x(self) -> Scale:
        """The axis over steps that all plots share."""
        return steps(1, self.total) if self.linear else log_steps(self.total)

    @cached_property
    def found(self) -> dict[tuple[str, str], list[Finding]]:
        """The findings that hold, by model and layer."""
        found: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.findings:
            for name in finding.layers if finding.resolved is None else ():
                found.setdefault((finding.model, name), []).append(finding)
        return found

    def of(self, layer: LayerHistory) -> list[Finding]:
        """The findings that hold for a layer."""
        return self.found.get((layer.layer.model, layer.layer.name), [])

    def ink(self, layer: LayerHistory) -> str:
        """That of the worst finding that holds for a layer; "plain" without one."""
        held = {finding.severity for finding in self.of(layer)}
        return next((ink for severity, ink in INKS.items() if severity in held), "plain")

    def name(self, layer: LayerHistory) -> str:
        """A layer's name, after its model's where there are several."""
        models = self.run.watching.models if self.run.watching else []
        return f"{layer.layer.model}.{layer.layer.name}" if len(models) > 1 else layer.layer.name

    def marks(self) -> list[Mark]:
        """Where the selected layer's errors and warnings began, as upright lines of a plot."""
        found = self.of(self.selected) if self.selected else []
        known = [(f.since, f.rule) for f in found if f.severity != "info" and f.since is not None]
        return [Mark(max(step, 1.0), rule) for step, rule in known]


def rule_of(finding: Finding) -> Rule | None:
    """The rule behind a finding."""
    return RULES.get(finding.rule)


def last_step(run: WatchedRun) -> int:
    """The last step of an axis: a round number while the run goes on, so that it rarely rescales.

    A round number is 1, 2 or 5 times a power of ten.
    """
    done = max(run.steps, 2)
    if run.ended or (run.state and run.state.state == "finished"):
        return done
    power = int(10 ** (len(str(done)) - 1))
    return max(next(m * power for m in (*MARKS, 10) if m * power >= done), LEAST_STEPS)
