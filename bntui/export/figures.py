"""The notebook's four figures from a run log, drawn with matplotlib."""

from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from bntui.errors import InputError
from bntui.export.palette import LIGHT_SERIES
from bntui.history.arm import LAST, ArmHistory
from bntui.history.history import History
from bntui.protocol import Activations
from bntui.text import quoted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def write_figures(history: History, directory: Path, kind: str) -> list[Path]:
    """Draw all four into a directory as `kind`, png or svg; returns the paths.

    Raises:
        InputError: matplotlib is not installed, or the directory cannot be made.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)
    except ImportError:
        raise InputError("--figures needs matplotlib: pip install matplotlib.") from None
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RecursionError) as error:
        reason = getattr(error, "strerror", "too many directories in each other")
        name = quoted(directory)
        raise InputError(f"--figures {name} cannot be made ({reason}).") from None
    paths = []
    for name, draw in FIGURES.items():
        figure = Figure(figsize=(10, 4), layout="constrained")
        draw(figure, history)
        paths.append(directory / f"{name}.{kind}")
        figure.savefig(paths[-1])
    return paths


def _losses(figure: "Figure", history: History) -> None:
    """Training loss of every step, and of the last 500."""
    whole, close = figure.subplots(1, 2)
    for name, arm, colour in _arms(history):
        losses = list(arm.loss.values)
        first = max(len(losses) - LAST, 0)
        whole.plot(losses, label=name, color=colour, alpha=0.8)
        close.plot(range(first, len(losses)), losses[first:], label=name, color=colour, alpha=0.8)
    for axes, title in ((whole, "Training loss"), (close, f"The last {LAST} steps")):
        _label(axes, title, "step", "loss")
        axes.legend()


def _activations(figure: "Figure", history: History) -> None:
    """Densities of the first hidden layer's outputs, at init and at the end."""
    figure.set_size_inches(10, 8)
    grid = figure.subplots(len(history.arms), 2, squeeze=False)
    for row, (name, arm, colour) in zip(grid, _arms(history), strict=True):
        events = arm.activations.get(0, [])
        for axes, event in zip(row, (*events[:1], *events[-1:]), strict=False):
            width = (event.high - event.low) / len(event.counts)
            edges = [event.low + i * width for i in range(len(event.counts))]
            axes.bar(edges, densities(event), width, align="edge", color=colour)
            _label(axes, f"{name}, step {event.step:,}", "activation", "density")


def densities(event: Activations) -> tuple[float, ...]:
    """Counts as densities: their sum times the bin width is the share that is finite."""
    width = (event.high - event.low) / len(event.counts)
    known = event.n > 0 and width > 0
    return tuple(count / (event.n * width) if known else 0.0 for count in event.counts)


def _running_means(figure: "Figure", history: History) -> None:
    """Batch mean and running mean of the watched units."""
    running, batch = figure.subplots(1, 2, sharey=True)
    trace = history.trace
    for i, unit in enumerate(trace.units if trace else []):
        if trace:
            for axes, name in ((running, "running_mean"), (batch, "batch_mean")):
                column = list(trace.columns[name][i].values)
                axes.plot(
                    trace.steps, column, label=f"unit {unit}", color=LIGHT_SERIES[f"unit-{i % 5}"]
                )
    _label(running, "Running mean", "step", "mean")
    _label(batch, "Batch mean", "step", "mean")
    running.legend()


def _modes(figure: "Figure", history: History) -> None:
    """The loss of the same weights in both modes, by batch size."""
    axes = figure.subplots()
    for name, arm, colour in _arms(history):
        if arm.modes:
            last = arm.modes[-1]
            for mode, losses, style in (("training", last.train, "o-"), ("eval", last.eval, "s--")):
                known = [nan if loss is None else loss for loss in losses]
                axes.plot(last.sizes, known, style, label=f"{name}, {mode} mode", color=colour)
    axes.set_xscale("log")
    _label(axes, "The same weights in both modes", "n, examples measured at once", "loss")
    axes.legend()


def _arms(history: History) -> list[tuple[str, ArmHistory, str]]:
    """Every network's name, history and colour: those of the screen on a light ground."""
    arms = enumerate(history.arms.items())
    return [(name, arm, LIGHT_SERIES[f"arm-{i}"]) for i, (name, arm) in arms]


def _label(axes: "Axes", title: str, x: str, y: str) -> None:
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(visible=True, alpha=0.3)


FIGURES: dict[str, Callable[["Figure", History], None]] = {
    "losses": _losses,
    "activations": _activations,
    "running_means": _running_means,
    "modes": _modes,
}
