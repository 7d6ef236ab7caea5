"""The two themes, and the colours of plots in them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from bntui.export.palette import (
    BLUE,
    DARK_SERIES,
    LIGHT_SERIES,
    ORANGE,
    SKY,
    VERMILLION,
    YELLOW,
)

_DARK_TEXT = {
    "axis": "#9AA0AA",
    "grid": "#4A4F58",
    "event": "#C8CCD4",
    "outline": "#FFFFFF",
    "mark": "#F05050",
    "bad": "#F05050",
    "low": "#4A7FD0",
    "lowish": "#48B0D0",
    "fair": "#6FC06F",
    "highish": "#E0B040",
}
_LIGHT_TEXT = {
    "axis": "#5A6068",
    "grid": "#B8BCC2",
    "event": "#3A3E46",
    "outline": "#000000",
    "mark": "#C00000",
    "bad": "#C00000",
    "low": "#1030A8",
    "lowish": "#4A80B8",
    "fair": "#2F8F2F",
    "highish": "#A06A00",
}
"""`bad` is the only red: saturated, dead, diverged; `event` is what a person did.

`low` to `bad` stay five colours where a terminal has sixteen.
"""

PALER = {"faint": 0.62, "join": 0.12}
"""Shares of the ground in the inks of bands, and in those of the joins of measured points: these
are weaker than curves and still stronger than the grid, in 16 colours too.
"""


def inks(dark: bool, ground: str) -> dict[str, str]:
    """The CSS variables `$ink-...` of every colour a plot may use, on a ground of that colour.

    One of the terminal's own colours is unknown: it is taken as black or white.
    """
    series = DARK_SERIES if dark else LIGHT_SERIES
    below = Color.parse(ground)
    if below.ansi is not None:
        below = Color.parse("black" if dark else "white")
    paler = {
        f"{name}-{kind}": Color.parse(color).blend(below, share).hex
        for kind, share in PALER.items()
        for name, color in series.items()
    }
    text = _DARK_TEXT if dark else _LIGHT_TEXT
    return {f"ink-{name}": color for name, color in {**series, **paler, **text}.items()}


DARK = Theme(
    name="bntui-dark",
    primary=SKY,
    secondary=ORANGE,
    accent=ORANGE,
    foreground="#E4E6EA",
    background="#101216",
    surface="#101216",
    panel="#22262E",
    warning=YELLOW,
    error="#F05050",
    success="#2FC79B",
    dark=True,
)
LIGHT = Theme(
    name="bntui-light",
    primary=BLUE,
    secondary=VERMILLION,
    accent=VERMILLION,
    foreground="#1A1C20",
    background="#FCFCFA",
    surface="#FCFCFA",
    panel="#E6E7E4",
    warning="#8A7500",
    error="#C00000",
    success="#00765A",
    dark=False,
)


def inked(widget: Widget, runs: Iterable[tuple[str, str]], ground: Style | None = None) -> Strip:
    """A row of `widget` from runs of (text, ink), as wide as it is, on `ground` or else its own.

    The inks are the theme's variables and not component classes, each of which Textual would style
    anew for every widget before the first frame: a hundred milliseconds.
    """
    ground = ground or widget.rich_style
    variables = widget.app.theme_variables
    segments = [Segment(text, ground + _style(ink, variables)) for text, ink in runs]
    return Strip(segments).adjust_cell_length(widget.size.width, ground)


def ink_style(widget: Widget, ink: str) -> Style:
    """An ink of the theme in force: `a`, the blend `a+b` of several, or `a on b` with a ground."""
    return _style(ink, widget.app.theme_variables)


def _style(ink: str, variables: Mapping[str, str]) -> Style:
    ink, _, ground = ink.partition(" on ")
    colours = tuple(variables[f"ink-{name}"] for name in ink.split("+"))
    return _painted(colours, variables[f"ink-{ground}"] if ground else None)


@lru_cache(512)
def _painted(colours: tuple[str, ...], ground: str | None) -> Style:
    """The mean of the colours: it is the same in whatever order curves were drawn."""
    parts = [Color.parse(colour).rgb for colour in colours]
    mean = (round(sum(channel) / len(parts)) for channel in zip(*parts, strict=True))
    return Style(color=Color(*mean).hex, bgcolor=ground)
