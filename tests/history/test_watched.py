"""A watched run's events folded."""

import pytest
from msgspec.structs import replace

from bntui.history.history import folded
from bntui.history.kept import KEPT
from bntui.history.watched import (
    CHANNELS,
    KEPT_IN_ALL,
    MODELS,
    NAMES,
    LayerHistory,
    WatchedRun,
    as_of,
    watched,
)
from bntui.protocol import (
    Histogram,
    LayerFacts,
    LayerSamples,
    ModelFacts,
    Scalars,
    Statistics,
    ThreeLosses,
    WatchedLayer,
)
from tests.watched_events import watched_run, watching


def test_samples_traces_and_facts_arrive_at_their_layer() -> None:
    run = watched(watched_run(40))
    good, bad = run.layers
    assert list(good.samples["mean_distance"].steps) == list(range(0, 40, 2))
    assert bad.samples["mean_distance"].values[-1] > good.samples["mean_distance"].values[-1]
    assert bad.trace["running_mean", 1].steps[-1] == 38
    assert bad.facts.trained == 36
    assert run.steps == 40
    assert run.scalars["loss"].values[0] == 2.0
    assert run.state
    assert run.state.state == "finished"
    assert run.skipped == 0


def test_what_does_not_fit_is_counted() -> None:
    run = watched([watching()])
    run.fold(LayerSamples(7, [1], [1], [0.0], [0.0], [0.0], [0.0]))
    run.fold(LayerSamples(0, [1, 2], [1], [0.0], [0.0], [0.0], [0.0]))
    run.fold(Statistics("net", 0, [0], [1], [], [], [], []))
    run.fold(LayerFacts(3, 0))
    assert run.skipped == 4


def test_facts_over_time_stay_bounded_and_keep_both_ends() -> None:
    run = WatchedRun()
    run.fold(watching())
    for step in range(3 * KEPT):
        run.fold(LayerFacts(0, step))
    kept = [facts.step for facts in run.layers[0].facts_at]
    assert len(kept) <= KEPT
    assert kept[0] == 0
    assert kept[-1] == 3 * KEPT - 1
    assert kept == sorted(kept)


def test_what_keeps_coming_stays_bounded() -> None:
    """A small packed log can hold very many events, each with names of its own."""
    run = watched([watching()])
    for step in range(3 * KEPT):
        run.fold(ThreeLosses("net", step, 1.0, 1.0, 1.0))
        run.fold(Histogram(0, step, "input", 0.0, 1.0, [0] * 50))
        run.fold(ModelFacts(f"net {step}", step))
        run.fold(ThreeLosses(f"net {step}", step, 1.0, 1.0, 1.0))
        run.fold(Scalars([1], {f"loss {step}": [1.0]}))
    for kept in (run.probes["net"], run.layers[0].histograms["input"]):
        assert len(kept) <= KEPT
        assert (kept[0].step, kept[-1].step) == (0, 3 * KEPT - 1)
    assert len(run.models) == len(run.probes) == MODELS
    assert len(run.scalars) == NAMES
    assert run.skipped == 3 * (3 * KEPT - 1000) + 1


def test_so_many_channels_of_a_layer_are_traced() -> None:
    run = watched([watching()])

    def told(units: list[int]) -> Statistics:
        columns: list[list[float | None]] = [[1.0] for _ in units]
        return Statistics("net", 0, units, [1], columns, columns, columns, columns)

    for first in (0, CHANNELS, 2 * CHANNELS):
        units = list(range(first, first + CHANNELS))
        run.fold(told(units))
    assert {unit for _, unit in run.layers[0].trace} == set(units)
    run.fold(told([*units, 0]))
    assert run.skipped == 1


def test_many_layers_share_the_memory_for_facts_and_series_their_steps() -> None:
    run = WatchedRun()
    layer = watching().layers[0]
    run.fold(replace(watching(), layers=[layer] * 1000))
    for step in range(200):
        run.fold(LayerFacts(7, step))
    facts = [facts.step for facts in run.layers[7].facts_at]
    assert len(facts) <= KEPT_IN_ALL // 1000
    assert facts[-1] == 199
    busy = watched(watched_run(40)).layers[0]
    assert len({id(series.steps) for series in busy.samples.values()}) == 1
    assert len({id(series.steps) for series in busy.trace.values()}) == len(busy.units)


def test_as_of_an_earlier_step_nothing_later_is_known() -> None:
    run = watched(watched_run(40))
    then = as_of(run, 20)
    assert then.steps == 20
    assert then.layers[1].samples["mean_distance"].steps[-1] == 20
    assert then.layers[1].trace["running_mean", 0].steps[-1] == 20
    assert then.layers[1].facts.step == 20
    assert then.scalars["loss"].steps[-1] == 20
    assert then.probes["net"] == []
    assert then.models["net"].step == max(f.step for f in run.models_at["net"] if f.step <= 20)
    assert then.layers[1].units == run.layers[1].units != []
    at = run.models_at["net"][0].step
    assert as_of(run, at).models["net"] == run.models_at["net"][0]
    assert (
        as_of(run, 40).layers[1].samples["mean_distance"].last
        == run.layers[1].samples["mean_distance"].last
    )


def test_the_labs_history_counts_them_as_skipped() -> None:
    events = watched_run(8)
    assert folded(events).skipped_count > 0


def test_the_distance_now_is_of_the_later_half_of_a_short_run() -> None:
    """A run that is measured whenever it has doubled has ten samples from its very start on."""
    layer = LayerHistory(WatchedLayer("bn", "net", "BatchNorm1d", 8), 0)
    steps = [0, 1, 3, 7, 15, 31, 63, 100]
    far: list[float | None] = [8.0, 8.0, 8.0, 8.0, 4.0, 2.0, 0.3, 0.1]
    flat: list[float | None] = [0.0] * len(steps)
    layer.extend(LayerSamples(0, steps, [64] * len(steps), far, far, flat, flat))
    assert layer.distance == pytest.approx(0.2)
