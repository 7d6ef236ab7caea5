"""How large a step's gradients are beside the weights that they move."""

import torch
from torch import Tensor

from bntui.core.probes.weights import Matrix


def grad_ratios(matrices: list[Matrix]) -> Tensor:
    """std(grad) / std(weight) of every weight matrix (K,), after a step (makemore part 3).

    The update:data ratio is lr times that, for plain SGD.
    """
    grads = [_std(grad) for _, _, grad in matrices]
    data = [_std(param) for _, param, _ in matrices]
    return torch.stack(grads) / torch.stack(data)


def _std(values: Tensor) -> Tensor:
    """The divisor cancels out; n lets a matrix of one value be."""
    return values.std(correction=0)
