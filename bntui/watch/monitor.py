"""Process-wide: every watch, and which optimizer moves which model.

One global hook, on optimizers, serves them all. There is none on modules: torch.compile warns of
those.
"""

import os
from typing import Any, Protocol
from weakref import ref

from torch.compiler import is_dynamo_compiling
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from bntui.watch.observer import ModelObserver


class Listener(Protocol):
    """A watch: what it looks at, and what to do after a step or a fault."""

    observers: list[ModelObserver]

    def stepped(self, owned: list[ModelObserver]) -> None:
        """After a step of the optimizer that moves these models."""

    def give_up(self, error: Exception) -> None:
        """Stop watching; the training goes on."""


class Monitor:
    """Every watch of this process."""

    def __init__(self) -> None:
        self._listeners: list[ref[Any]] = []
        self._optimizer_hook: RemovableHandle | None = None
        self._owners: dict[int, tuple[ref[Any], int, list[ModelObserver]]] = {}
        """By the optimizer's id: the optimizer, how many parameters it had, the models it moves."""

    @property
    def listeners(self) -> list[Any]:
        """Every watch that is still there."""
        return [listener for each in self._listeners if (listener := each()) is not None]

    def observers(self) -> list[ModelObserver]:
        """Every watched model."""
        return [observer for listener in self.listeners for observer in listener.observers]

    def add(self, listener: Any) -> None:
        """Serve a watch, or one that has more models now."""
        if not any(each() is listener for each in self._listeners):
            self._listeners.append(ref(listener, self._forget))
        self._owners.clear()
        if self._optimizer_hook is None:
            self._optimizer_hook = register_optimizer_step_post_hook(self._after_step)

    def remove(self, listener: Any) -> None:
        """Serve a watch no more; the last one takes every global hook with it."""
        self._listeners = [each for each in self._listeners if each() not in {None, listener}]
        self._owners.clear()
        if not self._listeners and self._optimizer_hook is not None:
            self._optimizer_hook.remove()
            self._optimizer_hook = None

    def _forget(self, gone: ref[Any]) -> None:
        self.remove(None)

    def _after_step(self, optimizer: Any, args: object, kwargs: object) -> None:
        if is_dynamo_compiling():
            return  # a training step that is compiled as a whole, and stays in one graph
        count = 0
        for group in optimizer.param_groups:
            count += len(group["params"])
        known = self._owners.get(id(optimizer))
        if known is None or known[1] != count or known[0]() is not optimizer:
            known = self._owners[id(optimizer)] = ref(optimizer), count, self._owned(optimizer)
        for each in self._listeners:
            listener = each()
            if listener is not None:
                try:
                    listener.stepped(known[2])
                except Exception as error:
                    listener.give_up(error)

    def _owned(self, optimizer: Any) -> list[ModelObserver]:
        """The models of which this optimizer moves some weights."""
        decay = {
            id(p): float(group.get("weight_decay") or 0)
            for group in optimizer.param_groups
            for p in group["params"]
        }
        living = [o for known in self._owners.values() if (o := known[0]()) is not None]
        moved = {
            id(p) for each in (optimizer, *living) for g in each.param_groups for p in g["params"]
        }
        owned = []
        for observer in self.observers():
            model = observer.ref()
            if model is not None and any(id(p) in decay for p in model.parameters()):
                owned.append(observer)
                observer.own()
                observer.moved_by(moved)
                for layer in observer.layers:
                    module = layer.ref()
                    weight = module._parameters.get("weight") if module else None
                    layer.weight_decay = decay.get(id(weight), layer.weight_decay)
        return owned


MONITOR = Monitor()


def _forget_in_child() -> None:
    """A forked worker has our hooks in its modules: it counts nothing and writes nothing."""
    for observer in MONITOR.observers():
        observer.close()
    for listener in MONITOR.listeners:
        MONITOR.remove(listener)


os.register_at_fork(after_in_child=_forget_in_child)
