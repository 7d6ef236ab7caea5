"""Which units are saturated for which examples: the black and white picture of makemore part 3."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bntui.core.nn.model import CharMLP
from bntui.core.probes.layers import has_batch
from bntui.core.training.trainer import Arm, Trainer
from bntui.protocol import Units

EXAMPLES, UNITS = 64, 1024
"""The most that an event holds."""
CONTEXT = 5
"""Characters of context in an example's text."""

_DIGITS = "0123456789abcdef"


@torch.inference_mode()
def units(trainer: Trainer, arm: Arm, layer: int) -> Units | None:
    """Of a hidden layer, on the last training batch; None without one, or without numbers in it."""
    every = arm.model.activations
    if not has_batch(arm.model) or layer >= len(every) or every[layer].out.isnan().any():
        return None
    flat = every[layer].flat(every[layer].out)
    batch, count = flat.shape
    return Units(
        arm=arm.name,
        layer=layer,
        step=trainer.steps_done,
        examples=min(batch, EXAMPLES),
        units=count,
        dead=int(flat.all(0).sum()),
        flat=_hexadecimal(flat[:EXAMPLES, :UNITS].T),
        texts=_texts(arm.model, trainer.dataset.vocabulary),
    )


def _texts(model: CharMLP, vocabulary: Sequence[str]) -> list[str]:
    """The end of each example's context and the character that follows it."""
    contexts, targets = model.layers[0].x[:EXAMPLES], model.cross_entropy.targets[:EXAMPLES]
    tokens = torch.cat([contexts[:, -CONTEXT:], targets[:, None]], 1).tolist()
    return ["".join(vocabulary[token] for token in row) for row in tokens]


def _hexadecimal(bits: Tensor) -> list[str]:
    """Each row of (K, n) as one number, its first bit the highest."""
    rows, n = bits.shape
    places = torch.zeros(rows, -n % 4 + n, dtype=torch.long)
    places[:, -n:] = bits
    digits = places.view(rows, -1, 4) @ torch.tensor([8, 4, 2, 1])
    return ["".join(_DIGITS[digit] for digit in row) for row in digits.tolist()]
