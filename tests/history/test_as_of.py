"""A run as of a step is what it was when that step was the newest."""

import pytest

from bntui.history.as_of import as_of, seconds_at, step_at
from bntui.history.history import History
from bntui.protocol import AnyEvent, Diverged, Recovered, Steps
from tests.scripted import beginning, probes, steps


def folded(*events: AnyEvent) -> History:
    history = History()
    for event in events:
        history.fold(event)
    return history


def known(history: History) -> object:
    """What panes read."""
    arms = [
        (
            repr(arm.loss.over(0, 1000)),
            repr(arm.loss.mean_of_last(100)),
            arm.activations.get(0),
            arm.modes,
            arm.diverged,
        )
        for arm in history.arms.values()
    ]
    trace = history.trace
    assert trace
    columns = [repr(c.over(0, len(c))) for kind in trace.columns.values() for c in kind]
    return history.steps, arms, list(trace.steps), columns


@pytest.mark.parametrize("step", [100, 200])
def test_as_of_a_step_is_the_history_of_that_time(step: int) -> None:
    begun = beginning()
    parts = [[*steps(i, 100), *probes(i + 100)] for i in (0, 100, 200)]
    early = folded(*begun, *(event for part in parts[: step // 100] for event in part))
    late = folded(*begun, *(event for part in parts for event in part), Diverged("BN", 250, None))
    assert known(as_of(late, step)) == known(early)


def test_divergence_is_not_known_before_its_step() -> None:
    history = folded(*beginning(), *steps(0, 100), Diverged("BN", 50, None))
    assert as_of(history, 50).arms["BN"].diverged is None
    assert as_of(history, 51).arms["BN"].diverged


def test_the_beginning_has_its_first_measurement_and_no_step() -> None:
    then = as_of(folded(*beginning(), *steps(0, 100)), 0)
    assert then.steps == 0
    assert [event.step for event in then.arms["BN"].modes] == [0]


def test_time_and_steps_translate() -> None:
    history = folded(*beginning())
    for i in range(10):
        history.fold(Steps(i * 10, (i + 1) * 0.5, {"no BN": [1.0] * 10, "BN": [1.0] * 10}))
    assert step_at(history, 0.0) == 0
    assert step_at(history, 2.6) == 50
    assert step_at(history, 99) == 100
    assert seconds_at(history, 50) == 2.5
    assert seconds_at(history, 0) == 0


def test_a_network_that_recovered_has_not_diverged_but_had() -> None:
    turns = Diverged("BN", 40, 99.0), Recovered("BN", 60, 2.0)
    history = folded(*beginning(), *steps(0, 100), *turns)
    assert history.arms["BN"].diverged is None
    assert as_of(history, 60).arms["BN"].diverged == turns[0]
