"""Losses by split."""

import msgspec
import pytest
import torch

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.probes import splits
from bntui.core.probes.modes import SAMPLE
from bntui.core.probes.registry import measured
from bntui.core.probes.splits import split_losses
from bntui.core.training.dataset import Dataset, split_words
from bntui.core.training.trainer import Trainer
from bntui.protocol import SplitLosses

CONFIG = RunConfig(hidden=8, emb=3, split=True, context="padded")


def trainer(words: tuple[str, ...] = NOTEBOOK_WORDS * 20, **settings: object) -> Trainer:
    config = msgspec.structs.replace(CONFIG, **settings)
    train, held_out = split_words(words, config.split_seed)
    run = Trainer(config, Dataset(train, config.block_size, config.context, held_out))
    for _ in range(20):
        run.step()
    return run


@torch.inference_mode()
def test_thoroughly_each_split_is_measured_whole_in_evaluation_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(splits, "_ROWS", 100)
    run = trainer()
    arm = run.arms[1]
    sample, event = split_losses(run, arm, full=True)
    assert [sample] == split_losses(run, arm, full=False)
    assert (event.arm, event.step) == ("BN", 20)
    parts = {"train": run.dataset, **run.dataset.held_out}
    assert event.examples == {name: len(part) for name, part in parts.items()}
    assert list(event.losses) == ["train", "validation", "test"]
    for name, part in parts.items():
        loss = arm.model.loss(*part.first(len(part)), training=False).item()
        assert event.losses[name] == pytest.approx(loss, rel=1e-5)


def test_in_passing_a_sample_stands_for_each() -> None:
    run = trainer()
    (event,) = split_losses(run, run.arms[0], full=False)
    assert event.examples["train"] <= SAMPLE < len(run.dataset)
    assert event.losses["train"] is not None


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "MOST_WORK", 0)
    run = trainer()
    assert split_losses(run, run.arms[0], True) == split_losses(run, run.arms[0], False)


def test_a_split_without_examples_has_no_loss() -> None:
    run = trainer(("emma", "ava"))
    (event,) = split_losses(run, run.arms[0], full=True)
    assert event.examples["validation"] == 0
    assert event.losses["validation"] is None


def test_makemores_training_set_fits_the_bound() -> None:
    weights = 27 * 10 + 30 * 100 + 4 * 100 * 100 + 100 * 27 + 2 * (5 * 100 + 27)
    assert splits.MOST_WORK // weights > 182_625


def test_losses_by_split_are_told_where_words_are_split() -> None:
    run = trainer()
    told = [e.arm for e in measured(run, run.arms, full=False) if isinstance(e, SplitLosses)]
    assert told == ["no BN", "BN"]
    run = Trainer(CONFIG, Dataset(NOTEBOOK_WORDS, 3, "padded"))
    assert not any(isinstance(e, SplitLosses) for e in measured(run, run.arms, full=True))
