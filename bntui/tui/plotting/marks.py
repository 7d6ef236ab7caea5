"""What was done to a run, as short words beside upright lines in the plots over time."""

from bntui.history.history import History, Mark
from bntui.protocol import Changed, Forked
from bntui.tui.plotting.plot import ARM_SHAPES

SHORT = {"lr": "lr", "batch_size": "batch", "momentum": "mom.", "eps": "eps"}


def marks(history: History, start: int, stop: int) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The steps from `start` to `stop` at which something was done or diverged, and its words.

    A fork says itself how it differs, so the change that makes it differ is left out.
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
    """A mark's few words, with the shape of the arm that it is about."""
    shape = f"{_shape(mark.arm, history)} " if mark.arm in history.arms else ""
    if isinstance(mark, Changed):
        return shape + _change(mark)
    if isinstance(mark, Forked):
        return f"{shape}{mark.arm.removeprefix(mark.origin).strip() or 'fork'}"
    return shape + ("recal. undone" if mark.undone else "recalibrated")


def _change(mark: Changed) -> str:
    if mark.knob == "norm":
        layer = "" if mark.layer is None else f" {mark.layer + 1}"
        return f"norm{layer} {'on' if mark.value else 'off'}"
    return f"{SHORT[mark.knob]} {mark.value:g}"


def _shape(arm: str | None, history: History) -> str:
    return next(shape for shape, name in zip(ARM_SHAPES, history.arms, strict=False) if name == arm)
