"""The doctor on the lab's own runs: the same rules, and the same page as for a watched run."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from textual.app import ComposeResult
from textual.message import Message

from bntui.doctor.finding import Finding
from bntui.doctor.lab import lab_run
from bntui.history import findings
from bntui.history.history import History
from bntui.history.watched import WatchedRun
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.pane import Pane
from bntui.tui.watched.doctor import HELP, DoctorBody, examined
from bntui.tui.watched.view import View, rule_of

EXAMINE_EVERY = 1.0
"""Seconds between two examinations while the run goes on."""


class LabDoctor:
    """Examines a run of the lab, at most once a second while it goes on."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._view = View(WatchedRun())
        self._key: tuple[object, ...] = ()
        self._examined_at = float("-inf")

    def view(self, history: History, live: bool) -> View:
        """The run as the doctor's page draws it; `live` if it is not an earlier step's."""
        state = history.state.state if history.state else ""
        goes_on = live and state == "running"
        key = id(history.hello), goes_on, history.steps, history.version
        is_fresh = self._clock() - self._examined_at < EXAMINE_EVERY
        may_wait = goes_on and is_fresh and key[:2] == self._key[:2]
        if key != self._key and not may_wait:
            run = lab_run(history) or WatchedRun()
            total = max(history.config.steps, history.steps)
            self._view = View(run, total=total, findings=examined(run))
            self._key, self._examined_at = key, self._clock()
        return self._view

    def findings(self, history: History, live: bool) -> list[findings.Finding]:
        """The errors and warnings that hold, for the findings line."""
        return [
            findings.Finding(f"{one.rule} {one.model}", _clauses(one))
            for one in self.view(history, live).findings
            if one.resolved is None and one.severity != "info"
        ]


def _clauses(finding: Finding) -> tuple[str, ...]:
    """Layer and rule, then the evidence."""
    others = f" and {len(finding.layers) - 1} more" if len(finding.layers) > 1 else ""
    where = " ".join([finding.model, *finding.layers[:1]]) + others
    rule = rule_of(finding)
    evidence = finding.evidence.rstrip(".")
    return (f"{where}: {rule.title.rstrip('.')}", evidence) if rule else (f"{where}: {evidence}",)


class LabDoctorPane(Pane):
    """The doctor's findings on a run of the lab; `doctor` makes them."""

    TITLE = SHORT = "Doctor"
    HELP = HELP
    COMMANDS = (
        KeyCommand("down", "move(1)", "Next finding", "On Doctor: next finding", VIEW, False, "↓"),
        KeyCommand("up", "move(-1)", "Previous", "On Doctor: previous finding", VIEW, False, "↑"),
        KeyCommand("enter", "follow", "Go to step", "On Doctor: go to where it began", VIEW),
    )

    class Followed(Message):
        """Show the run at a finding's first step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, doctor: LabDoctor, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._doctor = doctor
        self._body = DoctorBody()

    def compose_body(self) -> ComposeResult:
        """The body that a watched run's page has too."""
        yield self._body

    @property
    def about(self) -> str:
        """The chosen finding's rule; help on the page where there is none."""
        return self._body.about or self.HELP

    def action_move(self, by: int) -> None:
        """Choose another finding; elsewhere the keys do nothing."""
        if self.display:
            self._body.move(by)
            self.changed()

    def action_follow(self) -> None:
        """Ask for the step since which the chosen finding holds."""
        finding = self._body.chosen if self.display else None
        if finding is not None and finding.since is not None:
            self.post_message(self.Followed(finding.since))

    def draw(self, history: History) -> None:
        """Redraw the page."""
        view = self._doctor.view(history, history is self.history)
        total, figure = self._body.show(replace(view, cursor=self.cursor))
        self.headline(*(self.read_at_cursor(figure) or [total]))
