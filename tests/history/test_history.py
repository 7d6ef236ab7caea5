"""Events folded: what a pane may rely on, and what misfits do."""

from math import isnan

import pytest
from msgspec.structs import replace

from bntui.config.schema import MOST_ARMS, RunConfig
from bntui.history.history import MOST_MISSING, History
from bntui.history.kept import KEPT, MARKS
from bntui.protocol import (
    PROTOCOL,
    Activations,
    Changed,
    Diverged,
    Failed,
    Forked,
    ModeLosses,
    Removed,
    Skipped,
    State,
    Statistics,
    Steps,
    Units,
)
from tests.scripted import beginning, hello, probes, steps, updates


def folded(*events: object) -> History:
    history = History()
    for event in events:
        history.fold(event)  # type: ignore[arg-type]  # tests pass events of every type
    return history


def test_a_run_of_no_steps_has_a_length_to_divide_by() -> None:
    assert folded(hello(), State("running", 0, None, total=0)).total == 1
    assert folded(hello(RunConfig(steps=0))).total == 1


def test_a_run_is_kept_step_by_step() -> None:
    history = folded(*beginning(), *steps(0, 100), *probes(100), *steps(100, 50))
    assert history.steps == 150
    assert list(history.arms) == ["no BN", "BN"]
    assert [event.step for event in history.arms["BN"].activations[0]] == [0, 100]
    assert [event.step for event in history.arms["BN"].modes] == [0, 100]
    assert history.trace is not None
    assert list(history.trace.steps) == list(range(150))
    assert history.skipped_count == 0


def test_what_keeps_coming_stays_bounded_and_keeps_both_ends() -> None:
    """A small packed log can hold very many events of a kind."""
    history = folded(*beginning())
    seen = history.arms["BN"]
    for step in range(MARKS + 2):
        history.fold(Changed(step, "momentum", step / 10_000, 0.1))
        history.fold(ModeLosses("BN", step, [1], [1.0], [1.0]))
        history.fold(Diverged("BN", step, None))
        history.fold(Activations("BN", 0, step, 1, [0] * 50, 0.0))
    for kept in (seen.modes, seen.turns, seen.activations[0]):
        assert len(kept) <= KEPT
        assert (kept[0].step, kept[-1].step) == (0, MARKS + 1)
    assert len(history.marks) <= MARKS
    assert seen.standing.value("momentum") == (MARKS + 1) / 10_000
    assert seen.standing.as_of(0).value("momentum") == 0
    layer = RunConfig().depth
    history.fold(Activations("BN", layer, 0, 1, [0] * 50, 0.0))
    assert history.skipped[-1].reason == f"activations of an unknown layer, {layer}"


def test_update_ratios_of_the_same_weights_are_one_curve() -> None:
    history = folded(*beginning(), *updates(0, 100), *updates(100, 100))
    ratios = history.arms["BN"].updates
    assert ratios is not None
    assert list(ratios.steps) == list(range(0, 200, 10))


def test_every_event_asks_for_a_new_picture() -> None:
    history = History()
    seen = []
    for event in [*beginning(), *steps(0, 10)]:
        history.fold(event)
        seen.append(history.version)
    assert seen == list(range(1, len(seen) + 1))


def test_hello_begins_again() -> None:
    history = folded(*beginning(), *steps(0, 100), Diverged("BN", 5, None), hello())
    assert history.steps == 0
    assert history.trace is None
    assert history.arms["BN"].diverged is None
    assert history.state is None


def test_speed_is_steps_over_the_seconds_the_engine_counts() -> None:
    history = folded(*beginning())
    assert history.steps_per_second is None
    for i in range(10):
        history.fold(Steps(i * 10, (i + 1) * 0.1, {"no BN": [1.0] * 10, "BN": [1.0] * 10}))
    assert history.steps_per_second == pytest.approx(100)


def test_losses_that_are_not_finite_are_gaps() -> None:
    history = folded(*beginning(), Steps(0, 0.1, {"no BN": [None, 2.0], "BN": [1.0, 1.0]}))
    assert isnan(history.arms["no BN"].loss.values[0])
    assert history.arms["no BN"].loss.values[1] == 2.0


def test_watching_other_units_begins_a_new_trace() -> None:
    column: list[list[float | None]] = [[1.0]]
    history = folded(
        *beginning(), *steps(0, 10), Statistics("BN", 0, [7], [10], column, column, column, column)
    )
    assert history.trace is not None
    assert history.trace.units == [7]
    assert list(history.trace.steps) == [10]


ONE: list[list[float | None]] = [[1.0]]
MISFITS = [
    Steps(MOST_MISSING + 1, 0.1, {"no BN": [1.0], "BN": [1.0]}),
    Steps(0, 0.1, {"no such arm": [1.0]}),
    Steps(0, 0.1, {"no BN": [1.0, 2.0], "BN": [1.0]}),
    Activations("no such arm", 0, 0, 0, [0] * 50, None),
    ModeLosses("no such arm", 0, [1], [1.0], [1.0]),
    ModeLosses("BN", 0, [1, 2], [1.0], [1.0]),
    Diverged("no such arm", 0, None),
    Statistics("BN", 0, [0, 1], [0], ONE, ONE, ONE, ONE),
    Statistics("BN", 0, [0], [0, 1], ONE, ONE, ONE, ONE),
]


@pytest.mark.parametrize("misfit", MISFITS, ids=lambda event: type(event).__name__)
def test_an_event_that_does_not_fit_is_counted_and_changes_nothing_else(misfit: object) -> None:
    history = folded(*beginning(), misfit)
    assert history.skipped_count == 1
    assert history.steps == 0
    history.fold(Steps(0, 0.1, {"no BN": [1.0], "BN": [1.0]}))
    assert history.steps == 1


def test_losses_that_are_missing_take_no_others_along() -> None:
    """One damaged line had frozen every curve and number at its step, under "finished"."""
    history = folded(*beginning(), *steps(0, 10), *steps(14, 6))
    assert history.steps == 20
    assert [i for i, loss in enumerate(history.arms["BN"].loss.values) if isnan(loss)] == [
        *range(10, 14)
    ]
    assert history.skipped[-1].reason == "the losses of 4 steps from 10 are missing"
    history.fold(Steps(15, 0.1, {"no BN": [1.0], "BN": [1.0]}))
    assert (history.steps, history.skipped_count) == (20, 2)
    for _ in range(3):  # a log of few lines takes no memory beyond a bound
        lost = history.steps + MOST_MISSING // 2
        history.fold(Steps(lost, 0.1, {"no BN": [1.0], "BN": [1.0]}))
    assert history.steps < 20 + MOST_MISSING


def test_a_log_of_a_newer_version_says_so() -> None:
    newer = replace(hello(), protocol=PROTOCOL + 1, version="9.9")
    assert folded(newer).skipped[-1].reason == (
        f"written by bntui 9.9 in protocol {PROTOCOL + 1}; this version reads {PROTOCOL} and leaves"
        " out what is newer"
    )


def test_the_rate_is_that_of_the_last_two_seconds() -> None:
    """And of the batch before: 10 steps a second for 10 seconds, then 100."""
    history = folded(*beginning())
    for second in range(1, 13):
        count = 10 if second <= 10 else 100
        loss: list[float | None] = [1.0] * count
        history.fold(Steps(history.steps, float(second), {"no BN": loss, "BN": loss}))
    assert history.steps_per_second == pytest.approx((10 + 200) / 3)


def test_what_does_not_fit_is_named() -> None:
    history = folded(*beginning(), Diverged("GN", 0, None))
    assert history.skipped[-1].reason == "divergence of an unknown network, GN"


def test_a_fork_of_a_network_that_is_there_or_one_too_many_is_a_misfit() -> None:
    names = [f"BN {n}" for n in range(MOST_ARMS - 2)]
    history = folded(*beginning(), *(Forked(name, "BN", 0) for name in names))
    forks = Forked(names[0], "BN", 0), Forked("BN more", "BN", 0)
    for fork in forks:
        history.fold(fork)
        assert history.skipped[-1].reason == f"one fork too many, {fork.arm}"
    assert list(history.arms) == ["no BN", "BN", *names]
    history.fold(Removed(names[0], 0))
    history.fold(Forked("BN", "no BN", 0))
    assert (history.skipped_count, len(history.arms)) == (3, MOST_ARMS - 1)


def test_events_before_hello_are_misfits_not_crashes() -> None:
    history = folded(*steps(0, 10), *probes(0))
    assert history.skipped_count > 0
    assert history.steps == 0


def test_only_the_last_skipped_lines_are_kept_but_all_are_counted() -> None:
    history = folded(*(Skipped(line, "no event") for line in range(1, 101)))
    assert history.skipped_count == 100
    assert [event.line for event in history.skipped] == list(range(91, 101))


def test_a_failure_is_remembered() -> None:
    failure = Failed("crash", "RuntimeError: boom", "/tmp/x.log")
    assert folded(hello(RunConfig()), failure).failed is failure


def test_measurements_of_every_layer_are_kept_and_the_newest_of_a_step_stands() -> None:
    def units(layer: int, step: int, dead: int) -> Units:
        return Units("BN", layer, step, 8, 1, dead, ["00"])

    told = [units(0, 10, 1), units(1, 10, 2), units(0, 10, 3), units(0, 20, 4)]
    arm = folded(*beginning(), *told).arms["BN"]
    assert [event.dead for event in arm.measured(Units)] == [2, 3, 4]
    assert arm.latest(Units) == told[3]
    assert arm.latest(Units, layer=1) == told[1]
    assert arm.latest(Units, layer=2) is None
    assert arm.as_of(10).latest(Units, layer=0) == told[2]
