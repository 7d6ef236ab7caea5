"""A run obeys, and tells of everything it does."""

from collections.abc import Callable
from time import monotonic

import msgspec
import pytest
from msgspec import UNSET

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.engine import session
from bntui.core.engine.session import Session
from bntui.core.probes import registry
from bntui.core.telemetry import on_demand as looking
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer
from bntui.protocol import (
    Activations,
    AnyCommand,
    Change,
    Checks,
    Diverged,
    Event,
    Fork,
    Ladder,
    Layers,
    ModeLosses,
    Pause,
    Probe,
    Recalibrate,
    Recalibrated,
    Refused,
    Resume,
    SetPace,
    State,
    Statistics,
    Step,
    Steps,
    Subscribe,
    TraceUnits,
    Undo,
    Units,
    Updates,
    Weights,
)
from tests.core.engine.clock import Clock

Probes = Callable[..., Event | None]

SMALL = RunConfig(hidden=8, emb=3, batch_size=4, pace=None, steps=100)


class Told(list[Event]):
    """Every event of a run that its log has; `shown` are those of whoever looks."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Event] = []

    def states(self) -> list[tuple[str, int, object]]:
        return [(e.state, e.step, e.pace) for e in self if isinstance(e, State)]

    def last_probe(self) -> int:
        return max(e.step for e in self if isinstance(e, ModeLosses))


def begun(**settings: object) -> tuple[Session, Told]:
    config = msgspec.structs.replace(SMALL, **settings)
    told = Told()
    trainer = Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))
    return Session(trainer, told.append, told.shown.append), told


def far() -> float:
    return monotonic() + 60


def test_a_run_begins_with_its_state_and_a_measurement() -> None:
    _, told = begun()
    kinds = [State, *2 * [Activations], *2 * [ModeLosses], *2 * [Weights]]
    assert [type(e) for e in told] == kinds
    assert told.states() == [("running", 0, None)]


def test_a_run_ends_at_its_last_step_with_a_measurement_of_it() -> None:
    run, told = begun()
    run.advance(far())
    assert told.states()[-1] == ("finished", 100, None)
    assert told.last_probe() == 100
    assert sum(len(e.loss["BN"]) for e in told if isinstance(e, Steps)) == 100
    assert run.wait() is None


def test_a_finished_run_is_trained_on_as_if_it_had_been_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "TRAIN_ON", 40)
    run, told = begun(steps=20)
    run.advance(far())
    count = len(told)
    run.handle(Pause())
    assert len(told) == count
    run.handle(Step())
    assert told.states()[-1] == ("paused", 21, None)
    run.handle(Resume())
    run.handle(Resume())
    run.advance(far())
    assert told.states()[-1] == ("finished", 60, None)
    totals = [e.total for e in told if isinstance(e, State)]
    assert totals[: totals.index(60)] == [UNSET] * 2
    assert set(totals[2:]) == {60}
    longer, all_told = begun(steps=60)
    longer.advance(far())
    losses = [
        [x for e in t if isinstance(e, Steps) for x in e.loss["BN"]] for t in (told, all_told)
    ]
    assert losses[0] == losses[1]


def test_pause_measures_where_it_stands_and_resume_goes_on() -> None:
    run, told = begun()
    run.handle(Step())
    run.handle(Step())
    run.handle(Step())
    run.advance(far())
    assert told.states()[-1] == ("paused", 3, None)
    assert told.last_probe() == 3
    assert run.wait() is None
    run.handle(Resume())
    assert told.states()[-1] == ("running", 3, None)
    run.advance(far())
    assert told.states()[-1] == ("finished", 100, None)


@pytest.mark.parametrize("between", [[], [Step()], [Change("batch_size", 5)]])
def test_a_recalibration_is_told_after_its_numbers(between: list[AnyCommand]) -> None:
    run, told = begun()
    run.handle(Step())
    for command in (Recalibrate("BN"), Undo()):
        run.advance(far())
        before = len(told)
        run.handle(command)
        run.advance(far())
        kinds = [type(e) for e in told[before:] if not isinstance(e, ModeLosses) or e.arm == "BN"]
        assert kinds.index(ModeLosses) < kinds.index(Recalibrated)
    run.handle(Recalibrate("BN"))
    for each in between:
        run.handle(each)
    run.advance(far())
    assert sum(isinstance(e, Recalibrated) for e in told) == 3


@pytest.mark.parametrize(
    "flood",
    [
        [Pause(), Resume()] * 20 + [Pause()],
        [Pause()] + [Step()] * 20,
        [Pause(), *(Change("batch_size", n) for n in range(5, 25))],
        [Pause(), *([Fork("BN", "lr", 0.5), Undo()] * 20)],
    ],
)
def test_commands_that_wait_together_are_measured_once(flood: list[AnyCommand]) -> None:
    """Or a flood of them would hold the engine for minutes."""
    run, told = begun()
    for command in flood:
        run.handle(command)
    before = [e for e in told if isinstance(e, ModeLosses) and e.arm == "BN"]
    run.advance(far())
    after = [e for e in told if isinstance(e, ModeLosses) and e.arm == "BN"]
    scheduled = {e.step for e in before}
    assert len(before) == len(scheduled)
    assert len(after) == len(before) + 1
    assert told.states()[-1][0] == "paused"
    count = len(told)
    run.advance(far())
    assert len(told) == count


def test_pausing_twice_tells_once() -> None:
    run, told = begun()
    run.handle(Pause())
    run.handle(Pause())
    assert [state for state, *_ in told.states()] == ["running", "paused"]


def test_a_new_pace_is_confirmed_in_every_state() -> None:
    run, told = begun()
    run.handle(SetPace(20.0))
    run.handle(Pause())
    run.handle(SetPace(None))
    run.handle(Resume())
    run.advance(far())
    run.handle(SetPace(5.0))
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
    run.handle(TraceUnits(0, [1, 2]))
    run.handle(TraceUnits(0, [6, 7]))
    count = len(told)
    assert run.wait() == 0
    run.advance(far())
    assert len(told) == count + 1
    event = told[-1]
    assert isinstance(event, Statistics)
    assert event.units == [6, 7]
    assert event.steps == list(range(100))
    count = len(told)
    run.handle(TraceUnits(0, [7, 6]))
    run.advance(far())
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
    run.handle(Resume())
    assert isinstance(told[-1], Refused)
    assert told.states()[-1] == ("finished", 1, None)


def test_two_runs_of_one_config_tell_the_same_whenever_they_are_flushed() -> None:
    def told_by(flush: Callable[[Session], None]) -> dict[str, object]:
        run, told = begun()
        while run.wait() is not None:
            run.advance(monotonic() + 0.001)
            flush(run)
        return {
            "losses": [x for e in told if isinstance(e, Steps) for x in e.loss["BN"]],
            "statistics": [x for e in told if isinstance(e, Statistics) for x in e.running_var[0]],
            "ratios": [
                x
                for e in told
                if isinstance(e, Updates) and e.arm == "BN"
                for x in e.update_ratio[1]
            ],
            "rest": [e for e in told if not isinstance(e, Steps | Statistics | Updates)],
        }

    assert told_by(lambda run: run.flush()) == told_by(lambda run: None)


LOOKED: list[Probe] = ["layers", "weights", "units", "ladder", "checks"]


def test_the_log_is_the_same_whoever_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PER_SECOND", 1e9)
    monkeypatch.setattr(looking, "SHARE", 1e9)

    def told_while(*commands: Subscribe) -> tuple[Told, list[Event]]:
        run, told = begun(steps=25)
        for command in commands:
            run.handle(command)
        while run.wait() is not None:
            run.advance(monotonic() + 1e-4)
        return told, [e for e in told if not isinstance(e, Steps | Statistics | Updates)]

    looked, one = told_while(Subscribe(LOOKED))
    alone, other = told_while()
    unlooked, third = told_while(Subscribe(LOOKED), Subscribe([]))
    assert one == other == third
    assert {type(e) for e in looked.shown} == {Layers, Weights, Units, Ladder, Checks}
    assert alone.shown == unlooked.shown == []
    losses = [[x for e in t if isinstance(e, Steps) for x in e.loss["BN"]] for t in (looked, alone)]
    assert losses[0] == losses[1]


def test_looking_while_paused_measures_at_once_and_once() -> None:
    run, told = begun(depth=2)
    clock = run._on_demand._clock = Clock()
    run.handle(Step())
    run.handle(Subscribe(["units"], 1))
    run.advance(far())
    run.advance(far())
    assert [(e.arm, e.layer, e.step) for e in told.shown if isinstance(e, Units)] == [
        ("no BN", 1, 1),
        ("BN", 1, 1),
    ]
    assert run.wait() is None
    run.handle(Step())
    clock.now += 1
    assert run.wait() == 0
    run.advance(far())
    assert [(e.arm, e.layer, e.step) for e in told.shown[2:] if isinstance(e, Units)] == [
        ("no BN", 1, 2),
        ("BN", 1, 2),
    ]


def test_what_a_pause_tells_is_not_measured_twice() -> None:
    run, told = begun(depth=2)
    run.handle(Subscribe(["units", "ladder"], 1))
    run.advance(monotonic())
    count = len(told.shown)
    run.handle(Step())
    run.handle(Resume())
    run.handle(Pause())
    run.advance(far())
    assert len(told.shown) == count
    assert {(e.arm, e.layer) for e in told if isinstance(e, Units) and e.step == 1} == {
        (arm, layer) for arm in ("no BN", "BN") for layer in (0, 1)
    }


def test_what_takes_long_is_measured_at_the_end_and_on_pause_alone() -> None:
    run, told = begun(steps=30)
    run.handle(Pause())
    run.advance(far())
    run.handle(Resume())
    run.advance(far())
    steps = {
        kind: [e.step for e in told if isinstance(e, kind) and e.arm == "BN"]
        for kind in (Layers, Weights, Units, Ladder, Checks)
    }
    assert steps[Layers] == [1, 2, 5, 10, 20, 30]
    assert steps[Weights] == [0, 0, 1, 2, 5, 10, 20, 30]
    assert steps[Units] == [30]
    assert steps[Ladder] == steps[Checks] == [0, 30]
    updates = [e for e in told if isinstance(e, Updates) and e.arm == "BN"]
    assert [step for e in updates for step in e.steps] == [0, 1, 2, 5, 10, 20]


def test_nothing_is_measured_that_is_neither_logged_nor_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[str] = []
    for name in ("layers", "weights", "units", "ladder", "checks"):
        probe = getattr(registry, name)

        def counted(*args: object, name: str = name, probe: Probes = probe) -> Event | None:
            measured.append(name)
            return probe(*args)

        monkeypatch.setattr(registry, name, counted)
    run, _ = begun(steps=30)
    run.advance(far())
    counts = {name: measured.count(name) for name in ("layers", "weights", "units", "ladder")}
    assert counts == {"layers": 2 * 7, "weights": 2 * 7, "units": 2, "ladder": 2}
    assert measured.count("checks") == 2


def test_a_fork_tells_its_own_ratios_from_its_first_step_on_until_it_is_removed() -> None:
    run, told = begun()
    for command in (Step(), Step(), Fork("BN"), Step(), Step(), Undo(), Step(), Step(), Pause()):
        run.handle(command)
    steps = {
        arm: [step for e in told if isinstance(e, Updates) and e.arm == arm for step in e.steps]
        for arm in ("BN", "BN copy")
    }
    assert steps == {"BN": [0, 1, 2, 5], "BN copy": [2]}
