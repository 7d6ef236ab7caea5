"""Ranges of single numbers, read from annotations, and settings that exclude each other."""

from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from msgspec import Meta

from bntui.config.schema import RunConfig
from bntui.errors import InputError


class Range(NamedTuple):
    """The numbers from `low` to `high`; where `whole`, only integers."""

    whole: bool
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value is in the range; NaN is not."""
        return self.low <= value <= self.high and not (self.whole and value % 1)

    def __str__(self) -> str:
        """The end of "it takes ..."."""
        if self.whole:
            return f"a whole number from {self.low:,} to {self.high:,}"
        return f"a number from {self.low:g} to {self.high:,.9g}"


class Bare(NamedTuple):
    """An annotation taken apart: the type, its metas, outermost first, and whether None is one.

    `words` are the literals that are accepted beside values of the type.
    """

    kind: Any
    metas: list[Meta]
    optional: bool
    words: tuple[str, ...] = ()


def bare(annotation: Any) -> Bare:
    """The type within `Annotated` and `| None`."""
    metas: list[Meta] = []
    optional = False
    words: list[str] = []
    while True:
        if get_origin(annotation) is Annotated:
            metas += annotation.__metadata__
            annotation = annotation.__origin__
        elif NoneType in get_args(annotation):
            optional = True
            annotation, *others = get_args(annotation)
            words += (word for other in others for word in get_args(other))
        else:
            return Bare(annotation, metas, optional, tuple(words))


def range_of(annotation: Any) -> Range | None:
    """The range of a number's annotation; None if it is not a number."""
    kind, metas, *_ = bare(annotation)
    for meta in metas:
        if kind in {int, float} and meta.ge is not None and meta.le is not None:
            return Range(kind is int, meta.ge, meta.le)
    return None


def check(config: RunConfig) -> None:
    """Check that the values of a config go together.

    Raises:
        InputError: They do not.
    """
    if len(set(config.arms)) < len(config.arms):
        twice = next(norm for norm in config.arms if config.arms.count(norm) > 1)
        raise InputError(f"--arms has {twice} twice, but it takes each at most once.")
    if "gn" in config.arms and config.hidden % config.groups:
        raise InputError(
            f"--groups is {config.groups}, but with gn it takes a divisor of --hidden,"
            f" {config.hidden:,}."
        )
