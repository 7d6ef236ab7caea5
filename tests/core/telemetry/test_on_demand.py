"""What is looked at is measured, some times a second, and nothing else is."""

from typing import Any, get_args

import pytest

from bntui.core.probes import registry
from bntui.core.telemetry.on_demand import OnDemand
from bntui.core.training.trainer import Trainer
from bntui.protocol import Checks, Event, Ladder, Layers, Probe, Subscribe, Units, Weights
from tests.core.engine.clock import Clock
from tests.core.trained import trained

KINDS: dict[Probe, type[Event]] = {
    "layers": Layers,
    "weights": Weights,
    "units": Units,
    "ladder": Ladder,
    "checks": Checks,
}


def looked(*probes: Probe, layer: int = 0, **settings: Any) -> tuple[Trainer, OnDemand, Clock]:
    run, clock = trained(3, **settings), Clock()
    look = OnDemand(run, clock)
    look.subscribe(Subscribe(list(probes), layer))
    return run, look, clock


@pytest.mark.parametrize("probe", KINDS)
def test_what_is_looked_at_is_measured_in_every_arm_that_has_it(probe: Probe) -> None:
    _, look, _ = looked(probe)
    events = look.measure()
    assert {type(event) for event in events} == {KINDS[probe]}
    assert len(events) == (1 if probe == "ladder" else 2)


def test_a_probe_that_nobody_looks_at_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in KINDS:
        monkeypatch.setattr(registry, name, lambda *args, name=name: calls.append(name))
    run, look, clock = looked("units", "checks")
    for _ in range(5):
        run.step()
        clock.now += 1
        assert look.wait() == 0
        look.measure()
    assert calls == ["units", "units", "checks", "checks"] * 5
    look.subscribe(Subscribe([]))
    run.step()
    assert look.wait() is None


def test_four_times_a_second_while_there_is_something_new() -> None:
    run, look, clock = looked("layers")
    measured = 0
    for _ in range(100):
        run.step()
        if look.wait() == 0:
            look.measure()
            measured += 1
        clock.now += 0.02
    assert measured == 8
    clock.now += 1
    assert look.wait() == 0
    look.measure()
    clock.now += 1
    assert look.wait() != 0
    look.subscribe(Subscribe(["layers"]))
    assert look.wait() == 0
    look.mark_measured()
    assert look.wait() is None


def test_a_slow_probe_takes_a_fifth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    run, look, clock = looked("ladder")

    def slow(*args: object) -> None:
        clock.now += 0.5

    monkeypatch.setattr(registry, "ladder", slow)
    look.measure()
    run.step()
    clock.now += 4.9
    assert look.wait() != 0
    clock.now += 0.2
    assert look.wait() == 0


@pytest.mark.parametrize(("asked", "measured"), [(0, 0), (1, 1), (7, 2), (-3, 0)])
def test_the_layer_looked_at_is_one_that_there_is(asked: int, measured: int) -> None:
    _, look, _ = looked("units", layer=asked, depth=3)
    assert {event.layer for event in look.measure() if isinstance(event, Units)} == {measured}


def test_before_the_first_step_there_is_little_to_see() -> None:
    run = trained(0)
    look = OnDemand(run, Clock())
    look.subscribe(Subscribe(["layers", "units", "weights"]))
    assert {type(event) for event in look.measure()} == {Weights}


def test_the_names_of_the_protocol_are_those_of_the_registry() -> None:
    assert set(get_args(Probe)) == set(registry.ON_DEMAND)
