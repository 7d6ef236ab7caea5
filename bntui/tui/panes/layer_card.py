"""One hidden layer's numbers and histograms, as rows of text."""

from collections.abc import Callable

from bntui.protocol import LayerHealth
from bntui.text import percent
from bntui.tui.panes.pane import fixed, power
from bntui.tui.plotting.bars import in_columns, shares, text_bars
from bntui.tui.plotting.text_rows import Row

TALL = 6
"""Rows a layer from which its numbers stand below each other beside wider histograms."""
NARROW = 74
"""Columns under which the gradients have no histogram and, in flat rows, some numbers go."""

Number = tuple[str, Callable[[LayerHealth], str]]


class LayerCard:
    """Lays out one layer in `height` rows of `width` columns."""

    def __init__(self, width: int, height: int, flat: str, ink: str) -> None:
        self.height, self.ink = height, ink
        self.tall, self.narrow = height >= TALL, width < NARROW
        self.gap = 1 if height > 2 else 0
        self.left: list[Number] = [
            ("mean", lambda layer: fixed(layer.mean, 6)),
            ("std", lambda layer: fixed(layer.std, 6)),
            (flat, lambda layer: "–" if layer.flat is None else percent(layer.flat)),
            ("dead", lambda layer: f"{layer.dead:,}"),
        ]
        self.right: list[Number] = [
            ("mean", lambda layer: power(layer.grad_mean, 7)),
            ("std", lambda layer: power(layer.grad_std, 7)),
        ]
        if self.narrow and not self.tall:
            self.left, self.right = self.left[1:3], self.right[1:]
        gaps = 4 if self.tall else 7
        bars = width - sum(self._widths()) - gaps
        self.bars = max(bars if self.narrow else bars // 2, 0)

    def _widths(self) -> tuple[int, int]:
        return (11, 12) if self.tall else (8 * len(self.left), 9 * len(self.right))

    def header(self) -> str:
        """The names of the columns."""
        left = "".join(f"{name:>8}" for name, _ in self.left)
        right = "".join(f"{'g.' + name:>9}" for name, _ in self.right)
        second = "" if self.narrow else "  gradients"
        return f"   {left} {'outputs h':<{self.bars}.{self.bars}} {right}{second}"

    def rows(
        self, layer: LayerHealth, place: int, chosen: bool, tops: tuple[float, float]
    ) -> list[Row]:
        """One layer, its histograms drawn to these scales."""
        left, right = self._texts(layer, place)
        outputs = self._bars(layer.counts, tops[0])
        gradients = self._bars(layer.grad_counts, tops[1])
        style = "bold" if chosen else "plain"
        rows: list[Row] = []
        for y in range(self.height):
            row = [(left[y], style), (f" {outputs[y]} ", self.ink), (right[y], style)]
            rows.append(row if self.narrow else [*row, (f"  {gradients[y]}", self.ink)])
        return rows

    def _bars(self, counts: list[int], top: float) -> list[str]:
        """A histogram, a blank row above it where there is room, so that layers stay apart."""
        heights = in_columns(shares(counts), self.bars)
        drawn = text_bars(heights, top, self.height - self.gap)
        return [row.ljust(self.bars)[: self.bars] for row in [""] * self.gap + drawn]

    def _texts(self, layer: LayerHealth, place: int) -> tuple[list[str], list[str]]:
        """What stands left of each histogram, a text a row; in flat rows, on the last one."""
        if self.tall:
            left = [f"layer {place + 1}"] + [f"{n:<5}{text(layer):>6}" for n, text in self.left]
            right = ["gradients"] + [f"{n:<5}{text(layer):>7}" for n, text in self.right]
        else:
            blank = [""] * (self.height - 1)
            numbers = "".join(f"{text(layer):>8}" for _, text in self.left)
            left = [*blank, f"{place + 1:>3}{numbers}"]
            right = [*blank, "".join(f"{text(layer):>9}" for _, text in self.right)]
        widths = self._widths()
        edges = (widths[0] + (0 if self.tall else 3), widths[1])
        filled = [texts + [""] * (self.height - len(texts)) for texts in (left, right)]
        one, other = (
            [f"{text:<{w}.{w}}" for text in texts] for texts, w in zip(filled, edges, strict=True)
        )
        return one, other
