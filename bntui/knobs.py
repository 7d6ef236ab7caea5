"""How the knobs stand: the config a run began with, and every change that was confirmed since."""

from bntui.config import RunConfig
from bntui.history import History
from bntui.protocol import Changed, Forked, Knob

KNOBS: tuple[Knob, ...] = ("lr", "batch_size", "momentum", "eps")
"""Those that are numbers of the config."""


def standing(history: History, knob: Knob, layer: int | None = None) -> dict[str, float]:
    """A knob's value in every arm; a fork has its origin's until it is changed itself.

    `norm` is 1 where the normalization is on in hidden layer `layer` (the first, if None).
    """
    config = history.hello.config if history.hello else RunConfig()
    begun = 1.0 if knob == "norm" else float(getattr(config, knob))
    values = {name: begun for name, arm in history.arms.items() if arm.origin is None}
    for mark in history.marks:
        if isinstance(mark, Forked):
            values[mark.arm] = values.get(mark.origin, begun)
        elif isinstance(mark, Changed) and mark.knob == knob and mark.layer in {None, layer or 0}:
            names = list(values) if mark.arm is None else [mark.arm]
            values.update((name, mark.value) for name in names if name in values)
    return {name: value for name, value in values.items() if name in history.arms}


def common(history: History, knob: Knob, arm: str | None, layer: int | None = None) -> float | None:
    """A knob's value in that arm, or in all of them; None where they differ."""
    values = standing(history, knob, layer)
    chosen = {values[arm]} if arm in values else set(values.values())
    return chosen.pop() if len(chosen) == 1 else None
