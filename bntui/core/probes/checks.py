"""What must agree, as numbers: a folded network with the whole one, gradients with autograd's."""

import torch
from torch import Tensor

from bntui.core.nn.folding import folded_logits
from bntui.core.nn.model import CharMLP
from bntui.core.probes.gradients import by_autograd, closed_form
from bntui.core.probes.layers import has_batch
from bntui.core.probes.numbers import affordable, plain
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Checks, Column

EXAMPLES = 1024
"""The first of the training set, whose logits are compared, and the most of a batch."""

NOTHING: Column = [None, None]


@torch.inference_mode()
def checks(trainer: Trainer, arm: Arm) -> Checks:
    """Both checks of a network, each where there is something to compare."""
    model = arm.model
    contexts, _ = trainer.dataset.first(min(EXAMPLES, affordable(model)))
    folds = any(layer.on for layer in model.batchnorms)
    fold = fold_check(model, contexts) if folds else NOTHING
    backward = backward_check(model) if has_batch(model) else NOTHING
    return Checks(arm.name, trainer.steps_done, *fold, *backward)


def fold_check(model: CharMLP, contexts: Tensor) -> Column:
    """The largest difference that folding makes to a logit, and the largest logit."""
    x = contexts
    for layer in model.layers:
        x = layer.compute(x, training=False)
    return _compare([folded_logits(model, contexts)], [x])


def backward_check(model: CharMLP) -> Column:
    """The largest difference of a gradient on the last training batch, and the largest gradient."""
    contexts, targets = model.layers[0].x[:EXAMPLES], model.cross_entropy.targets[:EXAMPLES]
    return _compare(closed_form(model, contexts, targets), by_autograd(model, contexts, targets))


def _compare(ours: list[Tensor], theirs: list[Tensor]) -> Column:
    """Largest absolute difference, and largest absolute value of theirs."""
    apart = [(one - other).abs().max() for one, other in zip(ours, theirs, strict=True)]
    largest = [other.abs().max() for other in theirs]
    return plain(torch.stack([torch.stack(apart).max(), torch.stack(largest).max()]))
