"""How the knobs stand: the config a run began with, and every change that was confirmed since."""

from bntui.config.schema import Knob, Norm, RunConfig
from bntui.history.history import History
from bntui.protocol import Changed, Forked

KNOBS: tuple[Knob, ...] = ("lr", "batch_size", "momentum", "eps")
"""Those that are numbers of the config."""


def standing(history: History, knob: Knob, layer: int = 0) -> dict[str, float]:
    """A knob's value in every arm that has it; a fork has its origin's until it is turned itself.

    `norm` is 1 where the normalization is on in hidden layer `layer`, counted from 0.
    """
    config = history.hello.config if history.hello else RunConfig()
    begun = 1.0 if knob == "norm" else float(getattr(config, knob))
    values = {name: begun for name, arm in history.arms.items() if arm.origin is None}
    for mark in history.marks:
        if isinstance(mark, Forked):
            values[mark.arm] = values.get(mark.origin, begun)
        elif isinstance(mark, Changed) and mark.knob == knob and mark.layer in {None, layer}:
            names = list(values) if mark.arm is None else [mark.arm]
            values.update((name, mark.value) for name in names if name in values)
    return {
        name: value
        for name, value in values.items()
        if name in history.arms and _has(knob, history.arms[name].norm)
    }


def _has(knob: Knob, norm: Norm) -> bool:
    if knob == "momentum":
        return norm.startswith("bn")
    return knob not in {"eps", "norm"} or norm != "none"


def values(history: History, knob: Knob, arm: str | None, layer: int | None = None) -> set[float]:
    """A knob's values in that arm or in all, and for `norm` in that layer or in all."""
    depth = history.hello.config.depth if history.hello else 1
    layers = range(depth) if layer is None and knob == "norm" else [layer or 0]
    found = [standing(history, knob, each) for each in layers]
    return {v for each in found for name, v in each.items() if arm in {None, name}}


def common(history: History, knob: Knob, arm: str | None, layer: int | None = None) -> float | None:
    """The one value of `values`; None where there are several, or none."""
    found = values(history, knob, arm, layer)
    return found.pop() if len(found) == 1 else None
