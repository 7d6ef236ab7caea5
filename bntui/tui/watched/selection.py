"""What is chosen for all panes of a watched run: a layer, and which are listed in what order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

from bntui.doctor.finding import SEVERITIES, Finding
from bntui.history.watched import LayerHistory, WatchedRun
from bntui.text import number
from bntui.tui.watched.pane import distance_text
from bntui.tui.watched.view import View


@dataclass(frozen=True)
class Column:
    """A column of the table of layers; `key` sorts, `width` is 0 for what takes the room left."""

    title: str
    width: int
    text: Callable[[View, LayerHistory], str]
    key: Callable[[View, LayerHistory], float | str]


def mode(layer: LayerHistory) -> str:
    """Which statistics it normalizes by, and whether it learns."""
    if layer.layer.frozen:
        return "frozen"
    if not layer.layer.tracked:
        return "untracked"
    return ("train" if layer.facts.training else "eval") + (
        "" if layer.facts.trainable else " fixed"
    )


def _rules(view: View, layer: LayerHistory) -> str:
    return " ".join(finding.rule for finding in view.of(layer))


def _severity(view: View, layer: LayerHistory) -> float:
    found = view.of(layer)
    return -min((SEVERITIES.index(finding.severity) for finding in found), default=len(SEVERITIES))


COLUMNS = (
    Column("layer", 0, lambda view, layer: view.name(layer), lambda _, layer: layer.facts.layer),
    Column("kind", 13, lambda _, layer: layer.layer.kind, lambda _, layer: layer.layer.kind),
    Column(
        "ch",
        6,
        lambda _, layer: f"{layer.layer.channels or '–':>5}",
        lambda _, layer: layer.layer.channels,
    ),
    Column(
        "mom.",
        6,
        lambda _, layer: "None" if layer.facts.momentum is None else number(layer.facts.momentum),
        lambda _, layer: layer.facts.momentum or 0.0,
    ),
    Column("mode", 12, lambda _, layer: mode(layer), lambda _, layer: mode(layer)),
    Column(
        "updates",
        9,
        lambda _, layer: f"{layer.facts.updates:>8,}",
        lambda _, layer: layer.facts.updates,
    ),
    Column(
        "off by",
        8,
        lambda _, layer: f"{distance_text(layer):>7}",
        lambda _, layer: -1.0 if isnan(layer.distance) else layer.distance,
    ),
    Column("findings", 18, _rules, _severity),
)
"""The first is the order of the model; numbers and findings sort from the largest down."""

DOWN = {"ch", "mom.", "updates", "off by", "findings"}


@dataclass
class Selection:
    """`layer` is an index among the run's layers, `sort` one among `COLUMNS`."""

    layer: int = 0
    query: str = ""
    sort: int = 0
    linear: bool = False

    def view(self, run: WatchedRun, findings: Sequence[Finding], total: int) -> View:
        """The run as every pane draws it; `total` is the last step of axes."""
        every = View(run, findings=findings)
        words = self.query.lower().split()
        order = [
            index
            for index, layer in enumerate(run.layers)
            if all(word in _searched(every, layer) for word in words)
        ]
        column = COLUMNS[self.sort]
        if self.sort:
            down = column.title in DOWN
            order.sort(key=lambda index: column.key(every, run.layers[index]), reverse=down)
        if order and self.layer not in order:
            self.layer = order[0]
        layer = self.layer if self.layer < len(run.layers) else None
        return View(run, layer, order, total, self.linear, findings, sort=self.sort)

    def move(self, by: int, order: Sequence[int]) -> None:
        """Select the layer `by` places down the list; at its ends stay."""
        if order:
            place = order.index(self.layer) if self.layer in order else 0
            self.layer = order[min(max(place + by, 0), len(order) - 1)]


def _searched(view: View, layer: LayerHistory) -> str:
    """What a filter's words are looked for in."""
    parts = (
        view.name(layer),
        layer.layer.model,
        layer.layer.kind,
        mode(layer),
        _rules(view, layer),
    )
    return " ".join(parts).lower()
