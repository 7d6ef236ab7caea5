"""Steps spread over time, on a clock that the test holds."""

import pytest

from bntui.core.engine.pacing import DECADE, SLACK, Pacer
from tests.core.engine.clock import Clock


def made_in(pacer: Pacer, clock: Clock, seconds: float, tick: float) -> int:
    """Steps made in that time by a loop that looks every `tick` seconds."""
    steps = 0
    for _ in range(round(seconds / tick)):
        while pacer.wait() == 0:
            pacer.advance(1)
            steps += 1
        clock.now += tick
    return steps


@pytest.mark.parametrize(("pace", "tick"), [(0.5, 0.033), (30, 0.033), (500, 0.002), (500, 0.033)])
def test_the_pace_is_kept_without_drift(pace: float, tick: float) -> None:
    clock = Clock()
    pacer = Pacer(pace, clock)
    pacer.resume()
    assert made_in(pacer, clock, 60, tick) == pytest.approx(60 * pace, abs=2 * pace * tick + 2)


def test_the_log_pace_takes_as_long_for_each_decade() -> None:
    clock = Clock()
    pacer = Pacer("log", clock)
    pacer.resume()
    steps = 0
    for after in range(1, 5):
        steps += made_in(pacer, clock, DECADE, 0.002)
        assert steps == pytest.approx(10**after, rel=0.02, abs=1)
    assert pacer.due(10**9) < 100
    clock.now += 1e9
    assert pacer.due(123) == 123


def test_no_burst_after_a_pause_or_a_hang() -> None:
    clock = Clock()
    pacer = Pacer(100, clock)
    pacer.resume()
    made_in(pacer, clock, 1, 0.01)
    pacer.pause()
    clock.now += 3600
    pacer.resume()
    assert made_in(pacer, clock, 1, 0.01) <= 102
    clock.now += 3600
    assert made_in(pacer, clock, 1, 0.01) <= 102 + 100 * SLACK


def test_elapsed_leaves_pauses_out() -> None:
    clock = Clock()
    pacer = Pacer(None, clock)
    pacer.resume()
    clock.now += 2
    pacer.pause()
    clock.now += 50
    assert pacer.elapsed == 2
    pacer.resume()
    clock.now += 1
    assert pacer.elapsed == 3


def test_full_speed_never_waits() -> None:
    pacer = Pacer(None, Clock())
    pacer.resume()
    for _ in range(1000):
        assert pacer.wait() == 0
        pacer.advance(1)


def test_a_faster_pace_does_not_wait_for_the_slow_steps_end() -> None:
    clock = Clock()
    pacer = Pacer(0.1, clock)
    pacer.resume()
    pacer.advance(1)
    assert pacer.wait() == 10
    pacer.set_pace(10)
    assert pacer.wait() == 0
