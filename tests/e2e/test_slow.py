"""A line of 64 kB/s: fewer frames, but keys, q and SIGTERM take effect within two seconds of it."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.terminal import Terminal, is_gone
from tests.e2e.test_dying import LONG, kill, press, state_of, wait_for_steps
from tests.patience import PATIENCE

RATE = 64_000
"""Bytes a second that the reader takes."""
TURN = 0.02
BOUND = 3 * RATE
"""Bytes read until something takes effect; a busy machine needs more seconds for them, not more
bytes."""


def trickle(terminal: Terminal, most: int, until: Callable[[], bool]) -> bool:
    """Read so many bytes at that rate; whether `until` came true meanwhile."""
    begun, before = time.monotonic(), len(terminal.sent)
    while not until():
        passed, taken = time.monotonic() - begun, len(terminal.sent) - before
        if taken >= most or passed > PATIENCE:
            return False
        if (room := min(int(RATE * passed), most) - taken) > 0:
            terminal.read(0.0, room)
        time.sleep(TURN)  # the slow line is what is tested
    return True


@pytest.mark.parametrize(("act", "code"), [(press("q"), 0), (kill(signal.SIGTERM), 143)])
def test_a_slow_line_waits_for_no_key_and_for_no_end(
    act: Callable[[Terminal], None], code: int
) -> None:
    much = (*LONG, "--pace", "500", "--fps", "30")
    with Terminal(*much, "--no-log", size=(120, 40)) as terminal:
        wait_for_steps(terminal)
        (engine,) = terminal.engines()
        assert not trickle(terminal, RATE, lambda: False)  # the line is full from here on
        terminal.press("?")
        assert trickle(terminal, BOUND, lambda: "Esc: close" in terminal.text)
        terminal.press("\x1b")
        assert trickle(terminal, BOUND, lambda: "Esc: close" not in terminal.text)
        act(terminal)
        assert trickle(terminal, BOUND, lambda: state_of(terminal.child.pid) == "Z")
        assert is_gone(engine)
        assert terminal.wait() == code
        assert terminal.left_on() == []
