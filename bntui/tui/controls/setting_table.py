"""What the control panel offers: the knobs of a running network, and the fields of a new one."""

from typing import cast, get_args

from bntui.config.limits import range_of
from bntui.config.parsing import ACCEPTED, text_of
from bntui.config.schema import Knob

LIVE: dict[str, str] = {
    "lr": "learning rate",
    "batch_size": "batch size",
    "momentum": "BN momentum",
    "eps": "BN eps",
    "norm": "normalization",
    "pace": "pace, steps/s",
}
"""Turned while a run goes on."""

NEW: dict[str, str] = {
    "arms": "arms",
    "hidden": "hidden units",
    "depth": "hidden layers",
    "activation": "activation",
    "init": "init",
    "gain": "init gain",
    "placement": "normalize",
    "bias": "bias before it",
    "ghost": "ghost batch",
    "groups": "groups of GN",
    "data": "data",
    "context": "context",
    "block_size": "block size",
    "emb": "embedding",
    "seed": "seed",
    "split": "split 80/10/10",
    "split_seed": "split seed",
    "steps": "steps",
    "lr_drop": "lr / 10 from",
}
"""Fields of a config that need a new network."""

LABELS = {**LIVE, **NEW}

WORDS = {
    "norm": "on or off",
    "arms": "none, bn, bn-torch, bn-lecture, ln, gn: one to four, with commas between",
    "placement": "hidden layers, or all, the logits too",
    "bias": "yes or no; before a normalization a bias is dead",
    "init": "unit normal, gain / sqrt(fan_in) normal, or zero",
    "data": "a UTF-8 text file, one word a line",
    "arm": "all arms, or one of them",
    "layer": "all hidden layers, or one of them",
    "begin": "enter shows what will change, then begins again",
}
"""What a row takes, where a range does not say it best."""

AT = {
    ("batch_size", 1.0): "Each unit is its own mean: BN outputs beta whatever goes in. Watch BN's "
    "loss, and Train / eval at n = 1.",
    ("momentum", 0.0): "Running statistics stand still. Watch Running stats, and the loss in "
    "evaluation mode fall behind.",
    ("momentum", 1.0): "Running statistics are the last batch's. Watch Running stats, and the loss "
    "in evaluation mode jump.",
    ("eps", 0.0): "A unit that is equal for the whole batch divides 0 by 0. Watch for divergence, "
    "with a small batch above all.",
    ("lr", 0.0): "No weight moves: what is left of the loss's wiggle is the batches' noise.",
    ("norm", 0.0): "Bypassed: what goes in comes out. Watch Activations and Loss.",
}
"""What to look for at a value that teaches."""


def text(name: str, value: object) -> str:
    """A value as the panel shows it."""
    if name == "norm":
        return "on" if value else "off"
    if name == "data" and value is None:
        return "the 20 names"
    if isinstance(value, float) and name != "norm":
        return f"{value:.6g}"
    return text_of(name, value)


def takes(name: str) -> str:
    """What a row may be, in words."""
    if name in WORDS:
        return WORDS[name]
    accepted = ACCEPTED[name].accepted
    return accepted.removeprefix("a number ").removeprefix("a whole number ")


def read(name: str, typed: str) -> object:
    """A typed value.

    Raises:
        ValueError: It cannot be; the message is a sentence.
    """
    if name == "data" and not typed.strip():
        return None
    try:
        return ACCEPTED[name].parse(typed.strip())
    except ValueError:
        raise ValueError(ACCEPTED[name].refusal(LABELS[name], typed)) from None


def is_typed(name: str) -> bool:
    """Whether the value is typed rather than chosen."""
    return name in {"pace", "data", "arms", "ghost", "lr_drop"} or _is_number(name)


def _is_number(name: str) -> bool:
    try:
        range_of(name)
    except KeyError:
        return False
    return True


def as_knob(name: str) -> Knob:
    """The protocol's name of a live row."""
    if name not in get_args(Knob):
        raise KeyError(name)
    return cast("Knob", name)
