"""Trainers that have made some steps."""

from typing import Any

from torch import Tensor

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer


def trained(steps: int = 30, words: tuple[str, ...] = NOTEBOOK_WORDS, **settings: Any) -> Trainer:
    config = RunConfig(**{"hidden": 20, **settings})
    trainer = Trainer(config, Dataset(words, 3, "inside"))
    for _ in range(steps):
        trainer.step()
    return trainer


def everything(trainer: Trainer) -> list[Tensor]:
    """Every number that decides how the run goes on, or that the last step left."""
    tensors = [trainer.generator.get_state()]
    for arm in trainer.arms:
        for layer in arm.model.layers:
            tensors += [*layer.params, layer.out, layer.grad, *layer.param_grads]
        for norm in arm.model.batchnorms:
            tensors += [*norm.bn.state_dict().values(), *norm.statistics()]
    return [tensor.clone() for tensor in tensors]
