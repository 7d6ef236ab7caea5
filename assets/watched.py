"""Writes the README's sample log: a small network whose validation forgets `model.eval()`.

Run it as `.venv/bin/python assets/watched.py assets/watched.jsonl`; it takes some seconds.
"""

import sys
from collections import OrderedDict
from itertools import pairwise
from math import pi
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import bntui

SIZE, CLASSES = 32, 4
STEPS, EVERY = 600, 30
"""Training steps, and after how many there is a validation."""


def stripes(examples: int, brightness: float) -> tuple[Tensor, Tensor]:
    """Images of stripes in one of four directions, under noise."""
    y = torch.randint(CLASSES, (examples,))
    angle = y * pi / CLASSES
    along = torch.arange(SIZE) / SIZE * 8 * pi
    places = angle.cos()[:, None, None] * along[:, None] + angle.sin()[:, None, None] * along
    waves = (places + 2 * pi * torch.rand(examples, 1, 1)).sin()
    return waves[:, None] + 2 * torch.randn(examples, 3, SIZE, SIZE) + brightness, y


def network() -> nn.Sequential:
    """Three convolutions."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for place, (before, after) in enumerate(pairwise([3, 24, 48, 64]), 1):
        layers[f"conv{place}"] = nn.Conv2d(before, after, 3, 2, 1, bias=False)
        layers[f"bn{place}"] = nn.BatchNorm2d(after)
        layers[f"relu{place}"] = nn.ReLU()
    layers |= {
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "head": nn.Linear(64, CLASSES),
    }
    return nn.Sequential(layers)


def main(path: Path) -> None:
    """Train, watched."""
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    x, y = stripes(2048, 0.0)
    others, labels = stripes(256, 2.0)  # validation data are brighter
    probe = x[:32], y[:32], cross_entropy
    with bntui.watch(model, name="train.py", log=path, probe=probe) as watch:
        for step in range(1, STEPS + 1):
            rows = torch.randint(len(x), (64,))
            optimizer.zero_grad()
            loss = cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            watch.log(loss=loss)
            if step % EVERY == 0:
                with torch.no_grad():  # and no model.eval()
                    losses = [
                        cross_entropy(model(part), of)
                        for part, of in zip(others.split(64), labels.split(64), strict=True)
                    ]
                watch.log(validation=torch.stack(losses).mean())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
