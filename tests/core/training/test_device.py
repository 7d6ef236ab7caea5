"""Devices: refused where there is none, and never waited for step by step."""

import msgspec
import pytest
import torch
from torch import Tensor

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.telemetry.recorder import Recorder
from bntui.core.training import device as hardware
from bntui.core.training.dataset import Dataset
from bntui.core.training.device import configure_device, threads
from bntui.core.training.trainer import Arm, Trainer
from bntui.errors import InputError

ELSEWHERE = msgspec.structs.replace(RunConfig(hidden=8), device="meta")
"""torch's device that has shapes and no numbers: asking it for one is an error."""


def trainer(config: RunConfig) -> Trainer:
    return Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"--device is cuda, but .* it takes cpu\."):
        configure_device(RunConfig(device="cuda"))


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (RunConfig(), 1),
        (RunConfig(depth=5, hidden=100), 1),
        (RunConfig(depth=2, hidden=1000, batch_size=512), 4),
        (RunConfig(depth=3, hidden=200, batch_size=256), 4),
    ],
)
def test_only_large_work_is_shared_out(
    monkeypatch: pytest.MonkeyPatch, config: RunConfig, count: int
) -> None:
    monkeypatch.setattr(hardware, "THREADS", 4)
    assert threads(config) == count


@pytest.mark.parametrize("arms", [("none", "bn"), ("bn-torch", "bn-lecture", "ln", "gn")])
def test_another_device_is_asked_for_losses_once_in_many_steps(
    monkeypatch: pytest.MonkeyPatch, arms: tuple[str, ...]
) -> None:
    run = trainer(msgspec.structs.replace(ELSEWHERE, arms=arms, groups=2))
    asked: list[torch.Size] = []

    def note(arm: Arm, losses: Tensor, first: int) -> None:
        asked.append(losses.shape)
        arm.losses = [1.0] * len(losses)

    monkeypatch.setattr(Arm, "_note", note)
    assert run.advance(5, Recorder(run).sample) == 5
    assert asked == [torch.Size([5])] * len(arms)
    normalization = run.arms[-1].model.normalizations[0]
    held = [run.arms[-1].model.params, *normalization.params]
    assert {tensor.device.type for tensor in held} == {"meta"}
