"""Sensible steps: the values that a knob or a field goes through when it is turned."""

from bisect import bisect_left, bisect_right
from math import inf
from typing import get_args

from bntui.config.presets import PRESETS
from bntui.config.schema import Activation, Context, Init, Placement


def _one_two_five(low: int, high: int) -> tuple[float, ...]:
    """1, 2, 5 times every power of ten from 10**low on, up to 10**high."""
    steps = [float(f"{m}e{e}") for e in range(low, high) for m in (1, 2, 5)]
    return (*steps, 10.0**high)


def _whole(low: int, high: int) -> tuple[int, ...]:
    return tuple(int(step) for step in _one_two_five(low, high))


_DOUBLING = tuple(2**i for i in range(17))

LADDERS: dict[str, tuple[object, ...]] = {
    "lr": (0.0, *_one_two_five(-4, 3)),
    "batch_size": _DOUBLING,
    "momentum": (0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0),
    "eps": (0.0, 1e-8, 1e-5, 1e-3, 0.01, 0.1, 1.0),
    "pace": (*_one_two_five(-1, 5), None),
    "seed": tuple(range(100)),
    "steps": _whole(2, 6),
    "hidden": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    "depth": tuple(range(1, 51)),
    "block_size": tuple(range(1, 65)),
    "emb": (1, 2, 5, 10, 20, 50, 100),
    "gain": (0.0, 0.1, 0.2, 0.5, 1.0, 5 / 3, 2.0, 5.0, 10.0),
    "ghost": (1, 2, 4, 8, 16, 32, 64, None),
    "groups": (1, 2, 4, 5, 10, 20, 25, 50, 100, 200),
    "lr_drop": (*_whole(2, 6), None),
    "split_seed": tuple(range(100)),
}
"""In order; None, which is no limit, comes last."""

CYCLES: dict[str, tuple[object, ...]] = {
    "preset": tuple(PRESETS),
    "context": get_args(Context),
    "activation": get_args(Activation),
    "init": get_args(Init),
    "placement": get_args(Placement),
    "bias": (True, False),
    "split": (False, True),
    "norm": (1.0, 0.0),
    "arms": (
        ("none", "bn"),
        ("none", "bn-torch"),
        ("none", "ln"),
        ("none", "gn"),
        ("none", "bn", "ln", "gn"),
        ("bn", "bn-torch", "bn-lecture"),
    ),
}
"""Round and round."""


def turned(name: str, value: object, by: int) -> object:
    """The value `by` steps on from `value`, which need not be one of the steps itself."""
    if name in CYCLES:
        options = CYCLES[name]
        place = options.index(value) if value in options else -by if by < 0 else -1
        return options[(place + by) % len(options)]
    ladder = LADDERS.get(name)
    return _climbed(ladder, value, by) if ladder else value


def _climbed(ladder: tuple[object, ...], value: object, by: int) -> object:
    """As far as the ladder goes; a value beyond its end stays where it is."""
    rungs = [_number(rung) for rung in ladder]
    here = _number(value)
    place = bisect_right(rungs, here) - 1 + by if by > 0 else bisect_left(rungs, here) + by
    return ladder[place] if 0 <= place < len(rungs) else value


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else inf
