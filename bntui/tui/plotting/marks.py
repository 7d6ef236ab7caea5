"""Marks: changes made to a run, as labelled vertical lines in the plots over time."""

from bntui.config.settings import SETTINGS
from bntui.history.history import History, Mark
from bntui.protocol import Changed, Forked
from bntui.tui.plotting.plot import ARM_SHAPES


def marks(history: History, start: int, stop: int) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The steps from `start` to `stop` with a change or a divergence, and the label of each.

    A fork's name says how it differs, so the change made with the fork is left out.
    """
    forked = {(mark.arm, mark.step) for mark in history.marks if isinstance(mark, Forked)}
    done = [
        (mark.step, words(mark, history))
        for mark in history.marks
        if mark.arm in {None, *history.arms}
        and (isinstance(mark, Forked) or (mark.arm, mark.step) not in forked)
    ]
    arms = enumerate(history.arms.values())
    done += [(a.diverged.step, f"{ARM_SHAPES[i]} diverged") for i, a in arms if a.diverged]
    seen = sorted((mark for mark in done if start <= mark[0] <= stop), key=lambda mark: mark[0])
    return tuple(float(step) for step, _ in seen), tuple(text for _, text in seen)


def words(mark: Mark, history: History) -> str:
    """A mark's label, with the shape of its network."""
    shape = f"{_shape(mark.arm, history)} " if mark.arm in history.arms else ""
    if isinstance(mark, Changed):
        return shape + SETTINGS[mark.knob].mark(mark.value, mark.layer)
    if isinstance(mark, Forked):
        return f"{shape}{mark.arm.removeprefix(mark.origin).strip() or 'fork'}"
    return shape + ("recal. undone" if mark.undone else "recalibrated")


def _shape(arm: str | None, history: History) -> str:
    return next(shape for shape, name in zip(ARM_SHAPES, history.arms, strict=False) if name == arm)
