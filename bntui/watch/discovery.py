"""Finds the models of a script that knows nothing of bntui, by the BatchNorm layers that run.

A global forward pre-hook looks at every module that it has not seen. It costs a call per module, so
it is there only while something new may run: from the import of torch, or the construction of a
BatchNorm layer, to the first optimizer step before which nothing new ran; and for one step every
`LOOK_EVERY` seconds, for copies of a model. In between the script's forward passes run without any
global hook, and what stays is one call per optimizer step.
"""

import os
import sys
import warnings
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Any
from weakref import WeakSet

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_forward_pre_hook,
)
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from bntui.watch.layers import batchnorms

LOOK_EVERY = 2.0
"""Seconds between two steps at which models are looked for again."""

_CALL = nn.Module._call_impl.__code__
_WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DistributedDataParallel": "module",
    "DataParallel": "module",
}
"""Modules that only wrap the user's, and under which name."""


class Discovery:
    """Calls `found` with every outermost module that runs and has BatchNorm layers, once.

    Args:
        found: Called with the module, before its forward pass.
        report: Called with a fault of ours; nothing is looked for any more then.
        steps: Optimizer steps after which `done` is called, None for never.
        done: Called before the optimizer's next step; what it raises ends the script.
    """

    def __init__(
        self,
        found: Callable[[nn.Module], None],
        report: Callable[[Exception], None],
        steps: int | None,
        done: Callable[[], None],
    ) -> None:
        self._found, self._report = found, report
        self._steps_left, self._done = steps, done
        self._seen: WeakSet[nn.Module] = WeakSet()
        self._is_new = True
        self.constructed = False
        """Whether a BatchNorm layer was made."""
        self._next_look = 0.0
        self._look_handle: RemovableHandle | None = None
        self._handles = [
            register_module_buffer_registration_hook(self._construct),
            register_optimizer_step_pre_hook(self._step),
        ]
        # torch.compile warns of global hooks: those that are here are harmless, and not the user's.
        warnings.filterwarnings("ignore", "Using `torch.compile.module.` when there are global")
        os.register_at_fork(after_in_child=self.stop)
        self._look_again()

    def stop(self) -> None:
        """Remove every hook; steps are no longer counted."""
        self._steps_left = None
        for handle in (*self._handles, self._look_handle):
            if handle is not None:
                handle.remove()
        self._look_handle = None

    def _look_again(self) -> None:
        if self._look_handle is None:
            self._look_handle = register_module_forward_pre_hook(self._look)

    def _construct(self, module: nn.Module, name: str, buffer: object) -> None:
        """A module registers a buffer; before its first pass, a BatchNorm layer does."""
        if isinstance(module, _NormBase) and not torch.compiler.is_compiling():
            self._is_new = self.constructed = True
            self._look_again()

    def _look(self, module: nn.Module, args: object) -> None:
        """Before the forward pass of any module."""
        if torch.compiler.is_compiling() or module in self._seen:
            return
        try:
            self._seen.add(module)
            root = _outermost(sys._getframe(), module)
            if (root is not module and root in self._seen) or hasattr(root, "_is_replica"):
                return  # a module that its model does not list; a copy by DataParallel
            self._seen.update(root.modules())
            model = _unwrapped(root)
            if any(True for _ in batchnorms(model)):
                self._is_new = True
                self._found(model)
        except Exception as error:
            self.stop()
            self._report(error)

    def _step(self, optimizer: object, args: object, kwargs: object) -> None:
        """Before a step of any optimizer."""
        if torch.compiler.is_compiling():
            return
        if self._steps_left is not None:
            if self._steps_left == 0:
                self._done()
            self._steps_left -= 1
        if self._look_handle is None:
            if monotonic() >= self._next_look:
                self._look_again()
        elif self._is_new:
            self._is_new = False
        else:
            self._look_handle.remove()
            self._look_handle = None
            self._next_look = monotonic() + LOOK_EVERY


def _outermost(frame: FrameType | None, module: nn.Module) -> nn.Module:
    """The module whose call is the first on the stack; `module` itself where it is."""
    while frame is not None:
        if frame.f_code is _CALL:
            module = frame.f_locals["self"]
        frame = frame.f_back
    return module


def _unwrapped(module: Any) -> nn.Module:
    while inner := _WRAPPERS.get(type(module).__name__):
        module = getattr(module, inner)
    return module  # type: ignore[no-any-return]  # wrappers hold modules
