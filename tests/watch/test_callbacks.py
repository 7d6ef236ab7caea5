"""The trainers' callbacks, with the real libraries where they are installed."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bntui.history.watched import WatchedRun, watched
from bntui.logs.reader import read_log

pytestmark = pytest.mark.filterwarnings("ignore")
"""The libraries' own."""

STEPS, EVERY = 8, 4
"""Training steps, and how often there is a validation."""


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1))


def examples() -> list[tuple[Tensor, Tensor]]:
    x = torch.randn(EVERY * 8, 4, generator=torch.Generator().manual_seed(1))
    return list(zip(x, x.sum(1, keepdim=True), strict=True))


def logged(path: Path) -> WatchedRun:
    run = watched(read_log(path))
    assert run.skipped == 0
    assert run.state
    assert run.state.state == "finished"
    assert run.steps == STEPS
    assert [layer.layer.kind for layer in run.layers] == ["BatchNorm1d"]
    assert run.layers[0].facts.updates == STEPS
    return run


def lightning_fit(package: str, *callbacks: Any) -> dict[str, Tensor]:
    """Weights after a fit of two epochs with a validation each."""
    library = import_module(package)
    loader = import_module("torch.utils.data").DataLoader

    class Module(library.LightningModule):  # type: ignore[name-defined,misc]  # chosen at run time
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def training_step(self, batch: Any, index: int) -> Any:
            return nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", nn.functional.mse_loss(self.net(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.05)

    module = Module()
    trainer = library.Trainer(
        max_epochs=STEPS // EVERY,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    trainer.fit(module, loader(examples(), 8), loader(examples(), 8))
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_lightning(package: str, tmp_path: Path) -> None:
    pytest.importorskip(package, reason=f"{package} is not installed (extra trainers)")
    from bntui.lightning import Watch

    watch = Watch(log=tmp_path / "run.jsonl")
    weights = lightning_fit(package, watch)
    run = logged(tmp_path / "run.jsonl")
    assert list(run.scalars["loss"].steps) == list(range(1, STEPS + 1))
    assert list(run.scalars["val_loss"].steps) == [EVERY, STEPS]
    assert set(run.scalars) == {"loss", "val_loss"}
    assert watch.watch
    assert watch.watch.closed
    without = lightning_fit(package)
    assert all(torch.equal(weights[name], without[name]) for name in without)


def test_lightning_closes_the_watch_when_the_training_fails(tmp_path: Path) -> None:
    library = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    from bntui.lightning import Watch

    class Fault(library.Callback):  # type: ignore[name-defined,misc]  # chosen at run time
        def on_train_batch_end(self, *_: object) -> None:
            raise RuntimeError("a fault of the user's")

    watch = Watch(log=tmp_path / "run.jsonl")
    with pytest.raises(RuntimeError, match="a fault of the user's"):
        lightning_fit("lightning.pytorch", watch, Fault())
    failed = watched(read_log(tmp_path / "run.jsonl")).failed
    assert failed
    assert failed.message == "Module ended with RuntimeError."


def test_transformers(tmp_path: Path) -> None:
    library = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from bntui.transformers import Watch

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            y = self.net(x)
            return {"loss": nn.functional.mse_loss(y, labels), "logits": y}

    data = [{"x": x, "labels": y} for x, y in examples()]
    watch = Watch(log=tmp_path / "run.jsonl")
    options = library.TrainingArguments(
        str(tmp_path),
        max_steps=STEPS,
        per_device_train_batch_size=8,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=EVERY,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = library.Trainer(
        Model(), options, train_dataset=data, eval_dataset=data, callbacks=[watch]
    )
    trainer.train()
    run = logged(tmp_path / "run.jsonl")
    assert list(run.scalars["loss"].steps) == list(range(1, STEPS + 1))
    assert list(run.scalars["eval_loss"].steps) == [EVERY, STEPS]
    assert not any("runtime" in name or name == "epoch" for name in run.scalars)
    assert watch.watch
    assert watch.watch.closed
