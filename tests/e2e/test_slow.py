"""A line of 64 kB/s: fewer frames, but keys, q and SIGTERM take effect within two seconds."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.test_dying import BUSY, is_gone, kill, press, state_of

RATE = 64_000
"""Bytes a second that the reader takes."""
TURN = 0.02
BOUND = 3.0
"""Seconds: two, and one for a machine that is busy with other tests."""


def trickle(terminal: Terminal, seconds: float, until: Callable[[], bool]) -> bool:
    """Read at that rate; whether `until` came true in time."""
    begun, before = time.monotonic(), len(terminal.sent)
    while not until():
        passed = time.monotonic() - begun
        if passed > seconds:
            return False
        if (most := int(RATE * passed) - len(terminal.sent) + before) > 0:
            terminal.read(0.0, most)
        time.sleep(TURN)  # the slow line is what is tested
    return True


@pytest.mark.parametrize(("act", "code"), [(press("q"), 0), (kill(signal.SIGTERM), 143)])
def test_a_slow_line_waits_for_no_key_and_for_no_end(
    act: Callable[[Terminal], None], code: int
) -> None:
    with Terminal(*BUSY, "--no-log", "--fps", "30", size=(160, 50)) as terminal:
        terminal.wait_for("last-500 mean")
        (engine,) = terminal.engines()
        assert not trickle(terminal, 2, lambda: False)
        terminal.press("?")
        assert trickle(terminal, BOUND, lambda: "Esc: close" in terminal.text)
        terminal.press("\x1b")
        assert trickle(terminal, BOUND, lambda: "Esc: close" not in terminal.text)
        act(terminal)
        assert trickle(terminal, BOUND, lambda: state_of(terminal.child.pid) == "Z")
        assert is_gone(engine)
        assert terminal.wait() == code
        assert terminal.left_on() == []
