"""Watched runs overlaid: what differs between their models, their losses, layers and findings."""

from collections import Counter
from collections.abc import Sequence
from math import isnan, nan
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from bntui.doctor.finding import Finding
from bntui.doctor.unjudged import unjudged
from bntui.history.comparison import WatchedEntry
from bntui.history.watched import RECENT, WatchedRun, as_of
from bntui.text import clean, ends_of
from bntui.tui.commands import (
    COMPARE_COMMANDS,
    COPY,
    NEXT_NETWORK,
    VIEW,
    KeyCommand,
    Keymap,
    rebound,
    with_panes,
)
from bntui.tui.panes.base import BasePane, Part
from bntui.tui.plotting.figure import Figure, Layer, Panel, Points, Series
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.plotting.scale import ScaleKeeper, log_steps
from bntui.tui.plotting.text_rows import Row, Rows
from bntui.tui.screens.compare import SHORT, SideBySide, Table, lines
from bntui.tui.screens.help import HelpScreen
from bntui.tui.watched.distances import INKS, LEVELS
from bntui.tui.watched.doctor import examined, sentence
from bntui.tui.watched.pane import cut, distance_text
from bntui.tui.watched.scalars import GLYPHS, LATEST, is_loss, mean_text, on_axis
from bntui.tui.watched.view import last_step

DISTANCE = 10
"""Columns of a run's distance."""


class Compared:
    """The runs that are read so far, each with its letter, and their findings."""

    def __init__(self, runs: Sequence[WatchedEntry], cursor: int | None) -> None:
        self.runs = [run for run in runs if run.history.watching]
        self.cursor = cursor

    @property
    def letters(self) -> list[tuple[str, str, WatchedRun]]:
        """Letter, ink and run, in the order given."""
        return [("ABCD"[place], f"arm-{place}", run.history) for place, run in enumerate(self.runs)]

    @property
    def names(self) -> list[str]:
        """What was logged, losses first, then in the order of the first run that has it."""
        names = dict.fromkeys(name for run in self.runs for name in run.history.scalars)
        counts = Counter(name for run in self.runs for name in run.history.scalars)
        return sorted(names, key=lambda name: (not is_loss(name), -counts[name]))


class LossesPane(BasePane[Compared]):
    """One logged number of every run."""

    TITLE = SHORT = "Losses"
    HELP = (
        "One logged number of every run over its own steps, a colour a run. Strong: the mean of "
        "the steps under each dot; faint: where 80 % of them lie. The headline has means of the "
        "last 25. Runs may have seen other data: compare what was measured on the same.\n"
        "Try: a for the next number that was logged."
    )
    COMMANDS = (
        KeyCommand("a", "next_number", "Next number", "The next number that was logged", VIEW),
        KeyCommand("l", "log_scale", "Log / linear", "Losses on a log or a linear axis", VIEW),
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.place = 0
        self.log_scale = True
        self._plot = Plot()
        self._scale = ScaleKeeper()

    def compose_body(self) -> ComposeResult:
        """One plot."""
        yield self._plot

    def action_next_number(self) -> None:
        """The next number that was logged."""
        self.place += 1
        self.changed()

    def action_log_scale(self) -> None:
        """Log or linear axis."""
        self.log_scale = not self.log_scale
        self.changed()

    def draw(self, compared: Compared, /) -> None:
        """Redraw the curves."""
        names = compared.names
        if not names:
            self.headline(("none of the runs logged a number", "dim"))
            return
        name = names[self.place % len(names)]
        total = max(last_step(run) for _, _, run in compared.letters)
        x, dots = log_steps(total), 2 * max(self._plot.size.width - 18, 8)
        bands: list[Layer] = []
        drawn: list[Series | Points] = []
        parts: list[Part] = [(f"{name}  ", "bold")]
        for letter, ink, run in compared.letters:
            series = run.scalars.get(name)
            if series is None or not len(series):
                parts.append((f"{letter} has none  ", "dim"))
                continue
            mean = mean_text(series)
            parts.append((f"{letter} {mean}  ", f"$ink-{ink}"))
            line = Series([], [], ink, f"{letter} {mean}", name=letter)
            band, curve = on_axis(series, x, dots, line, GLYPHS[len(drawn)])
            bands += band
            drawn.append(curve)
        values = [y for line in drawn for y in line.y if not isnan(y)]
        log = self.log_scale and is_loss(name) and all(y > 0 for y in values)
        y = self._scale.fit((name, log), values, log=log)
        figure = Figure(((Panel(x, y, (*bands, *drawn)),),), compared.cursor)
        at_end = [*parts, (f"mean of last {LATEST}", "dim")]
        self.headline(*(self.read_at_cursor(figure) or at_end))
        self._plot.show(figure)


class LayersPane(BasePane[Compared]):
    """How far the running statistics of every layer are off, a column a run."""

    TITLE = SHORT = "Layers"
    HELP = (
        "How far each layer's running statistics are from the batch's, a column a run: as the last "
        f"{RECENT} samples say, or those before the value cursor, in sd, green below 0.2, red from "
        "0.8. Layers of one name stand in one row, the farthest off first; – where a run has no "
        "such layer, or no sample of it."
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = Rows()

    def compose_body(self) -> ComposeResult:
        """Rows."""
        yield self._rows

    def draw(self, compared: Compared, /) -> None:
        """Redraw the rows that have room."""
        at = compared.cursor
        by_name: dict[str, dict[str, tuple[float, str]]] = {}
        for letter, _, newest in compared.letters:
            run = newest if at is None else as_of(newest, at)
            several = run.watching is not None and len(run.watching.models) > 1
            for layer in run.layers:
                known = layer.layer
                name = f"{known.model}.{known.name}" if several else known.name
                by_name.setdefault(name, {})[letter] = layer.distance, distance_text(layer)
        order = sorted(by_name, key=lambda name: -_farthest(by_name[name]))
        letters = compared.letters
        width = self.size.width - 2
        wide = min(max([12, *map(len, order)]) + 2, max(width - DISTANCE * len(letters), 8))
        room = max(self.size.height - 2, 1)
        hidden = len(order) - room
        rows: list[Row] = [
            [
                (f"{f'{len(order)} layers':<{wide}}", "dim"),
                *((f"{letter:>{DISTANCE}}", ink) for letter, ink, _ in letters),
            ]
        ]
        for name in order[:room]:
            row: Row = [(f"{cut(name, wide - 1):<{wide}}", "plain")]
            for letter, _, _ in letters:
                distance, text = by_name[name].get(letter, (nan, "–"))
                row.append((f"{text:>{DISTANCE}}", _ink(distance)))
            rows.append(row)
        self._rows.show(rows)
        more = f" · {hidden} nearer ones below have no room" if hidden > 0 else ""
        read: list[Part] = [] if at is None else [(f"step {at:,} · ", "bold")]
        self.headline(*read, ("running − batch in sd, the farthest off first", ""), (more, "dim"))


COMMANDS = with_panes(
    [command for command in COMPARE_COMMANDS if command.keys not in {NEXT_NETWORK.keys, COPY.keys}],
    (LossesPane.COMMANDS,),
)
"""Every key of the screen: its own and its pane's."""


class CompareWatchedScreen(SideBySide[WatchedEntry, BasePane[Compared]]):
    """A colour a run: what differs, what was found, one logged number, the layers' distances."""

    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def __init__(self, runs: Sequence[WatchedEntry], fps: float, keymap: Keymap) -> None:
        panes = LossesPane(id="compared-losses"), LayersPane(id="compared-layers")
        super().__init__(runs, panes, rebound(COMMANDS, keymap), fps)
        self._examined: dict[str, tuple[int, list[Finding]]] = {}

    @property
    def names(self) -> list[str]:
        """The runs' names."""
        return [run.name for run in self._runs]

    def draw(self) -> None:
        """Draw the table, what it shows, and both panes."""
        compared = Compared(self._runs, self._cursor)
        width, height = self.app.size.width - 2, self.app.size.height
        self._legend.update(Content.assemble(*lines(table(compared), width, height // 3)))
        found = [_found(self._holding(run), run.history) for run in compared.runs]
        said: list[Part] = []
        for (letter, ink, _), text in zip(compared.letters, found, strict=True):
            said += ["\n"] if said else []
            said += [(f"{letter} ", f"$ink-{ink}"), clean(text, width - 2)]
        self._findings.update(Content.assemble(*said))
        for pane in self._panes:
            pane.redraw(compared)

    def _holding(self, run: WatchedEntry) -> list[Finding]:
        """The run's findings, examined when new events have come."""
        known = self._examined.get(run.name)
        if known is None or known[0] != run.history.version:
            holding = [f for f in examined(run.history) if f.resolved is None]
            known = self._examined[run.name] = run.history.version, holding
        return known[1]

    def action_help(self) -> None:
        """Explain the focused pane; list every finding."""
        compared = Compared(self._runs, None)
        texts = [
            f"{letter} {sentence(finding)}"
            for (letter, _, _), run in zip(compared.letters, compared.runs, strict=True)
            for finding in self._holding(run)
        ]
        self.app.push_screen(HelpScreen(self._current(), self.usable, texts))


def table(compared: Compared) -> Table:
    """A row a run: its name, its steps, and of its model what the runs differ in."""
    facts = [_facts(run.history) for run in compared.runs]
    differing = [name for name in (facts[0] if facts else ()) if len({f[name] for f in facts}) > 1]
    head = "watched" if not facts or "layers" in differing else f"{facts[0]['layers']} layers each"
    rows: Table = [[(text, "dim") for text in (head, "step", *differing)]]
    for place, (run, known) in enumerate(zip(compared.runs, facts, strict=True)):
        name = f"{ARM_SHAPES[place]} {'ABCD'[place]} {ends_of(run.name, SHORT - 4)}"
        row: list[Part] = [(name, f"bold $ink-arm-{place}"), f"{run.history.steps:,}"]
        rows.append([*row, *(clean(known[fact], SHORT) for fact in differing)])
    return rows


def _facts(run: WatchedRun) -> dict[str, str]:
    """What a watched run is, as far as it can differ, as short texts."""
    layers = [layer.layer for layer in run.layers]
    momenta = {"average" if x.momentum is None else f"{x.momentum:g}" for x in layers}
    found = {
        "model": "+".join(run.watching.models) if run.watching else "",
        "layers": str(len(layers)),
        "kinds": _counted(Counter(x.kind.removeprefix("BatchNorm") for x in layers)),
        "momentum": ", ".join(sorted(momenta)),
        "eps": ", ".join(sorted({f"{x.eps:g}" for x in layers})),
        "channels": str(sum(x.channels for x in layers)),
        "untracked": str(sum(not x.tracked for x in layers)),
        "batch": ", ".join(sorted({str(layer.facts.usual_examples) for layer in run.layers})),
        "other norms": _counted(run.watching.others) if run.watching else "",
        "torch": run.watching.torch if run.watching else "",
    }
    return {name: text or "–" for name, text in found.items()}


def _counted(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _found(findings: Sequence[Finding], run: WatchedRun) -> str:
    """A run's findings in one line: the worst first, each with how many layers it holds in."""
    said = []
    for finding in findings:
        where = f" ({len(finding.layers)} layers)" if len(finding.layers) > 1 else ""
        said.append(f"{finding.severity} {finding.rule}{where}")
    return ", ".join(said) or " ".join(("no finding.", *unjudged(run)))


def _farthest(distances: dict[str, tuple[float, str]]) -> float:
    return max((d for d, _ in distances.values() if not isnan(d)), default=-1.0)


def _ink(distance: float) -> str:
    return "dim" if isnan(distance) else INKS[sum(distance >= level for level in LEVELS)]
