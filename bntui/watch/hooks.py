"""The only thing that is ever put on a user's modules: a hook that no copy of them keeps."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

Seen = Callable[..., None]


class Hook:
    """A hook whose module can be copied (copy.deepcopy, torch.save, pickle): the copy gets one that
    does nothing and needs no bntui.

    `__call__` begins with asking torch.compiler: compiled code skips hooks, which is decided while
    tracing.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """nullcontext().__exit__ takes any arguments and returns None."""
        return getattr, (nullcontext(), "__exit__")


class Calling(Hook):
    """A hook that calls `seen`."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def __call__(self, module: nn.Module, *values: Any) -> None:
        """Pass the call on."""
        if not torch.compiler.is_compiling():
            self._seen(module, *values)


def put(module: nn.Module, seen: Seen) -> RemovableHandle:
    """Have `seen` called with a module and its arguments before every forward pass."""
    return module.register_forward_pre_hook(Calling(seen))


def put_after(module: nn.Module, seen: Seen) -> RemovableHandle:
    """Have `seen` called with a module, its arguments and its output after every forward pass."""
    return module.register_forward_hook(Calling(seen))
