"""What is told is decided by the number of the step alone."""

import pytest
import torch

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.probes.registry import measured
from bntui.core.telemetry import archive
from bntui.core.telemetry.archive import Archive
from bntui.core.telemetry.recorder import Recorder
from bntui.core.telemetry.schedule import interval, is_probed
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer
from bntui.protocol import Activations, ModeLosses, Statistics, Steps


def trainer(**settings: int) -> Trainer:
    config = RunConfig(hidden=12, **settings)  # type: ignore[arg-type]  # every one is an int
    return Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))


def advance(run: Trainer, telemetry: Recorder, steps: int) -> None:
    if steps:
        telemetry.record(run.advance(steps, telemetry.sample))


@pytest.mark.parametrize(
    ("step", "every"), [(0, 1), (9_999, 1), (10_000, 10), (99_999, 10), (100_000, 100)]
)
def test_statistics_thin_out_by_decades(step: int, every: int) -> None:
    assert interval(step) == every


def test_probes_are_early_then_at_round_steps() -> None:
    probed = [step for step in range(20_001) if is_probed(step)]
    assert probed[:12] == [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1500]
    assert probed[-3:] == [10_000, 15_000, 20_000]


def test_batches_join_without_gap_or_overlap_however_they_are_cut() -> None:
    run = trainer()
    telemetry = Recorder(run)
    told: list[float | None] = []
    sampled: list[int] = []
    for count in (1, 7, 0, 30):
        advance(run, telemetry, count)
        for event in telemetry.drain(1.0):
            if isinstance(event, Steps):
                assert event.first == len(told)
                told += event.loss["BN"]
            elif isinstance(event, Statistics):
                sampled += event.steps
    assert len(told) == 38
    assert sampled == list(range(38))
    assert telemetry.drain(1.0) == []


def test_statistics_are_the_watched_units_own() -> None:
    run = trainer()
    telemetry = Recorder(run)
    telemetry.trace(0, [3, 11, 99])
    advance(run, telemetry, 2)
    event = telemetry.drain(0.0)[-1]
    assert isinstance(event, Statistics)
    assert event.units == [3, 11]
    layer = run.arms[1].model.batchnorms[0]
    newest = [
        [column[-1] for column in kind]
        for kind in (event.batch_mean, event.running_mean, event.batch_var, event.running_var)
    ]
    wanted = layer.statistics()[:, [3, 11]].tolist()
    for one, other in zip(newest, wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_units_chosen_late_are_recalled_from_the_first_step_on() -> None:
    run = trainer(depth=2)
    telemetry, twin = Recorder(run), Recorder(run)
    twin.trace(1, [7])
    for _ in range(40):
        made = run.advance(1, telemetry.sample)
        twin.sample(run.arms[1], run.steps_done - 1)
        telemetry.record(made)
        twin.record(made)
    telemetry.drain(0.0)
    assert telemetry.trace(1, [7])
    (recalled,) = telemetry.recall()
    assert recalled == twin.drain(0.0)[-1]
    assert not telemetry.trace(1, [7])


def test_units_are_recalled_at_more_steps_than_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from step 10,000 on, where one in ten is logged."""
    monkeypatch.setattr("bntui.core.telemetry.recorder.interval", lambda _: 10)
    monkeypatch.setattr(archive, "MOST_SAMPLES", 4)
    run = trainer()
    telemetry = Recorder(run)
    advance(run, telemetry, 15)
    (logged,) = [event for event in telemetry.drain(0.0) if isinstance(event, Statistics)]
    assert logged.steps == [0, 10]
    (recalled,) = telemetry.recall()
    assert isinstance(recalled, Statistics)
    assert recalled.steps == [0, 4, 8, 12]


def test_the_step_that_ended_a_network_leaves_no_statistics() -> None:
    """Also where a device samples it, since its loss is read only later."""
    run = trainer()
    telemetry = Recorder(run)
    advance(run, telemetry, 3)
    bn = run.arms[1]
    bn.model.params.fill_(torch.nan)
    made = run.advance(1, telemetry.sample)
    telemetry.sample(bn, 3)
    telemetry.record(made)
    (event,) = [event for event in telemetry.drain(0.0) if isinstance(event, Statistics)]
    assert event.steps == [0, 1, 2]


def test_the_archive_thins_out_and_covers_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_SAMPLES", 8)
    run = trainer()
    kept = Archive(run.arms[1].model.batchnorms)
    rows = {}
    for step in range(50):
        run.step()
        rows[step] = run.arms[1].model.batchnorms[0].statistics()
        kept.record(step, [rows[step]])
    assert kept.steps == [0, 8, 16, 24, 32, 40, 48]
    assert all(
        torch.equal(row, rows[step]) for step, row in zip(kept.steps, kept.rows(0), strict=True)
    )


def test_a_wide_deep_network_is_archived_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 4 * 4 * 12 * 5)
    run = trainer()
    kept = Archive(run.arms[1].model.batchnorms)
    for step in range(100):
        run.step()
        kept.record(step, [run.arms[1].model.batchnorms[0].statistics()])
    assert len(kept.steps) <= 5


def test_every_hidden_layer_and_arm_is_probed() -> None:
    run = trainer(depth=3)
    events = measured(run, run.arms, full=False)
    layers = [(e.arm, e.layer) for e in events if isinstance(e, Activations)]
    assert layers == [(arm, layer) for arm in ("no BN", "BN") for layer in range(3)]
    assert [e.arm for e in events if isinstance(e, ModeLosses)] == ["no BN", "BN"]
