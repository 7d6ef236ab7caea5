"""See what Batch Normalization does.

The package itself imports neither torch nor textual; `bntui.BatchNorm1d` loads torch on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bntui.core.nn.batchnorm import BatchNorm1d

__all__ = ["BatchNorm1d", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "BatchNorm1d":
        from bntui.core.nn.batchnorm import BatchNorm1d  # noqa: PLC0415 (torch takes a second)

        return BatchNorm1d
    raise AttributeError(f"module 'bntui' has no attribute {name!r}")
