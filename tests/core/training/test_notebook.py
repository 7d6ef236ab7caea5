"""The numbers of the notebook, as its own code prints them with torch 2.13 (CPU)."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from bntui.config.presets import PRESETS
from bntui.config.schema import NOTEBOOK_WORDS
from bntui.core.probes.activations import activations
from bntui.core.probes.modes import mode_losses
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("notebook.json").read_text())


def notebook() -> Trainer:
    return Trainer(PRESETS["notebook"], Dataset(NOTEBOOK_WORDS, 3, "inside"))


@pytest.fixture(scope="module")
def trained() -> tuple[Trainer, dict[str, list[float]]]:
    """The whole run, and both arms' losses."""
    trainer = notebook()
    losses: dict[str, list[float]] = {arm.name: [] for arm in trainer.arms}
    while trainer.steps_done < 5000:
        trainer.advance(min(trainer.ahead, 5000 - trainer.steps_done))
        for arm in trainer.arms:
            losses[arm.name] += arm.losses
    return trainer, losses


def test_the_data_are_the_notebooks() -> None:
    dataset = notebook().dataset
    assert len(dataset) == 90
    assert len(dataset.vocabulary) == 21


@pytest.mark.parametrize(("arm", "key"), [("no BN", "no_bn"), ("BN", "bn")])
def test_losses_to_the_last_step(
    trained: tuple[Trainer, dict[str, list[float]]], arm: str, key: str
) -> None:
    losses = trained[1][arm]
    wanted = {int(step): loss for step, loss in GOLDEN[f"train_loss_{key}"].items()}
    assert max(wanted) == 4999
    assert {step: losses[step] for step in wanted} == pytest.approx(wanted, abs=1e-3)
    assert sum(losses[-500:]) / 500 == pytest.approx(GOLDEN[f"mean_last500_{key}"], abs=1e-4)


def test_modes_of_the_trained_model(trained: tuple[Trainer, dict[str, list[float]]]) -> None:
    trainer, _ = trained
    event = mode_losses(trainer, trainer.arms[1], full=True)
    assert event.sizes == [1, 2, 4, 8, 32, 90]
    found = {
        "train_1": event.train[0],
        "eval_1": event.eval[0],
        "train_full": event.train[-1],
        "eval_full": event.eval[-1],
    }
    assert found == pytest.approx(GOLDEN["modes"], abs=1e-4)


def test_histograms_at_init_and_after_100_steps() -> None:
    """The notebook draws the 20 measured batches from the same random numbers as the steps."""
    trainer = notebook()
    for when in ("init", "after"):
        for arm, key in zip(trainer.arms, ("no_bn", "bn"), strict=True):
            wanted = GOLDEN["histograms"][f"acts_{key}_{when}"]
            event = activations(trainer, arm)[0]
            assert event.n == wanted["n"]
            assert event.saturation == pytest.approx(wanted["saturation"], rel=0.01)
            assert event.counts == pytest.approx(wanted["counts"], rel=0.01)
        trainer.draw(20)
        for _ in range(100 if when == "init" else 0):
            trainer.step()


@torch.inference_mode()
def test_running_and_batch_means_of_the_first_five_dimensions() -> None:
    """The notebook normalizes twice a step, and records after the first."""
    trainer = notebook()
    arm = trainer.arms[1]
    batchnorm = arm.model.batchnorms[0]
    for step in range(500):
        x = trainer.dataset.batch(trainer.peek(1)[0])[0]
        for layer in arm.model.layers[:2]:
            x = layer.compute(x, training=True)
        _, saved = batchnorm.bn.normalize(x, training=True)
        if str(step) in GOLDEN["running_mean_first5"]:
            running = batchnorm.running_mean[:5].tolist()
            assert running == pytest.approx(GOLDEN["running_mean_first5"][str(step)], abs=1e-4)
            batch = saved.mean[:5].tolist()
            assert batch == pytest.approx(GOLDEN["batch_mean_first5"][str(step)], abs=1e-4)
        trainer.step()
