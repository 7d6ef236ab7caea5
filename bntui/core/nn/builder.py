"""The layers of a character MLP as a config asks for them, with their first numbers.

Initializations: `unit` is the notebook's, W and b unit normal, drawn in its order C, W1, b1, W2,
b2, ...; `fan-in` is that of makemore part 3 (and of K. He et al. (2015), arXiv:1502.01852), W
normal with the deviation gain / sqrt(fan_in), b zero and not drawn; `lecture` is that of the same
lecture's first network: hidden W as with `fan-in` and b normal with the deviation 0.01, drawn only
with `bias`, the last W normal with the deviation output_gain and the last b drawn, but zero; `zero`
has all W and b zero. The embedding is drawn in each. Networks that differ only in their
normalization draw the same numbers: a bias that is drawn but not wanted is thrown away.
"""

import torch
from torch import Generator, Tensor

from bntui.config.schema import Norm, RunConfig
from bntui.core.nn.activations import ACTIVATIONS
from bntui.core.nn.batchnorm import (
    LECTURE,
    LECTURE_STD,
    NOTEBOOK,
    TORCH,
    BatchNorm1d,
    Correction,
)
from bntui.core.nn.ghost import GhostBatchNorm
from bntui.core.nn.groupnorm import GroupNorm, LayerNorm
from bntui.core.nn.layers import Embedding, Layer, Linear
from bntui.core.nn.normalization import BatchNorm, Normalization, RowNorm

CORRECTIONS: dict[Norm, Correction] = {
    "bn": NOTEBOOK,
    "bn-torch": TORCH,
    "bn-lecture": LECTURE,
    "bn-std": LECTURE_STD,
}

BIAS_STD = 0.01
"""Deviation of the hidden biases with init `lecture` (makemore part 3)."""


class Builder:
    """Draws and joins the layers of one network.

    Args:
        config: What is built.
        vocabulary: How many symbols, and so logits, there are.
        norm: How it normalizes.
        generator: Where the random numbers come from.
    """

    def __init__(
        self, config: RunConfig, vocabulary: int, norm: Norm, generator: Generator
    ) -> None:
        self._config, self._vocabulary = config, vocabulary
        self._norm, self._generator = norm, generator

    def layers(self) -> list[Layer]:
        """Embedding; `depth` times Linear, normalization, activation; Linear to the logits.

        With placement `all` the logits are normalized too, and output_gain scales their gamma
        rather than the last W.
        """
        config = self._config
        layers: list[Layer] = [Embedding(self._normal(self._vocabulary, config.emb))]
        fan_in = config.block_size * config.emb
        for _ in range(config.depth):
            normalizations = self._normalizations(config.hidden, config.groups)
            layers.append(self._linear(fan_in, config.hidden, config.gain, normalizations))
            layers += [*normalizations, ACTIVATIONS[config.activation]()]
            fan_in = config.hidden
        return [*layers, *self._logits(fan_in)]

    def _logits(self, fan_in: int) -> list[Layer]:
        """GroupNorm takes the logits as one group: their number need not have divisors."""
        everywhere = self._config.placement == "all"
        normalizations = self._normalizations(self._vocabulary, 1) if everywhere else []
        gain = 1.0 if normalizations else self._config.output_gain
        for layer in normalizations:
            layer.params[0].mul_(self._config.output_gain)
        last = self._linear(fan_in, self._vocabulary, gain, normalizations, last=True)
        return [last, *normalizations]

    def _normalizations(self, dim: int, groups: int) -> list[Normalization]:
        """One, or none."""
        eps, momentum, size = self._config.eps, self._config.momentum, self._config.ghost
        device = self._config.device
        match self._norm:
            case "none":
                return []
            case "ln":
                return [RowNorm(LayerNorm(dim, eps, device=device))]
            case "gn":
                return [RowNorm(GroupNorm(dim, groups, eps, device=device))]
        correction = CORRECTIONS[self._norm]
        bn = BatchNorm1d(dim, eps, momentum, correction=correction, device=device)
        return [GhostBatchNorm(bn, size) if size else BatchNorm(bn)]

    def _linear(
        self,
        fan_in: int,
        fan_out: int,
        gain: float,
        before: list[Normalization],
        last: bool = False,
    ) -> Linear:
        W, b = self._first_numbers(fan_in, fan_out, gain, last)  # noqa: N806 (the field's name)
        return Linear(W, b if self._config.bias or not before else None)

    def _first_numbers(
        self, fan_in: int, fan_out: int, gain: float, last: bool
    ) -> tuple[Tensor, Tensor]:
        match self._config.init:
            case "unit":
                return self._normal(fan_in, fan_out), self._normal(fan_out)
            case "fan-in":
                W = self._normal(fan_in, fan_out) / fan_in**0.5 * gain  # noqa: N806
                return W, self._zeros(fan_out)
            case "lecture":
                W = self._normal(fan_in, fan_out) * gain  # noqa: N806
                if last:
                    return W, self._normal(fan_out).zero_()
                drawn = self._config.bias
                b = self._normal(fan_out) * BIAS_STD if drawn else self._zeros(fan_out)
                return W / fan_in**0.5, b
            case "zero":
                return self._zeros(fan_in, fan_out), self._zeros(fan_out)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._generator).to(self._config.device)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, device=self._config.device)
