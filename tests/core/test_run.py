"""A run obeys, and tells of everything it does."""

from collections.abc import Callable
from time import monotonic

import msgspec
import pytest

from bntui.config import NOTEBOOK_WORDS, RunConfig
from bntui.core.data import Dataset
from bntui.core.run import Run
from bntui.core.trainer import Trainer
from bntui.protocol import (
    Activations,
    Diverged,
    Event,
    ModeLosses,
    Pause,
    Resume,
    SetPace,
    State,
    Statistics,
    Step,
    Steps,
    Watch,
)

SMALL = RunConfig(hidden=8, emb=3, batch_size=4, pace=None, steps=100)


class Told(list[Event]):
    """Every event of a run."""

    def states(self) -> list[tuple[str, int, float | None]]:
        return [(e.state, e.step, e.pace) for e in self if isinstance(e, State)]

    def last_probe(self) -> int:
        return max(e.step for e in self if isinstance(e, ModeLosses))


def begun(**settings: object) -> tuple[Run, Told]:
    config = msgspec.structs.replace(SMALL, **settings)
    told = Told()
    trainer = Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))
    return Run(trainer, told.append), told


def far() -> float:
    return monotonic() + 60


def test_a_run_begins_with_its_state_and_a_measurement() -> None:
    _, told = begun()
    assert [type(e) for e in told] == [State, Activations, Activations, ModeLosses, ModeLosses]
    assert told.states() == [("running", 0, None)]


def test_a_run_ends_at_its_last_step_with_a_measurement_of_it() -> None:
    run, told = begun()
    run.advance(far())
    assert told.states()[-1] == ("finished", 100, None)
    assert told.last_probe() == 100
    assert sum(len(e.loss["BN"]) for e in told if isinstance(e, Steps)) == 100
    assert run.wait() is None


@pytest.mark.parametrize("command", [Pause(), Resume(), Step()])
def test_a_finished_run_stays_finished(command: Pause | Resume | Step) -> None:
    run, told = begun()
    run.advance(far())
    count = len(told)
    run.obey(command)
    run.advance(far())
    assert len(told) == count


def test_pause_measures_where_it_stands_and_resume_goes_on() -> None:
    run, told = begun()
    run.obey(Step())
    run.obey(Step())
    run.obey(Step())
    assert told.states()[-1] == ("paused", 3, None)
    assert told.last_probe() == 3
    assert run.wait() is None
    run.obey(Resume())
    assert told.states()[-1] == ("running", 3, None)
    run.advance(far())
    assert told.states()[-1] == ("finished", 100, None)


def test_pausing_twice_tells_once() -> None:
    run, told = begun()
    run.obey(Pause())
    run.obey(Pause())
    assert [state for state, *_ in told.states()] == ["running", "paused"]


def test_a_new_pace_is_confirmed_in_every_state() -> None:
    run, told = begun()
    run.obey(SetPace(20.0))
    run.obey(Pause())
    run.obey(SetPace(None))
    run.obey(Resume())
    run.advance(far())
    run.obey(SetPace(5.0))
    assert told.states() == [
        ("running", 0, None),
        ("running", 0, 20.0),
        ("paused", 0, 20.0),
        ("paused", 0, None),
        ("running", 0, None),
        ("finished", 100, None),
        ("finished", 100, 5.0),
    ]


def test_other_units_of_a_finished_run_come_from_its_first_step_on() -> None:
    run, told = begun()
    run.advance(far())
    run.obey(Watch(0, [6, 7]))
    event = told[-1]
    assert isinstance(event, Statistics)
    assert event.units == [6, 7]
    assert event.steps == list(range(100))
    count = len(told)
    run.obey(Watch(0, [7, 6]))
    assert len(told) == count


def test_divergence_is_told_once_an_arm_after_the_steps_that_led_there() -> None:
    run, told = begun(lr=1e6)
    run.advance(far())
    diverged = [e for e in told if isinstance(e, Diverged)]
    assert len({e.arm for e in diverged}) == len(diverged) > 0
    for event in diverged:
        before = told[: told.index(event)]
        assert sum(len(e.loss[event.arm]) for e in before if isinstance(e, Steps)) > event.step


def test_a_run_whose_arms_are_all_dead_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    run, told = begun()
    for arm in run._trainer.arms:
        for layer in arm.model.layers:
            for param in layer.params:
                param.fill_(float("nan"))
    run.advance(far())
    assert told.states()[-1] == ("finished", 1, None)
    assert [e.loss for e in told if isinstance(e, Diverged)] == [None, None]


def test_two_runs_of_one_config_tell_the_same_whenever_they_are_flushed() -> None:
    def told_by(flush: Callable[[Run], None]) -> dict[str, object]:
        run, told = begun()
        while run.wait() is not None:
            run.advance(monotonic() + 0.001)
            flush(run)
        return {
            "losses": [x for e in told if isinstance(e, Steps) for x in e.loss["BN"]],
            "statistics": [x for e in told if isinstance(e, Statistics) for x in e.running_var[0]],
            "rest": [e for e in told if not isinstance(e, Steps | Statistics)],
        }

    assert told_by(lambda run: run.flush()) == told_by(lambda run: None)
