"""The doctor's findings, and the numbers behind the chosen one."""

from collections import Counter
from collections.abc import Sequence
from math import nan

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size

from bntui.doctor.examination import examine
from bntui.doctor.finding import GAP, Finding, Rule
from bntui.doctor.lab import lab_run
from bntui.history import findings
from bntui.history.history import History
from bntui.history.watched import LayerHistory, WatchedRun
from bntui.text import clean, number
from bntui.tui.commands import VIEW, KeyCommand
from bntui.tui.plotting.figure import Figure, Guide, Mark, Panel, Series
from bntui.tui.plotting.plot import Plot
from bntui.tui.plotting.scale import ScaleKeeper
from bntui.tui.plotting.text_rows import Row, Rows, wrapped
from bntui.tui.watched.pane import WatchedPane
from bntui.tui.watched.view import INKS, View, rule_of

NONE = "Nothing found so far."
GONE = "gone"
"""What stands in place of the severity of a finding that holds no more."""

HELP = (
    "What the doctor's rules find in this run: the layer, the cause, the numbers that show it, "
    "and what fixes it. Below: the number that the rule compares, over the steps, with the "
    "limit as a line.\n"
    "Try: up and down choose a finding, Enter goes to where it began, ? explains its rule."
)

FOLLOW = KeyCommand("enter", "follow", "Go to layer", "From a finding to its layer", VIEW)


SHORT = 24
"""Columns that two layers' names may take in a sentence."""


class DoctorBody(Vertical):
    """A list of findings, the evidence of the chosen one (`place`) in words and as a curve."""

    DEFAULT_CSS = "DoctorBody { height: 1fr; } DoctorBody > Rows { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.place = 0
        self._findings: Sequence[Finding] = ()
        self._rows, self._words = Rows(), Rows()
        self._plot = Plot("its evidence is a setting or a count, without a curve")
        self._scale = ScaleKeeper()

    def compose(self) -> ComposeResult:
        """List, words, plot."""
        yield self._rows
        yield self._words
        yield self._plot

    @property
    def chosen(self) -> Finding | None:
        """The chosen finding."""
        return self._findings[self.place] if self.place < len(self._findings) else None

    @property
    def about(self) -> str | None:
        """The chosen finding's rule as a help text, if there is one."""
        rule = rule_of(self.chosen) if self.chosen else None
        return None if rule is None else explained(rule)

    def move(self, by: int) -> None:
        """Choose another finding."""
        self.place = min(max(self.place + by, 0), max(len(self._findings) - 1, 0))

    def show(self, view: View, size: Size) -> tuple[str, Figure | None]:
        """Draw for a pane of that size; returns how many findings there are, and the curve."""
        self._findings = view.findings
        self.place = min(self.place, max(len(view.findings) - 1, 0))
        figure = self._figure(view)
        counts = Counter(map(_standing, view.findings))
        total = " · ".join(_counted(counts[name], name) for name in (*INKS, GONE) if counts[name])
        width, height = max(size.width - 2, 20), max(size.height - 1, 4)
        room = min(len(view.findings), max(height // 3, 2))
        first = min(max(self.place - room // 2, 0), max(len(view.findings) - room, 0))
        shown = range(first, min(first + room, len(view.findings)))
        rows = [_line(view.findings[i], i == self.place, width) for i in shown]
        words = self._about_chosen(view, width)
        self._fill(self._rows, rows)
        self._fill(self._words, words)
        self._plot.display = self.chosen is not None
        self._plot.show(figure)
        return total, figure

    def _fill(self, into: Rows, rows: list[Row]) -> None:
        into.styles.height = len(rows)
        into.show(rows)

    def _about_chosen(self, view: View, width: int) -> list[Row]:
        said = [*view.unjudged, *(f"Not all is measured. {t}" for t in unavailable(view.run))]
        missing = [row for text in said for row in wrapped(text, width, "dim")]
        finding = self.chosen
        if finding is None:
            return [[(NONE, "plain")], *missing]
        rule = rule_of(finding)
        layers = ", ".join(finding.layers) or finding.model
        rows = [[], *wrapped(f"{layers}: {finding.evidence}{_over(finding)}", width, "bold")]
        rows += wrapped(f"Cause: {rule.cause}", width) if rule else []
        rows += wrapped(f"Fix: {rule.fix}", width) if rule else []
        return [*rows, *missing, []]

    def _figure(self, view: View) -> Figure | None:
        """The number that the rule compares, and its limit."""
        finding = self.chosen
        if finding is None:
            return None
        series = fact_series(view, finding)
        if not any(y == y for _, y in series):  # noqa: PLR0124 (NaN)
            return None
        xs, ys = [max(float(step), 1.0) for step, _ in series], [y for _, y in series]
        known = finding.limit is not None
        limit = [Guide(finding.limit or 0.0, f"limit {number(finding.limit)}")] if known else []
        since = [Mark(max(finding.since, 1.0), "since")] if finding.since is not None else []
        y = self._scale.fit(
            (finding.rule, finding.layers, finding.model), [*ys, *(g.y for g in limit)]
        )
        line = Series(xs, ys, INKS[finding.severity], number(ys[-1]), name=finding.fact)
        return Figure(
            ((Panel(view.x, y, (*limit, *since, line), ((finding.fact, "axis"),)),),), view.cursor
        )


def unavailable(run: WatchedRun) -> list[str]:
    """What cannot be measured in this run, and why."""
    return run.watching.unavailable if run.watching else []


class DoctorPane(WatchedPane):
    """The doctor's findings on a watched run."""

    TITLE = SHORT = "Doctor"
    HELP = HELP
    RELATED = (FOLLOW,)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._body = DoctorBody()

    def compose_body(self) -> ComposeResult:
        """The body that the lab's page has too."""
        yield self._body

    @property
    def chosen(self) -> Finding | None:
        """The chosen finding."""
        return self._body.chosen

    @property
    def about(self) -> str:
        """The chosen finding's rule; help on the page where there is none."""
        return self._body.about or self.HELP

    def move(self, by: int) -> bool:
        """Choose another finding."""
        self._body.move(by)
        return True

    def draw(self, view: View, /) -> None:
        """Redraw the page."""
        total, figure = self._body.show(view, self.size)
        self.headline(*(self.read_at_cursor(figure) or [total]))


def examined(run: WatchedRun) -> Sequence[Finding]:
    """The doctor's findings; a fault of the doctor is one of them and ends nothing."""
    try:
        return examine(run, resolved=True)
    except Exception as error:
        text = f"this run cannot be examined ({type(error).__name__}: {error})"
        return [Finding("", "info", "doctor", [], text)]


def lab_view(history: History) -> View:
    """A run of the lab as a watched run that was examined."""
    run = lab_run(history) or WatchedRun()
    return View(run, total=max(history.config.steps, history.steps), findings=examined(run))


def said(finding: Finding, network: str = "") -> findings.Finding:
    """What the findings line says: the numbers first, and the rule where there is room for it."""
    where = " ".join(filter(None, (network, _layers(finding)))) or finding.model
    rule = rule_of(finding)
    title = [_in_mid_sentence(rule.title.rstrip("."))] if rule else []
    evidence = _in_mid_sentence(finding.evidence.rstrip("."))
    return findings.Finding(f"{finding.rule} {finding.model}", (f"{where}: {evidence}", *title))


def _in_mid_sentence(text: str) -> str:
    """A sentence without its capital, unless its first word is spelt with others or alone."""
    word = text.partition(" ")[0]
    return text[0].lower() + text[1:] if not word[1:] or word[1:].islower() else text


def _counted(n: int, severity: str) -> str:
    return f"{n:,} {severity}{'s' * (n > 1 and severity not in {'info', GONE})}"


def _standing(finding: Finding) -> str:
    """Its severity, or that it is gone."""
    return finding.severity if finding.resolved is None else GONE


def _over(finding: Finding) -> str:
    return f" (resolved at step {finding.resolved:,})" if finding.resolved is not None else ""


def _layers(finding: Finding) -> str:
    """Two layers by their names where these are short; else the first and how many more."""
    first, *others = finding.layers or [""]
    both = ", ".join([first, *others])
    if not others or (len(others) == 1 and len(both) <= SHORT):
        return f"layer{'s' * bool(others)} {both}" if first[:1].isdigit() else both
    return f"{first} and {len(others)} more"


def fact_series(view: View, finding: Finding) -> list[tuple[int, float]]:
    """Steps and values of a finding's fact in the layer where it is worst, or in its model."""
    if finding.fact == GAP:
        probes = [p for p in view.run.probes.get(finding.model, []) if p.batch]
        first = abs(probes[0].batch or 0.0) if probes else 0.0
        return [
            (p.step, nan if p.running is None else (p.running - p.batch) / max(abs(p.batch), first))
            for p in probes
            if p.batch
        ]
    layer = layer_of(view, finding)
    known = layer.facts_at if layer else view.run.models_at.get(finding.model, [])
    series: list[tuple[int, float]] = []
    for facts in known if finding.fact else ():
        value = getattr(facts, finding.fact, None)
        series.append((facts.step, float(value) if isinstance(value, int | float) else nan))
    return series


def layer_of(view: View, finding: Finding) -> LayerHistory | None:
    """The layer where a finding is worst."""
    wanted = [(finding.model, name) for name in finding.layers[:1]]
    layers = (layer for layer in view.run.layers if (layer.layer.model, layer.layer.name) in wanted)
    return next(layers, None)


def explained(rule: Rule) -> str:
    """A rule as a help text."""
    lines = [
        f"{rule.id}: {rule.title}",
        f"Symptom: {rule.symptom}",
        f"Cause: {rule.cause}",
        f"Fix: {rule.fix}",
        f"Measured: {rule.measures}",
        f"Threshold: {rule.threshold}",
        f"Legal: {rule.legal}",
        f"Source: {rule.source}",
        f"Severity: {rule.severity}; {rule.certainty}",
    ]
    return "\n".join(line for line in lines if not line.endswith(": "))


def sentence(finding: Finding) -> str:
    """A finding in one line."""
    rule = rule_of(finding)
    where = _layers(finding) or finding.model
    title = f"{rule.title.rstrip('.')}. " if rule else ""
    return f"{where}: {title}{finding.evidence}{_over(finding)}"


def _line(finding: Finding, is_chosen: bool, width: int) -> Row:
    standing = _standing(finding)
    return [
        ("▶ " if is_chosen else "  ", "plain"),
        (f"{standing:<8}", INKS.get(finding.severity, "plain") if standing != GONE else "dim"),
        (clean(sentence(finding), max(width - 10, 1)), "bold" if is_chosen else "plain"),
    ]
