"""`BatchNorm1d` under its public import path; the code is in `bntui.core.nn.batchnorm`."""

from bntui.core.nn.batchnorm import (
    D2L,
    LECTURE,
    LECTURE_STD,
    NOTEBOOK,
    STATISTICS,
    TORCH,
    BatchNorm1d,
    Correction,
    Saved,
    backward,
)

__all__ = [
    "D2L",
    "LECTURE",
    "LECTURE_STD",
    "NOTEBOOK",
    "STATISTICS",
    "TORCH",
    "BatchNorm1d",
    "Correction",
    "Saved",
    "backward",
]
