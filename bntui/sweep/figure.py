"""A sweep's results as a figure, drawn with matplotlib."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill

from bntui.errors import InputError
from bntui.sweep.plan import Plan
from bntui.sweep.report import sides_sentence
from bntui.sweep.results import GLYPHS, CellResult, Verdict, sentence
from bntui.text import clean

COLOURS: dict[Verdict, str] = {
    "lower": "#0072B2",
    "diverges less": "#0072B2",
    "higher": "#D55E00",
    "diverges more": "#D55E00",
    "both diverge": "#C00000",
}
"""Of Okabe and Ito (2008), as everywhere; glyphs say the same."""

MOST_DRAWN = 300
"""Cells of a figure, a row each."""


def check_figure(path: Path) -> None:
    """Refuse a figure that cannot be drawn, before anything is run.

    Raises:
        InputError: matplotlib is missing, the file's ending is no format, or there can be no such
            file.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)
    except ImportError:
        raise InputError("--figure needs matplotlib: pip install matplotlib.") from None
    kinds = Figure().canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in kinds:
        raise InputError(f"--figure is {path}, but it takes a name that ends in .png or .svg.")
    try:
        path.parent.stat()
        with suppress(FileNotFoundError):
            path.stat()
    except OSError as error:
        name = clean(str(path), limit=60)
        raise InputError(
            f"--figure is {name}, which cannot be written ({error.strerror})."
        ) from None


def write_figure(plan: Plan, found: Sequence[CellResult], path: Path) -> None:
    """Every cell's differences as dots, their mean and interval, and how often sides diverged.

    Raises:
        InputError: There are too many cells, or the file cannot be written.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    if len(found) > MOST_DRAWN:
        raise InputError(
            f"The sweep has {len(found):,} cells, but --figure draws at most {MOST_DRAWN}; "
            "--csv has them all."
        )
    figure = Figure(figsize=(9, 2 + 0.3 * len(found)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="0.6", linewidth=1)
    for y, one in enumerate(found):
        colour = COLOURS.get(one.verdict, "0.35")
        axes.plot(one.differences, [y] * len(one.differences), ".", color=colour, alpha=0.4)
        if one.mean is not None:
            axes.plot([one.mean], [y], "D", color=colour, markersize=5)
        if one.interval:
            axes.plot(list(one.interval), [y, y], color=colour, linewidth=2)
    texts = [f"{GLYPHS[one.verdict]} {one.cell.label}" for one in found]
    axes.set_yticks(range(len(found)), texts)
    right = axes.secondary_yaxis("right")
    counts = [f"{one.diverged[1]} / {one.diverged[0]} of {one.seeds}" for one in found]
    right.set_yticks(range(len(found)), counts)
    axes.set_ylim(len(found) - 0.5, -0.5)
    right.set_ylabel("diverged")
    axes.set_xlabel("difference of the loss: each seed, mean, 95 % interval")
    words = f"{sentence(plan, found)}\n{sides_sentence(plan, found)}"
    figure.suptitle("\n".join(fill(line, 110) for line in words.splitlines()), fontsize=9)
    try:
        figure.savefig(path)
    except OSError as error:
        raise InputError(f"--figure {path} cannot be written ({error.strerror}).") from None
