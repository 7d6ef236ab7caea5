"""`bntui.lightning.Watch()`: a callback for Lightning, under either of its package names."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import Tensor

import bntui

if TYPE_CHECKING:
    from bntui.watch.handle import Watch as Handle

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _base() -> type:
    """The Callback of the package in use, or else of the one that is installed; both fit both."""
    for name in sorted(PACKAGES, key=lambda name: name not in sys.modules):
        try:
            return import_module(name).Callback  # type: ignore[no-any-return]  # a class in both
        except ModuleNotFoundError as error:
            if error.name not in {name, name.partition(".")[0]}:
                raise
    raise ImportError("bntui.lightning needs the package lightning or pytorch-lightning.")


if TYPE_CHECKING:
    Base = object
else:
    Base = _base()


class Watch(Base):
    """Watches the module that is fitted, with the losses and validation results of its trainer.

    Args:
        options: Those of `bntui.watch`: name, log, every, budget, probe.
    """

    watch: "Handle | None" = None
    """The watch of the latest fit; its `findings()` can be read after the fit, too."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._options = options
        self._before: dict[str, Any] = {}

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Watch."""
        self.watch = bntui.watch(pl_module, **self._options)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the loss that training_step returned, if it returned one."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if self.watch is not None and isinstance(loss, Tensor) and loss.numel() == 1:
            self.watch.log(loss=loss)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Keep what was logged before."""
        self._before = dict(trainer.callback_metrics)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Log what the validation has logged."""
        found = trainer.callback_metrics.items()
        new = {name: value for name, value in found if value is not self._before.get(name)}
        self._before = {}
        if self.watch is not None and not trainer.sanity_checking:
            self.watch.log(**new)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Close the watch."""
        self._close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Close the watch, whose log says that the training failed."""
        if self.watch is not None:
            self.watch.fail(exception)
        self._close()

    def _close(self) -> None:
        if self.watch is not None:
            self.watch.close()
