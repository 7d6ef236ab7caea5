"""The lines around the panes of a watched run: its status above, a finding below."""

from collections.abc import Sequence
from time import monotonic

from textual.content import Content
from textual.widgets import Static

from bntui.doctor.finding import SEVERITIES, Finding
from bntui.history.findings import Finding as Sentence
from bntui.history.watched import WatchedRun
from bntui.text import clean
from bntui.tui.panes.base import Part
from bntui.tui.watched.doctor import said, unavailable
from bntui.tui.watched.view import INKS
from bntui.tui.widgets.findings_line import TURN
from bntui.tui.widgets.status import SIGNS, StatusLine


class WatchedStatus(StatusLine):
    """Name, step, what a step takes, what watching costs, and faults."""

    def show(self, run: WatchedRun, at: int | None) -> None:
        """Show the status of `run`; `at` is the step that the panes show, if not the newest."""
        parts: list[Part] = [(clean(text), ink) for text, ink in _parts(run, at)]
        self.put(parts, run.failed is not None)


def _parts(run: WatchedRun, at: int | None) -> list[tuple[str, str]]:
    if run.failed:
        log = f" · traceback in {run.failed.log}" if run.failed.log else ""
        return [("stopped: ", "bold"), (f"{run.failed.message}{log}", "")]
    sign, name = state_of(run)
    parts = [(f"{sign} {name} ", "bold")]
    parts += [(f"{run.watching.name} ", "")] if run.watching else []
    parts += [(f"· step {run.steps:,}", "")]
    parts += [(f" · as of {at:,} (End: live)", "bold reverse")] if at is not None else []
    parts += [(f" · {text}", "") for text in _costs(run)]
    if run.log and run.log.problem:
        parts.append((f" · NOT LOGGED: {run.log.problem}", "bold $error"))
    if run.skipped:
        parts.append((f" · {run.skipped:,} events skipped", "$warning"))
    return parts


def state_of(run: WatchedRun) -> tuple[str, str]:
    """A sign and a word."""
    if run.state and run.state.state == "finished":
        return SIGNS["finished"], "finished"
    if run.ended:
        return SIGNS["cut off"], "cut off"
    return SIGNS["running"], "running" if run.layers else "waiting for a model"


def _costs(run: WatchedRun) -> list[str]:
    """A step's time, what share of it watching takes, memory on the accelerator; as known."""
    timing = run.timing
    if timing is None:
        return []
    texts: list[str] = []
    if timing.step_seconds:
        seconds = timing.step_seconds
        texts.append(f"{seconds:.3g} s/step" if seconds >= 1 else f"{1000 * seconds:.3g} ms/step")
    if timing.overhead is not None:
        texts.append(f"watching {timing.overhead:.1%}")
    if timing.memory is not None:
        texts.append(f"GPU {timing.memory / 2**30:.2f} GiB")
    return texts


class FoundLine(Static):
    """The findings that hold, one at a time, the worst first; then what cannot be measured.

    When one comes or goes, the worst is shown first again.
    """

    DEFAULT_CSS = """
    FoundLine {
        height: 1; padding: 0 1; color: $foreground; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown: tuple[str, str] = ("", "")
        self._holding: list[tuple[str, str]] = []
        self._since = 0.0

    def show(self, findings: Sequence[Finding], run: WatchedRun, unjudged: Sequence[str]) -> None:
        """Show the finding whose turn it is; without one, what no rule could decide on."""
        holding = [finding for finding in findings if finding.resolved is None]
        holding.sort(key=lambda finding: SEVERITIES.index(finding.severity))
        turns = [(INKS[finding.severity], said(finding)) for finding in holding]
        others = [" ".join(unjudged)] if unjudged else []
        if not holding:
            none = "No finding so far." if run.layers else "Nothing measured yet."
            others = [" ".join((none, *unjudged))]
        elif any(finding.severity != "info" for finding in holding):
            others = []
        others += [f"Not all is measured. {text}" for text in unavailable(run)]
        turns += [("axis", Sentence("", (text.rstrip("."),))) for text in others]
        now, rules = monotonic(), [(finding.rule, finding.model) for finding in holding]
        if rules != self._holding:
            self._holding, self._since = rules, now
        place = int((now - self._since) / TURN) % len(turns)
        count = f"{place + 1}/{len(turns)} " if len(turns) > 1 else ""
        ink, one = turns[place]
        shown = ink, count + clean(one.sentence(max(self.size.width - 4 - len(count), 1)))
        if shown != self._shown:
            self._shown = shown
            self.update(Content.assemble(("● ", f"$ink-{shown[0]}"), shown[1]), layout=False)
