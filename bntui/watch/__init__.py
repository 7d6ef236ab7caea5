"""Inside the user's process: what BatchNorm layers of any model do, without touching them.

`bntui.watch(model)` calls this package itself: a package and a function of one name can be the same
object, and nobody has to know which was imported first.
"""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """See `bntui.watch.handle.watch`."""
        from bntui.watch.handle import watch  # noqa: PLC0415 (loads torch)

        return watch(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
