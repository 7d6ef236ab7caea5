"""What a plot shows: panels of layers in data coordinates. `drawing.draw` makes cells of them."""

from collections.abc import Sequence

from msgspec import Struct

from bntui.tui.plotting.scale import Scale

Run = tuple[str, str]
"""Text and its ink: a colour of the theme (`arm-0`), a blend (`arm-0+arm-1`), or `a on b`."""


class Series(Struct, frozen=True):
    """A curve one dot thick, broken where y is NaN; `label` stands at its right end.

    Where there is little room only the label's first word does. The figure's cursor reads the
    curve under its `name` (the label's first word where there is none), its values in `form`.

    Curves that share a cell share its dots and blend their inks.
    """

    x: Sequence[float]
    y: Sequence[float]
    ink: str
    label: str = ""
    dotted: bool = False
    name: str = ""
    form: str = ".4g"


class Band(Struct, frozen=True):
    """A filled range for every x, under all curves."""

    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    ink: str


class Points(Struct, frozen=True):
    """Measured points: a glyph each, joined dimly between known neighbours.

    `label`, `name` and `form` as those of a `Series`.
    """

    x: Sequence[float]
    y: Sequence[float]
    ink: str
    glyph: str = "×"
    label: str = ""
    name: str = ""
    form: str = ".4g"


class Bars(Struct, frozen=True):
    """A histogram of equal bins over the panel's x, and another one as an outline over it.

    What is above the panel's y is cut, and labelled with its density. So many of the first and of
    the last bins as `saturated` says are drawn in the ink of what is bad.
    """

    densities: Sequence[float]
    ink: str
    outline: Sequence[float] = ()
    saturated: tuple[int, int] = (0, 0)


class Guide(Struct, frozen=True):
    """A level that means something (0, -3), as a line denser than the grid's."""

    y: float
    label: str = ""


class Mark(Struct, frozen=True):
    """An upright line at x, with a word beside it."""

    x: float
    text: str = ""


Layer = Series | Band | Points | Bars | Guide | Mark


class Panel(Struct, frozen=True):
    """Layers on one pair of scales; `title` is a row of its own above the canvas.

    `width` and `height` are its share of the figure's, beside others in its row and column.
    """

    x: Scale
    y: Scale
    layers: tuple[Layer, ...]
    title: tuple[Run, ...] = ()
    x_labels: bool = True
    width: float = 1.0
    height: float = 1.0


class Figure(Struct, frozen=True):
    """Rows of panels. The y axes of panels below each other stand in one column.

    Panels over training steps mark the step `cursor`, and their labels are the values there.
    """

    rows: tuple[tuple[Panel, ...], ...]
    cursor: int | None = None
