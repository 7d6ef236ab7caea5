"""See what Batch Normalization does.

The package itself imports neither torch nor textual; its public names load them on first use. It
imports nothing else that takes time, either: until `bntui.cli` is reached, ctrl+c is a traceback.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bntui.core.nn.batchnorm import D2L, LECTURE, LECTURE_STD, NOTEBOOK, TORCH, BatchNorm1d
    from bntui.watch.diagnosis import diagnose
    from bntui.watch.handle import watch

__all__ = [
    "D2L",
    "LECTURE",
    "LECTURE_STD",
    "NOTEBOOK",
    "TORCH",
    "BatchNorm1d",
    "__version__",
    "diagnose",
    "watch",
]
__version__ = "0.1.0"

_CONVENTIONS = ("NOTEBOOK", "D2L", "TORCH", "LECTURE", "LECTURE_STD")
_HOMES = dict.fromkeys(("BatchNorm1d", *_CONVENTIONS), "bntui.core.nn.batchnorm")
_HOMES["diagnose"] = "bntui.watch.diagnosis"
"""Where the public names are defined; the modules take a second to load."""


def __getattr__(name: str) -> "Any":
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "watch":
        return import_module("bntui.watch")  # the package can be called
    raise AttributeError(f"module 'bntui' has no attribute {name!r}")
