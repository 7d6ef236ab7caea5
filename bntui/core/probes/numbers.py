"""Numbers rounded for events, histograms, and limits that several probes share."""

from collections.abc import Iterable
from math import floor, isfinite, log10

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP
from bntui.protocol import Column

BINS = 50
WORK, FEWEST = 2**30, 64
"""Multiplications that a probe may spend on a pass, and examples that it takes all the same."""

SMALLEST, LARGEST = 1e-30, 1e38
"""Limits of a range whose bins single precision can tell apart."""


def shorten(numbers: Tensor) -> Tensor:
    """Rounded to six significant digits, as float64, so that they print short."""
    exact = numbers.cpu().double()
    digits = 5 - exact.abs().clamp(min=1e-300).log10().floor()
    up, down = 10.0 ** digits.clamp(min=0), 10.0 ** (-digits).clamp(min=0)
    return torch.where(exact.isfinite(), (exact * up / down).round() * down / up, exact)


def plain(numbers: Tensor) -> Column:
    """(K,) as a list for an event, shortened."""
    return finite(shorten(numbers).tolist())


def finite(values: Iterable[float]) -> Column:
    """The same numbers, None for those that are not finite."""
    return [value if isfinite(value) else None for value in values]


def histogram(values: Tensor, low: float, high: float) -> list[int]:
    """Counts in equal bins on [low, high]; what lies outside, or is no number, is left out."""
    counts: list[int] = torch.histc(values, BINS, low, high).long().tolist()
    return counts


def round_up(limit: float) -> float:
    """The next of 1, 2, 5, 10, 20, ... (or 0.5, 0.2, ...); 1 where there is no range."""
    if not SMALLEST < limit < LARGEST:
        return 1.0
    exponent = floor(log10(limit))
    steps = [float(f"{digit}e{exponent}") for digit in (1, 2, 5, 10)]
    return next((step for step in steps if step >= limit), steps[-1])


def affordable(model: CharMLP) -> int:
    """Examples that pass through the model in about WORK multiplications, a tenth of a second.

    It depends on the model's size alone, so that logs are reproducible.
    """
    sizes = [param.numel() for layer in model.layers for param in layer.params]
    return max(FEWEST, WORK // sum(sizes))
