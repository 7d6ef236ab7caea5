"""On which machine, with which versions and beside how much other work figures were measured."""

import os
import platform
from datetime import datetime
from importlib.metadata import version

import msgspec

from bntui import __version__

QUIET = 0.5
"""Load average, over the last minute, up to which the machine counts as quiet."""


class Conditions(msgspec.Struct, frozen=True):
    """What figures depend on; `load` is the system's load average before measuring began, None
    where there is none.
    """

    bntui: str
    torch: str
    python: str
    system: str
    cores: int
    load: float | None
    when: str

    @property
    def text(self) -> str:
        """One line."""
        load = "unknown" if self.load is None else f"{self.load:.1f}"
        return (
            f"bntui {self.bntui} · torch {self.torch} · Python {self.python} · {self.system} · "
            f"{self.cores} cores · load {load} · {self.when}"
        )

    @property
    def warning(self) -> str:
        """What other work does to the figures; "" on a quiet machine."""
        if self.load is not None and self.load <= QUIET:
            return ""
        found = "its load is unknown" if self.load is None else f"load {self.load:.1f}"
        return (
            f"The machine was not quiet when this began ({found}, quiet is at most {QUIET:g}): "
            "figures marked ~ depend on that, ratios by CPU time least."
        )


def conditions() -> Conditions:
    """As they are now."""
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = None
    return Conditions(
        __version__,
        version("torch"),
        platform.python_version(),
        f"{platform.system()} {platform.machine()}",
        os.cpu_count() or 1,
        load,
        datetime.now().astimezone().isoformat(timespec="minutes"),
    )
