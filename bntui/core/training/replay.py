"""A training step on a GPU, captured once and replayed: one launch in place of a hundred.

No GPU was at hand: what this gains is unmeasured, and no test has run it on one.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP

TrainStep = Callable[[Tensor, Tensor, float], Tensor]

WARM_UP = 3
"""Steps made as usual before one is captured, so that libraries have set themselves up."""


def stepper(model: CharMLP) -> TrainStep:
    """The model's `train_step`, replayed where the model is on a GPU."""
    return Replayed(model) if model.params.is_cuda else model.train_step


class Replayed:
    """`CharMLP.train_step` as a CUDA graph, captured anew when anything that it holds has changed.

    A graph has its numbers (learning rate, eps, ...) and the places of its tensors built in.
    """

    def __init__(self, model: CharMLP) -> None:
        self._model = model
        self._held: object = None
        self._left = WARM_UP
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, contexts: Tensor, targets: Tensor, lr: float) -> Tensor:
        """As `train_step`; the loss is a copy, as the next replay writes over it."""
        held = (contexts.shape, lr, self._model.settings())
        if held != self._held:
            self._held, self._left, self._graph = held, WARM_UP, None
        if self._left:
            self._left -= 1
            return self._model.train_step(contexts, targets, lr)
        graph = self._graph or self._capture(contexts, targets, lr)
        self._contexts.copy_(contexts)
        self._targets.copy_(targets)
        graph.replay()
        return self._loss.clone()

    def _capture(self, contexts: Tensor, targets: Tensor, lr: float) -> torch.cuda.CUDAGraph:
        self._graph = graph = torch.cuda.CUDAGraph()
        self._contexts, self._targets = contexts.clone(), targets.clone()
        with torch.cuda.graph(graph):
            self._loss = self._model.train_step(self._contexts, self._targets, lr)
        return graph
