"""Waiting for what cannot be waited for."""

import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds until what does not come is a failure: many, since a machine may be busy."""
POLL = 0.01
"""Seconds between two looks."""


def eventually(happened: Callable[[], bool]) -> bool:
    """Whether it happens before patience ends; the processor is left to others meanwhile."""
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(POLL)
    return True
