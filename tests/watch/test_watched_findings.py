"""From a real training loop to the finding: what watching extracts is what the rules read."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import bntui

Loop = Callable[[nn.Module], None]


def data(rows: int = 256, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (rows,), generator=generator)
    x = torch.randn(rows, 6, generator=generator) + y[:, None] - 1 + torch.arange(6)
    return x, y


def net(**settings: object) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for width in (6, 24):
        norm = nn.BatchNorm1d(24, **settings)  # type: ignore[arg-type]
        layers += [nn.Linear(width, 24, bias=False), norm, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(24, 3))


def train(model: nn.Module, steps: int = 120, rows: int = 32, between: Loop | None = None) -> None:
    x, y = data()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
    order = torch.Generator().manual_seed(1)
    for step in range(steps):
        chosen = torch.randperm(len(x), generator=order)[:rows]
        optimizer.zero_grad()
        cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
        if between and step % 20 == 19:
            between(model)


def rules(model: nn.Module, loop: Loop = train) -> set[str]:
    with bntui.watch(model, log=None) as watch:
        loop(model)
        found = watch.findings()
        assert watch.problem is None
    return {finding.rule for finding in found}


def validate(model: nn.Module) -> None:
    model.eval()
    with torch.no_grad():
        model(data(seed=2)[0])
    model.train()


def test_a_healthy_model_has_no_finding() -> None:
    assert rules(net(), lambda m: train(m, between=validate)) == set()


def test_validation_in_train_mode() -> None:
    def careless(model: nn.Module) -> None:
        with torch.no_grad():
            for part in data(seed=2)[0].split(64):
                model(part)

    assert "update-without-step" in rules(net(), lambda m: train(m, between=careless))


def test_validation_in_train_mode_with_a_graph() -> None:
    def careless(model: nn.Module) -> None:
        for part in data(seed=2)[0].split(64):
            model(part)

    assert "update-without-step" in rules(net(), lambda m: train(m, between=careless))


def test_a_recalibration_is_no_finding() -> None:
    def recalibrate(model: nn.Module) -> None:
        batches = [(part,) for part in data()[0].split(64)]
        torch.optim.swa_utils.update_bn(batches, model)

    assert rules(net(), lambda m: train(m, between=recalibrate)) == set()


@pytest.mark.parametrize(
    ("settings", "rule"),
    [({"momentum": 0.0}, "momentum-zero"), ({"momentum": 0.9}, "momentum-inverted"),
     ({"momentum": 0.002}, "ema-lag")],
)  # fmt: skip
def test_momentum(settings: dict[str, float], rule: str) -> None:
    assert rule in rules(net(**settings))


def test_stuck_in_eval_and_resolved_by_train() -> None:
    def loop(model: nn.Module) -> None:
        train(model, 30)
        model.eval()
        train(model, 30)

    model = net()
    with bntui.watch(model, log=None) as watch:
        loop(model)
        assert "stuck-in-eval" in {finding.rule for finding in watch.findings()}
        model.train()
        train(model, 30)
        assert "stuck-in-eval" not in {finding.rule for finding in watch.findings()}


def test_blocks_in_a_list_are_found_by_their_place() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [net()[:3]]
            self.head = nn.Linear(24, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.blocks[0](x))  # type: ignore[no-any-return]

    model = Hidden()
    with bntui.watch(model, log=None) as watch:
        train(model)
        (finding,) = watch.findings()
    assert finding.rule == "unregistered-bn"
    assert "blocks[0].1" in finding.evidence
    assert not any(m._forward_pre_hooks for m in model.blocks[0].modules())


def test_statistics_match_those_of_the_batches() -> None:
    model = net()
    with bntui.watch(model, log=None, every=1) as watch:
        seen: list[Tensor] = []
        model[1].register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
        train(model, 20)
        watch.findings()
        trace = watch._run.layers[0].trace
    for unit in range(5):
        means = torch.tensor(list(trace["batch_mean", unit].values))
        variances = torch.tensor(list(trace["batch_var", unit].values))
        sd = torch.stack([x[:, unit].std() for x in seen])
        wanted = torch.stack([x[:, unit].mean() for x in seen])
        assert ((means - wanted).abs() / sd).max() < 1e-5
        assert (variances / torch.stack([x[:, unit].var() for x in seen]) - 1).abs().max() < 1e-4


def test_diagnose_names_the_layer_that_carries_the_gap() -> None:
    model = net()
    train(model)
    model.get_buffer("4.running_mean").add_(5)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x, y = data()
    result = bntui.diagnose(model, list(zip(x.split(64), y.split(64), strict=True)), cross_entropy)
    assert [finding.rule for finding in result.findings] == ["train-eval-gap"]
    assert next(iter(result.contributions)) == "4"
    assert "Recalibration removes the gap" in str(result)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.training


def test_diagnose_is_silent_without_a_gap_and_compares_an_export() -> None:
    model = net()
    train(model)
    x, y = data()
    batches = [(x, y)]
    same = bntui.diagnose(model, batches, cross_entropy, export=model)
    assert list(same.findings) == []
    other = bntui.diagnose(model, batches, cross_entropy, export=lambda v: model(v) * 1.1)
    assert [finding.rule for finding in other.findings] == ["export-mismatch"]
