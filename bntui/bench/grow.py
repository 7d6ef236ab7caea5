"""How cost grows: the trainer's steps a second beside those of torch's modules, by size."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from bntui.bench.engine import NOTEBOOK, loop
from bntui.bench.figure import Measurement, Repeats
from bntui.bench.reference import Modules
from bntui.config.schema import RunConfig
from bntui.core.training.trainer import Trainer

SIZES: dict[str, tuple[int, ...]] = {
    "hidden": (100, 200, 500, 1000),
    "depth": (1, 5, 10),
    "batch_size": (8, 32, 128, 512, 1024),
}
"""One is varied at a time, the others are the notebook's."""


class Row(NamedTuple):
    """One size: steps a second of both, and the trainer's over the other's."""

    name: str
    size: int
    trainer: Measurement
    modules: Measurement
    ratio: Measurement


def rows(repeats: Repeats) -> Iterator[Row]:
    """Every size, in turn A B A B."""
    for name, sizes in SIZES.items():
        for size in sizes:
            config = msgspec.structs.replace(NOTEBOOK, lr=0.001, **{name: size})
            yield _row(name, size, config, repeats)


def _row(name: str, size: int, config: RunConfig, repeats: Repeats) -> Row:
    sides = loop(Trainer, config), loop(Modules, config)
    for side in sides:
        side(repeats.seconds / 10)
    rounds = [[side(repeats.seconds) for side in sides] for _ in range(repeats.rounds)]
    ours, theirs = (list(rates) for rates in zip(*rounds, strict=True))
    ratios = [one / other for one, other in rounds]
    return Row(name, size, Measurement(ours), Measurement(theirs), Measurement(ratios))
