"""The statistics of the whole training set."""

import copy

import pytest
import torch

from bntui.config.schema import NOTEBOOK_WORDS, Norm, RunConfig
from bntui.core.nn import precise
from bntui.core.nn.model import CharMLP
from bntui.core.nn.precise import precise_statistics
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer


def trained(depth: int = 3, norm: Norm = "bn") -> tuple[CharMLP, Dataset]:
    config = RunConfig(hidden=9, emb=3, depth=depth, arms=("none", norm))
    trainer = Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))
    for _ in range(40):
        trainer.step()
    return trainer.arms[1].model, trainer.dataset


@pytest.mark.parametrize(
    ("norm", "depth", "correction"), [("bn", 3, 0), ("bn-torch", 1, 1), ("bn-lecture", 3, 1)]
)
@torch.inference_mode()
def test_they_are_those_of_one_batch_of_everything(norm: Norm, depth: int, correction: int) -> None:
    """With the divisor of the running variance; below it torch's normalizes by another."""
    model, dataset = trained(depth, norm)
    contexts, _ = dataset.first(len(dataset))
    x = contexts
    seen = []
    for layer in model.layers:
        seen.append(x)
        x = layer.compute(x, training=True)
    wanted = [y for y, layer in zip(seen, model.layers, strict=True) if layer in model.batchnorms]
    found = precise_statistics(model, contexts)
    assert len(found) == depth
    for (mean, var), y in zip(found, wanted, strict=True):
        torch.testing.assert_close(mean, y.mean(0), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(var, y.var(0, correction=correction), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_put_into_the_buffers_they_give_the_loss_of_one_batch_of_everything() -> None:
    model, dataset = trained()
    contexts, targets = dataset.first(len(dataset))
    running = model.loss(contexts, targets, training=False)
    for layer, (mean, var) in zip(
        model.batchnorms, precise_statistics(model, contexts), strict=True
    ):
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(var)
    whole = model.loss(contexts, targets, training=True)
    assert model.loss(contexts, targets, training=False).item() == pytest.approx(whole.item(), 1e-5)
    assert running.item() != pytest.approx(whole.item(), 1e-4)


def test_the_model_is_left_as_it_is_and_pieces_make_no_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, dataset = trained()
    contexts, _ = dataset.first(len(dataset))
    before = [copy.deepcopy(layer.bn.state_dict()) for layer in model.batchnorms]
    whole = precise_statistics(model, contexts)
    monkeypatch.setattr(precise, "_ROWS", 7)
    pieces = precise_statistics(model, contexts)
    for one, other in zip(whole, pieces, strict=True):
        torch.testing.assert_close(one, other)
    for state, layer in zip(before, model.batchnorms, strict=True):
        assert all(torch.equal(state[name], now) for name, now in layer.bn.state_dict().items())


def test_too_many_examples_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    model, dataset = trained(depth=1)
    contexts, _ = dataset.first(len(dataset))
    monkeypatch.setattr(precise, "MOST_NUMBERS", 30 * 21)
    thinned = precise_statistics(model, contexts)
    monkeypatch.undo()
    torch.testing.assert_close(thinned, precise_statistics(model, contexts[::3]))


def test_one_example_has_no_variance() -> None:
    model, dataset = trained(depth=1)
    ((_, var),) = precise_statistics(model, dataset.first(1)[0])
    assert torch.equal(var, torch.zeros(9))
