"""`bntui.transformers.Watch()`: a callback for the Trainer of Hugging Face's transformers."""

from numbers import Real
from typing import TYPE_CHECKING, Any

import bntui

if TYPE_CHECKING:
    from bntui.watch.handle import Watch as Handle

    Base = object
else:
    from transformers import TrainerCallback as Base

BOOKKEEPING = ("epoch", "total_flos", "_runtime", "_per_second")
"""Ends of the names of what the Trainer logs besides losses and metrics."""


class Watch(Base):
    """Watches the model that is trained, with the losses and evaluations that its Trainer logs.

    Args:
        options: Those of `bntui.watch`: name, log, every, budget, probe.
    """

    watch: "Handle | None" = None
    """The watch of the latest training; its `findings()` can be read after it, too."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        """Watch."""
        self.watch = bntui.watch(model, **self._options)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Log the numbers."""
        found = {
            name: float(value)
            for name, value in (logs or {}).items()
            if isinstance(value, Real) and not name.endswith(BOOKKEEPING)
        }
        if self.watch is not None:
            self.watch.log(**found)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the watch."""
        if self.watch is not None:
            self.watch.close()
