"""From a real training loop to the finding: what watching extracts is what the rules read."""

import gc
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import bntui
from bntui.history.watched import watched
from bntui.logs.reader import read_log
from bntui.watch.handle import Watch

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


def test_a_model_that_is_gone_is_judged_by_what_was_seen() -> None:
    def script(break_it: Loop) -> set[str]:
        model = net()
        with bntui.watch(model, log=None) as watch:
            train(model, 40, between=validate)
            break_it(model)
            del model
            gc.collect()
            return {finding.rule for finding in watch.findings()}

    def overflow(model: nn.Module) -> None:
        model(torch.full((8, 6), float("inf")))

    assert script(lambda _: None) == set()
    assert script(overflow) == {"nonfinite-buffers"}


def test_an_evaluation_before_the_first_step_is_no_finding() -> None:
    """Trainers validate once before they train, to see that it works."""

    def loop(model: nn.Module) -> None:
        validate(model)
        train(model)

    assert rules(net(), loop) == set()


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


def test_an_average_is_worth_a_word_until_it_is_recalibrated() -> None:
    """Its loss may be good by the last network's statistics; torch wants update_bn all the same."""
    model = net()
    average = torch.optim.swa_utils.AveragedModel(model)
    with bntui.watch(average, log=None) as watch:
        train(model, 40, between=average.update_parameters)
        validate(average)
        (finding,) = watch.findings()
        assert (finding.rule, finding.severity) == ("stale-stats", "info")
        assert "average 2 networks" in finding.evidence
        torch.optim.swa_utils.update_bn([(data()[0],)], average)
        validate(average)
        assert watch.findings() == []


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


@pytest.mark.parametrize("graded", [True, False])
def test_separate_calls_are_not_one_pass_of_the_model(graded: bool) -> None:
    """Nor where the model is found in its first call, or a call is made without a graph."""
    model = net()
    watches: list[Watch] = []

    def find(_: nn.Module, __: object) -> None:
        if not watches:
            watches.append(bntui.watch(model, log=None, every=1))

    model.register_forward_pre_hook(find)
    x, y = data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(20):
        with torch.set_grad_enabled(graded):
            one = model(x[:32])
        loss = cross_entropy(model(4 * x[32:64] + 9), y[32:64])
        optimizer.zero_grad()
        (loss + cross_entropy(one, y[:32])).backward()
        optimizer.step()
    with watches[0] as watch:
        found = {finding.rule: finding.severity for finding in watch.findings()}
        assert not watch.layers[0].facts.domains_within
    assert found.get("shared-across-domains") == ("info" if graded else None)


def test_zeros_written_past_the_version_counters_are_seen() -> None:
    """The fingerprint of the last step is of one long before."""

    def loop(model: nn.Module) -> None:
        train(model)
        for module in model:  # type: ignore[attr-defined]
            if isinstance(module, nn.Linear):
                module.weight.data.mul_(module.weight.data.abs() > 0.25)
        validate(model)

    model = net()
    with bntui.watch(model, log=None) as watch:
        weights = watch.observers[0].weights
        stepped = weights.stepped

        def seldom(now: float) -> None:
            stepped(now)
            weights._next = float("inf")

        weights.stepped = seldom  # type: ignore[method-assign]
        loop(model)
        assert "stale-stats" in {finding.rule for finding in watch.findings()}


def test_without_a_torch_optimizer_backward_passes_are_the_steps() -> None:
    """As under an optimizer of another library, which writes to `.data` past every counter."""

    def by_hand(steps: int) -> tuple[Watch, set[str]]:
        model = net()
        x, y = data()
        with bntui.watch(model, log=None) as watch:
            for step in range(steps):
                chosen = torch.arange(32 * step, 32 * step + 32) % len(x)
                model.zero_grad()
                cross_entropy(model(x[chosen]), y[chosen]).backward()
                for parameter in model.parameters():
                    assert parameter.grad is not None
                    parameter.data.add_(parameter.grad, alpha=-0.05)
            validate(model)
            return watch, {finding.rule for finding in watch.findings()}

    for steps, seen, said in ((20, 0, "little is known without"), (200, 135, "counts as one")):
        watch, found = by_hand(steps)
        assert watch._run.watching
        assert (watch._run.steps, found) == (seen, set())
        assert said in watch._run.watching.unavailable[0]
        assert watch.problem is None


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


def test_statistics_match_those_of_the_batches(tmp_path: Path) -> None:
    model = net()
    log = tmp_path / "x.jsonl"
    with bntui.watch(model, log=log, every=1) as watch:
        seen: list[Tensor] = []
        model[1].register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
        train(model, 20)
        assert not watch.layers[0].trace  # the training's process has no use for channels
    trace = watched(read_log(log)).layers[0].trace
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
    loader = DataLoader(TensorDataset(x, y), 64, shuffle=True)
    random = torch.get_rng_state()
    result = bntui.diagnose(model, loader, cross_entropy)
    assert torch.equal(torch.get_rng_state(), random)
    assert [finding.rule for finding in result.findings] == ["train-eval-gap"]
    assert next(iter(result.contributions)) == "4"
    assert min(result.contributions.values()) <= 0
    assert "Recalibration removes the gap" in str(result)
    assert "most of all in 4." in str(result)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.training


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [Terminal, StringIO])
def test_a_long_diagnosis_has_a_bar_on_a_terminal(
    kind: type[StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, (x, y) = net(), data()
    model.get_buffer("4.running_mean").add_(5)
    monkeypatch.setattr("bntui.watch.diagnosis.SOON", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    terminal = kind()
    monkeypatch.setattr("sys.stderr", terminal)
    bntui.diagnose(model, [(x, y)] * 3, cross_entropy, export=model)
    drawn = terminal.getvalue()
    assert ("diagnosing" in drawn) is (kind is Terminal)
    assert ("100%" in drawn) is (kind is Terminal)


def test_diagnose_is_silent_without_a_gap_and_compares_an_export() -> None:
    model = net()
    train(model)
    x, y = data()
    batches = [(x, y)]
    same = bntui.diagnose(model, batches, cross_entropy, export=model)
    assert list(same.findings) == []
    other = bntui.diagnose(model, batches, cross_entropy, export=lambda v: model(v) * 1.1)
    assert [finding.rule for finding in other.findings] == ["export-mismatch"]


@pytest.mark.parametrize("every", [1, 10])
def test_a_critic_that_sees_real_and_fake_in_turn_has_no_batches_that_differ(every: int) -> None:
    """Its step ends between the passes, so the first pass of all is another than those after."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    critic = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
    optimizers = [torch.optim.Adam(m.parameters(), 1e-3) for m in (generator, critic)]
    loss = nn.functional.binary_cross_entropy_with_logits
    with bntui.watch(generator, critic, log=None, every=every) as watch:
        for _ in range(14):
            fake = generator(torch.randn(32, 8))
            real, ones = torch.randn(32, 4) + 2, torch.ones(32, 1)
            (loss(critic(real), ones) + loss(critic(fake.detach()), 0 * ones)).backward()
            optimizers[1].step()
            loss(critic(fake), ones).backward()
            optimizers[0].step()
            critic.zero_grad()
            generator.zero_grad()
        assert [f for f in watch.findings() if f.severity != "info"] == []
