"""Networks as configs ask for them."""

from itertools import pairwise
from typing import get_args

import msgspec
import pytest
import torch

from bntui.config.limits import check
from bntui.config.presets import PRESETS
from bntui.config.schema import NOTEBOOK_WORDS, Init, Norm, RunConfig
from bntui.core.nn.activations import ReLU, Sigmoid, Tanh
from bntui.core.nn.batchnorm import LECTURE, LECTURE_STD, NOTEBOOK, TORCH
from bntui.core.nn.builder import Builder
from bntui.core.nn.ghost import GhostBatchNorm
from bntui.core.nn.groupnorm import GroupNorm, LayerNorm
from bntui.core.nn.layers import Embedding, Layer, Linear
from bntui.core.nn.normalization import BatchNorm, RowNorm
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer

VOCABULARY = 21
SMALL = RunConfig(hidden=12, emb=4, depth=2, groups=3, seed=7)
NORMS: tuple[Norm, ...] = ("none", "bn", "bn-torch", "bn-lecture", "bn-std", "ln", "gn")


def built(norm: Norm = "bn", **settings: object) -> tuple[list[Layer], torch.Tensor]:
    """The layers, and the state of the random numbers after them."""
    config = msgspec.structs.replace(SMALL, **settings)
    generator = torch.Generator().manual_seed(config.seed)
    return Builder(config, VOCABULARY, norm, generator).layers(), generator.get_state()


def linears(layers: list[Layer]) -> list[Linear]:
    return [layer for layer in layers if isinstance(layer, Linear)]


@pytest.mark.parametrize("init", get_args(Init))
@pytest.mark.parametrize("bias", [True, False])
def test_networks_differ_only_in_their_normalization(init: Init, bias: bool) -> None:
    first, state = built("none", init=init, bias=bias)
    for norm in NORMS[1:]:
        other, its_state = built(norm, init=init, bias=bias)
        assert torch.equal(state, its_state)
        for one, two in zip(linears(first), linears(other), strict=True):
            assert torch.equal(one.W, two.W)
            assert two.b is None or (one.b is not None and torch.equal(one.b, two.b))


def test_unit_init_draws_in_the_notebooks_order() -> None:
    layers, _ = built(init="unit")
    generator = torch.Generator().manual_seed(7)
    embedding = layers[0]
    assert isinstance(embedding, Embedding)
    assert torch.equal(embedding.C, torch.randn(VOCABULARY, 4, generator=generator))
    for layer, (fan_in, fan_out) in zip(linears(layers), pairwise([12, 12, 12, 21]), strict=True):
        assert torch.equal(layer.W, torch.randn(fan_in, fan_out, generator=generator))
        assert layer.b is not None
        assert torch.equal(layer.b, torch.randn(fan_out, generator=generator))


def test_fan_in_init_scales_the_hidden_weights_and_makes_the_last_layer_less_confident() -> None:
    layers, _ = built(init="fan-in", gain=2.0, hidden=400, groups=1)
    deviations = [float(layer.W.std()) for layer in linears(layers)]
    assert deviations == pytest.approx([2 / 12**0.5, 2 / 20, 0.1 / 20], rel=0.05)
    assert all(layer.b is not None and not layer.b.any() for layer in linears(layers))


@pytest.mark.parametrize("bias", [True, False])
def test_lecture_init_draws_as_the_lecture_does(bias: bool) -> None:
    layers, state = built("none", init="lecture", gain=5 / 3, output_gain=0.01, depth=1, bias=bias)
    generator = torch.Generator().manual_seed(7)
    torch.randn(VOCABULARY, 4, generator=generator)
    hidden, last = linears(layers)
    assert torch.equal(hidden.W, torch.randn(12, 12, generator=generator) * (5 / 3) / 12**0.5)
    drawn = torch.randn(12, generator=generator) * 0.01 if bias else torch.zeros(12)
    assert hidden.b is not None
    assert torch.equal(hidden.b, drawn)
    assert torch.equal(last.W, torch.randn(12, VOCABULARY, generator=generator) * 0.01)
    torch.randn(VOCABULARY, generator=generator)
    assert last.b is not None
    assert not last.b.any()
    assert torch.equal(state, generator.get_state())


def test_output_gain_scales_the_last_weights_or_the_gamma_of_the_logits() -> None:
    small, large = (built(init="fan-in", output_gain=gain)[0] for gain in (0.1, 0.4))
    assert torch.allclose(linears(large)[-1].W, linears(small)[-1].W * 4)
    assert torch.equal(linears(large)[0].W, linears(small)[0].W)
    layers, _ = built(placement="all", output_gain=0.4)
    assert torch.equal(layers[-1].params[0], torch.full((VOCABULARY,), 0.4))


def test_zero_init_leaves_only_the_embedding() -> None:
    layers, _ = built(init="zero")
    assert not any(param.any() for layer in linears(layers) for param in layer.params)
    assert layers[0].params[0].any()


@pytest.mark.parametrize("norm", NORMS[1:])
def test_with_placement_all_the_logits_are_normalized_with_a_small_gamma(norm: Norm) -> None:
    layers, _ = built(norm, placement="all", init="fan-in")
    assert isinstance(layers[-1], BatchNorm | RowNorm)
    assert torch.equal(layers[-1].params[0], torch.full((VOCABULARY,), 0.1))
    assert float(linears(layers)[-1].W.std()) == pytest.approx(1 / 12**0.5, rel=0.2)
    plain, _ = built("none", placement="all", init="fan-in")
    assert torch.equal(linears(plain)[-1].W, linears(layers)[-1].W * 0.1)


def test_without_bias_only_linears_before_a_normalization_lack_it() -> None:
    def biases(norm: Norm, **settings: object) -> list[bool]:
        return [layer.b is not None for layer in linears(built(norm, bias=False, **settings)[0])]

    assert biases("none") == [True, True, True]
    assert biases("ln") == [False, False, True]
    assert biases("bn", placement="all") == [False, False, False]


def test_a_bias_before_batchnorm_is_dead() -> None:
    trainer = Trainer(SMALL, Dataset(NOTEBOOK_WORDS, 3, "inside"))
    trainer.step()
    plain, normalized = (linears(arm.model.layers)[0].param_grads[1] for arm in trainer.arms)
    assert float(normalized.abs().max()) < 1e-6 < float(plain.abs().max())


def test_each_kind_is_the_layer_of_its_name() -> None:
    corrections = []
    for norm in ("bn", "bn-torch", "bn-lecture", "bn-std"):
        layer = built(norm)[0][2]
        assert isinstance(layer, BatchNorm)
        corrections.append(layer.bn.correction)
    assert corrections == [NOTEBOOK, TORCH, LECTURE, LECTURE_STD]
    ghost, ln, gn = built("bn", ghost=8)[0][2], built("ln")[0][2], built("gn")[0][2]
    assert isinstance(ghost, GhostBatchNorm)
    assert ghost.size == 8
    assert isinstance(ln.norm if isinstance(ln, RowNorm) else None, LayerNorm)
    assert isinstance(gn, RowNorm)
    assert isinstance(gn.norm, GroupNorm)
    assert gn.norm.groups == 3
    kinds = [type(built(activation=name)[0][3]) for name in ("tanh", "sigmoid", "relu")]
    assert kinds == [Tanh, Sigmoid, ReLU]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_trained(name: str) -> None:
    preset = PRESETS[name]
    check(preset)
    trainer = Trainer(preset, Dataset(NOTEBOOK_WORDS, 3, preset.context))
    trainer.advance(2)
    assert [arm.alive for arm in trainer.arms] == [True, True]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("placement", ["hidden", "all"])
def test_every_network_learns(norm: Norm, activation: str, placement: str) -> None:
    config = msgspec.structs.replace(
        SMALL, arms=(norm,), activation=activation, placement=placement, init="fan-in", gain=1.5
    )
    trainer = Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))
    trainer.advance(40)
    (arm,) = trainer.arms
    assert sum(arm.losses[-20:]) / 20 < arm.losses[0] - 0.15
