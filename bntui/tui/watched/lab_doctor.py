"""The doctor on the lab's own runs: the same rules, and the same page as for a watched run.

The doctor is loaded with its first examination, so that the lab's first frame does not wait for it.
"""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.message import Message

from bntui.history import findings
from bntui.history.history import History
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.panes.pane import Pane

if TYPE_CHECKING:
    from bntui.tui.watched.doctor import DoctorBody
    from bntui.tui.watched.view import View

EXAMINE_EVERY = 1.0
"""Seconds between two examinations while the run goes on."""


class LabDoctor:
    """Examines a run of the lab, at most once a second while it goes on."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._view: View | None = None
        self._key: tuple[object, ...] = ()
        self._examined_at = float("-inf")

    def view(self, history: History, live: bool) -> "View":
        """The run as the doctor's page draws it; `live` if it is not an earlier step's."""
        goes_on = live and bool(history.state and history.state.state == "running")
        key = id(history.hello), goes_on, history.steps, history.version
        is_fresh = self._clock() - self._examined_at < EXAMINE_EVERY
        may_wait = goes_on and is_fresh and key[:2] == self._key[:2]
        if self._view is None or (key != self._key and not may_wait):
            from bntui.tui.watched.doctor import lab_view  # noqa: PLC0415 (see above)

            self._view = lab_view(history)
            self._key, self._examined_at = key, self._clock()
        return self._view

    def findings(self, history: History, live: bool) -> list[findings.Finding]:
        """The errors and warnings that hold, for the findings line."""
        if not history.steps:
            return []
        from bntui.tui.watched.doctor import said  # noqa: PLC0415 (see above)

        return [
            said(one, one.model)
            for one in self.view(history, live).findings
            if one.resolved is None and one.severity != "info"
        ]


class LabDoctorPane(Pane):
    """The doctor's findings on a run of the lab; `doctor` makes them."""

    TITLE, SHORT = "Doctor", "Doc"
    HELP = (
        "What the doctor's rules find in this run: the network, the layers, the cause, the numbers "
        "that show it, and what fixes it. Below: the number that the rule compares, over the "
        "steps, with the limit as a line.\n"
        "Try: k and momentum 0, or a batch of 1; then up and down, Enter, and ? for the rule."
    )
    COMMANDS = (
        KeyCommand("down", "move(1)", "Next finding", "On Doctor: next finding", VIEW, False, "↓"),
        KeyCommand("up", "move(-1)", "Previous", "On Doctor: previous finding", VIEW, False, "↑"),
        KeyCommand("enter", "follow", "Go to step", "On Doctor: go to where it began", VIEW),
    )

    PROBES = ("ladder",)

    class Followed(Message):
        """Show the run at a finding's first step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, doctor: LabDoctor, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._doctor = doctor
        self._body: DoctorBody | None = None

    def compose_body(self) -> ComposeResult:
        """Nothing: the body comes with the first drawing."""
        yield from ()

    @property
    def about(self) -> str:
        """The chosen finding's rule; help on the page where there is none."""
        return (self._body.about if self._body else None) or self.HELP

    def action_move(self, by: int) -> None:
        """Choose another finding; elsewhere the keys do nothing."""
        if self._body and self.display:
            self._body.move(by)
            self.changed()

    def action_follow(self) -> None:
        """Ask for the step since which the chosen finding holds."""
        finding = self._body.chosen if self._body and self.display else None
        if finding is not None and finding.since is not None:
            self.post_message(self.Followed(finding.since))

    def draw(self, history: History) -> None:
        """Redraw the page."""
        if not history.steps:
            self.headline_waiting(history)
            return
        view = self._doctor.view(history, history is self.history)
        if self._body is None:
            from bntui.tui.watched.doctor import DoctorBody  # noqa: PLC0415 (see above)

            self._body = DoctorBody()
            self.mount(self._body)
        total, figure = self._body.show(replace(view, cursor=self.cursor), self.size)
        self.headline(*(self.read_at_cursor(figure) or [total]))
