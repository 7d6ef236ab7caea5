"""What is kept of events that keep coming: a bounded number, spread over the run."""

from typing import TypeVar

T = TypeVar("T")

KEPT = 512
"""Events kept of a kind."""

MARKS = 4096
"""Changes of settings, forks and recalibrations that are kept."""


def keep(kept: list[T], new: T, most: int = KEPT) -> None:
    """Append; beyond `most`, every second one between the first and the new one is dropped."""
    kept.append(new)
    if len(kept) > most:
        del kept[1:-1:2]
