"""Recall and false alarms over small runs of other architectures than the thresholds were made on.

`python -m pytest tests/watch/test_recall.py` counts both: every failure is found by its rule, and a
healthy run has no finding above info.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, mse_loss, normalize, one_hot, pad, relu
from torch.nn.utils.prune import l1_unstructured
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.checkpoint import checkpoint

import bntui

Data = tuple[Tensor, Tensor]
Run = Callable[[], Iterator[nn.Module]]
"""Yields the models to watch, then trains."""

STEPS, BATCH = 40, 32
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def sequences(rows: int = 256) -> Data:
    """(rows, 6, 12) of three classes of sines."""
    y = torch.randint(3, (rows,))
    wave = torch.tensor([1.0, 2.0, 4.0])[y][:, None, None] * torch.arange(12) / 12
    x = torch.sin(6.28 * (wave + torch.rand(rows, 6, 1))) + 0.5 * torch.randn(rows, 6, 12)
    return x + torch.linspace(-1, 2, 6)[:, None], y


def images(rows: int = 256, axes: int = 2) -> Data:
    """(rows, 2, 6, 6), or (rows, 2, 4, 4, 4), of three classes of patterns."""
    y = torch.randint(3, (rows,))
    shape = (2, 6, 6) if axes == 2 else (2, 4, 4, 4)
    pattern = torch.randn(3, *shape, generator=torch.Generator().manual_seed(5))
    return pattern[y] + torch.randn(rows, *shape) + 0.5, y


def convolutional(axes: int = 2, **settings: float) -> nn.Sequential:
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    pool = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[axes - 1]
    layers: list[nn.Module] = []
    for before, after in ((6 if axes == 1 else 2, 8), (8, 12)):
        norm = NORMS[axes - 1](after, **settings)  # type: ignore[arg-type]
        layers += [conv(before, after, 3, padding=1, bias=False), norm, nn.SiLU()]
    return nn.Sequential(*layers, pool(1), nn.Flatten(), nn.Linear(12, 3))


class Transformer(nn.Module):
    """Attention over (N, 6, L) with BatchNorm in the place of LayerNorm."""

    def __init__(self, **settings: float) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 16, bias=False)
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm = nn.BatchNorm1d(16, **settings)  # type: ignore[arg-type]
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x.transpose(1, 2))
        h = h + self.attend(h, h, h, need_weights=False)[0]
        return self.head(self.norm(h.transpose(1, 2)).mean(2))  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """A GRU's last state, Dropout, BatchNorm."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.rnn = nn.GRU(6, 16, batch_first=True)
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x.transpose(1, 2))[0][:, -1])  # type: ignore[no-any-return]


class Around(nn.Module):
    """A model called in a way of its own."""

    def __init__(self, inner: nn.Module, call: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.call = inner, call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.inner, x)


def train(
    model: nn.Module,
    data: Data,
    steps: int = STEPS,
    batch: int = BATCH,
    *,
    each: Callable[[], object] | None = None,
    ordered: bool = False,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
) -> None:
    """AdamW; `each` is called after every tenth step."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, 3e-3, fused=True)
    x, y = data
    for step in range(steps):
        at = step * batch % (len(x) - batch + 1)
        rows = torch.arange(at, at + batch) if ordered else torch.randint(len(x), (batch,))
        optimizer.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        if each and step % 10 == 9:
            each()


def squares(outputs: Tensor, y: Tensor) -> Tensor:
    """A loss whose gradient does not tell the class."""
    return mse_loss(outputs, one_hot(y, outputs.shape[1]).float())


@torch.no_grad()
def evaluate(model: nn.Module, data: Data) -> None:
    was = model.training
    model.eval()
    model(data[0])
    model.train(was)


def prune(model: nn.Module) -> None:
    """Most of each weight away, past the version counters."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv3d):
            size = module.weight.data.abs()
            module.weight.data.mul_(size > size.quantile(0.85))


def lagging() -> Iterator[nn.Module]:
    model, data = convolutional(1, momentum=0.003), sequences()
    yield model
    train(model, data, 70, each=lambda: evaluate(model, data))


def inverted() -> Iterator[nn.Module]:
    model = convolutional(3, momentum=0.9)
    yield model
    train(model, images(axes=3), 20, 16)


def still() -> Iterator[nn.Module]:
    model = Transformer(momentum=0.0)
    yield model
    train(model, sequences(), 20)


def tiny() -> Iterator[nn.Module]:
    model = Recurrent()
    yield model
    train(model, sequences(), 30, 4)


def stuck() -> Iterator[nn.Module]:
    model, data = convolutional(), images()
    yield model
    train(model, data, 20)
    model.eval()
    train(model, data, 20)


def drifting() -> Iterator[nn.Module]:
    model, (x, y) = convolutional(), images()
    train(model, (x, y), 20)
    for weight in model.parameters():
        weight.requires_grad_(False)
    model[-1] = nn.Linear(12, 3)
    yield model
    train(model, (2 * x - 1, y), 30)


def frozen_later() -> Iterator[nn.Module]:
    """Trained, frozen and trained on in one script."""
    model, (x, y) = convolutional(), images()
    yield model
    train(model, (x, y), 20)
    model.requires_grad_(False)
    model[-1] = nn.Linear(12, 3)
    train(model, (2 * x - 1, y), 20)


def left_out() -> Iterator[nn.Module]:
    """Only the head is in the optimizer that comes after."""
    model, (x, y) = convolutional(), images()
    yield model
    train(model, (x, y), 20)
    optimizer = torch.optim.SGD(model[-1].parameters(), 0.1)
    for rows in torch.randint(len(x), (20, BATCH)):
        optimizer.zero_grad()
        cross_entropy(model(2 * x[rows] - 1), y[rows]).backward()
        optimizer.step()


def averaged_parameters() -> Iterator[nn.Module]:
    model, data = Recurrent(), sequences()
    teacher = deepcopy(model)
    yield model
    yield teacher

    @torch.no_grad()
    def follow() -> None:
        for ours, theirs in zip(teacher.parameters(), model.parameters(), strict=True):
            ours.lerp_(theirs, 0.5)

    train(model, data, each=follow)
    evaluate(teacher, data)


def pruned() -> Iterator[nn.Module]:
    model, data = convolutional(1), sequences()
    yield model
    train(model, data)
    prune(model)
    evaluate(model, data)


def masked() -> Iterator[nn.Module]:
    """Pruned by torch.nn.utils.prune, which leaves the parameters as they are."""
    model, data = convolutional(1), sequences()
    yield model
    train(model, data)
    for layer in (model[0], model[3]):
        l1_unstructured(layer, "weight", 0.85)
    evaluate(model, data)


def in_order() -> Iterator[nn.Module]:
    x, y = sequences()
    order = y.argsort()
    model = convolutional(1)
    yield model
    train(model, ((x + 1.5 * y[:, None, None])[order], y[order]), ordered=True, loss=squares)


def bags(words: int, own: int) -> tuple[nn.Module, Data]:
    """Sorted by class; of each class's `words`, `own` are not those of the class before."""
    y = torch.randint(3, (256,)).sort().values
    x = torch.randint(0, words, (256, 10)) + own * y[:, None]
    head = [nn.BatchNorm1d(16), nn.Linear(16, 3)]
    return nn.Sequential(nn.EmbeddingBag(50, 16), *head), (x, y)


def words_in_order() -> Iterator[nn.Module]:
    model, data = bags(16, 16)
    yield model
    train(model, data, ordered=True, loss=squares)


def classes_in_order() -> Iterator[nn.Module]:
    """The classes share most words, whose numbers scatter 1.2 times as much as chance."""
    model, data = bags(30, 8)
    yield model
    train(model, data, ordered=True)


def padded_words() -> Iterator[nn.Module]:
    """Shuffled, and each batch padded to a length of its own."""
    x, y = torch.randint(1, 50, (256, 10)), torch.randint(3, (256,))
    bag = nn.EmbeddingBag(50, 16, padding_idx=0)
    model = nn.Sequential(bag, nn.BatchNorm1d(16), nn.Linear(16, 3))
    yield model
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step, rows in enumerate(torch.randint(len(x), (30, BATCH))):
        optimizer.zero_grad()
        cross_entropy(model(pad(x[rows], (0, 10 * (step % 4)))), y[rows]).backward()
        optimizer.step()


def levels() -> Iterator[nn.Module]:
    """One network over two scales of an image, in one pass."""
    inner, data = convolutional(), images()
    model = Around(inner, lambda m, x: m(x) + m(5 * avg_pool2d(x, 2) + 4))
    yield model
    train(model, data, each=lambda: evaluate(model, data))


def dropped_without_module() -> Iterator[nn.Module]:
    """By functional dropout as it is on a GPU."""
    model, data = Around(Recurrent(), _dropping), sequences()
    yield model
    train(model, data, each=lambda: evaluate(model, data))


def _dropping(model: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(model, Recurrent)
    last = model.rnn(x.transpose(1, 2))[0][:, -1]
    dropped, _ = torch.native_dropout(last, 0.6, model.training)
    return model.head(dropped)  # type: ignore[no-any-return]


def dropped() -> Iterator[nn.Module]:
    model, data = Recurrent(0.6), sequences()
    yield model
    train(model, data, each=lambda: evaluate(model, data))


def recomputed() -> Iterator[nn.Module]:
    model = Around(Transformer(), lambda m, x: checkpoint(m, x, use_reentrant=False))
    yield model
    train(model, sequences(), 20)


def overflowed() -> Iterator[nn.Module]:
    model, (x, y) = convolutional(3), images(64, 3)
    yield model
    train(model, (x, y), 10, 16)
    model(x.index_fill(0, torch.tensor(3), float("inf")))


def over_time() -> Iterator[nn.Module]:
    """(N, L, C) with L = C into BatchNorm1d."""
    x, y = sequences()
    x = x[:, :, :6].transpose(1, 2) * torch.logspace(-1.5, 1.5, 6)
    model = nn.Sequential(nn.BatchNorm1d(6), nn.Flatten(), nn.Linear(36, 3))
    yield model
    train(model, (x, y), 30)


def healthy(make: Callable[[], nn.Module], data: Callable[[], Data], **options: int) -> Run:
    """Training with an evaluation after every tenth step."""

    def run() -> Iterator[nn.Module]:
        model, seen = make(), data()
        yield model
        train(model, seen, each=lambda: evaluate(model, seen), **options)  # type: ignore[arg-type]

    return run


def averaged_weights() -> Iterator[nn.Module]:
    """Averaging done right: SWA with update_bn, EMA with buffers."""
    model, (x, y) = convolutional(), images()
    swa = AveragedModel(model)
    ema = AveragedModel(model, use_buffers=True, multi_avg_fn=get_ema_multi_avg_fn(0.3))
    yield from (model, swa, ema)
    average = [swa.update_parameters, ema.update_parameters]
    train(model, (x, y), each=lambda: [update(model) for update in average])
    update_bn([(rows,) for rows in x.split(BATCH)], swa)
    for each in (swa, ema):
        evaluate(each, (x, y))


def frozen_backbone() -> Iterator[nn.Module]:
    model, (x, y) = convolutional(), images()
    train(model, (x, y), 20)
    model[:-1].requires_grad_(False)
    yield model
    for _ in range(4):
        model.train()
        model[:-1].eval()
        train(model, (1.4 * x - 0.5, y), 10)
        evaluate(model, (1.4 * x - 0.5, y))


def normalized_inputs() -> Iterator[nn.Module]:
    """A layer without parameters learns the inputs' mean and variance, and no optimizer moves it;
    a backbone of random weights that never learn has statistics all the same.
    """
    x, y = images()
    model = nn.Sequential(nn.BatchNorm2d(2, affine=False), convolutional())
    backbone = convolutional()
    backbone.requires_grad_(False)
    backbone[-1] = nn.Linear(12, 3)
    yield from (model, backbone)
    train(model, (3 * x + 5, y), 20)
    train(backbone, (3 * x + 5, y), 20)


def pruned_and_recalibrated() -> Iterator[nn.Module]:
    model, (x, y) = convolutional(3), images(axes=3)
    yield model
    train(model, (x, y), 30, 16)
    prune(model)
    update_bn([(rows,) for rows in x.split(BATCH)], model)
    evaluate(model, (x, y))


def accumulated() -> Iterator[nn.Module]:
    """Micro-batches of 16 images of 6 x 6: 576 values a channel."""
    model, (x, y) = convolutional(), images()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    yield model
    for _ in range(20):
        optimizer.zero_grad()
        for rows in torch.randint(len(x), (4, 16)):
            (cross_entropy(model(x[rows]), y[rows]) / 4).backward()
        optimizer.step()


def two_views() -> Iterator[nn.Module]:
    """A contrastive loss over two noisy copies of each image."""
    model, (x, _) = convolutional(), images()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, fused=True)
    yield model
    for _ in range(40):
        rows = x[torch.randint(len(x), (BATCH,))]
        one, two = (normalize(model(rows + 0.3 * torch.randn_like(rows))) for _ in range(2))
        optimizer.zero_grad()
        cross_entropy(5 * one @ two.T, torch.arange(BATCH)).backward()
        optimizer.step()


def adversarial() -> Iterator[nn.Module]:
    """A usual GAN: real and fake batches in passes of their own, far apart as they are at first,
    and samples in train mode to look at.
    """
    generator = nn.Sequential(
        nn.Linear(4, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8)
    )
    critic = nn.Sequential(
        nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.LeakyReLU(0.2), nn.Linear(16, 1)
    )
    ours, theirs = (torch.optim.Adam(m.parameters(), 5e-4) for m in (critic, generator))
    yield from (critic, generator)
    for step in range(STEPS):
        fake = generator(torch.randn(BATCH, 4))
        ours.zero_grad()
        real = relu(1 - critic(torch.randn(BATCH, 8) + torch.arange(8))).mean()
        (real + relu(1 + critic(fake.detach())).mean()).backward()
        ours.step()
        theirs.zero_grad()
        (-critic(fake).mean()).backward()
        theirs.step()
        if step % 20 == 19:
            with torch.no_grad():
                generator(torch.randn(BATCH, 4))


def critic_steps() -> Iterator[nn.Module]:
    """Several steps of a critic for each of the generator, whose gradients are switched off
    meanwhile.
    """
    generator = nn.Sequential(
        nn.Linear(4, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8)
    )
    critic = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    ours, theirs = (torch.optim.Adam(m.parameters(), 5e-4) for m in (critic, generator))
    yield from (critic, generator)
    for _ in range(25):
        generator.requires_grad_(False)
        for _ in range(4):
            ours.zero_grad()
            fake = generator(torch.randn(BATCH, 4))
            (critic(fake).mean() - critic(torch.randn(BATCH, 8)).mean()).backward()
            ours.step()
        generator.requires_grad_(True)
        theirs.zero_grad()
        (-critic(generator(torch.randn(BATCH, 4))).mean()).backward()
        theirs.step()


FAILURES: list[tuple[str, Run]] = [
    ("ema-lag", lagging),
    ("momentum-inverted", inverted),
    ("momentum-zero", still),
    ("tiny-batch", tiny),
    ("stuck-in-eval", stuck),
    ("frozen-but-drifting", drifting),
    ("frozen-but-drifting", frozen_later),
    ("frozen-but-drifting", left_out),
    ("never-updated", averaged_parameters),
    ("stale-stats", pruned),
    ("stale-stats", masked),
    ("non-iid-batches", in_order),
    ("non-iid-batches", words_in_order),
    ("non-iid-batches", classes_in_order),
    ("shared-across-domains", levels),
    ("dropout-before-bn", dropped),
    ("dropout-before-bn", dropped_without_module),
    ("double-update", recomputed),
    ("nonfinite-buffers", overflowed),
    ("wrong-axis", over_time),
]

HEALTHY: dict[str, Run] = {
    "1d": healthy(lambda: convolutional(1), sequences),
    "2d, small batch": healthy(convolutional, images, batch=4),
    "3d": healthy(lambda: convolutional(3), lambda: images(axes=3), steps=20),
    "transformer": healthy(Transformer, sequences),
    "recurrent": healthy(Recurrent, sequences),
    "SWA and EMA": averaged_weights,
    "frozen backbone": frozen_backbone,
    "words of any length": padded_words,
    "normalized inputs": normalized_inputs,
    "pruned": pruned_and_recalibrated,
    "accumulation": accumulated,
    "two views": two_views,
    "GAN": adversarial,
    "critic steps": critic_steps,
}


def findings(run: Run) -> dict[str, str]:
    """Severities by rule."""
    torch.manual_seed(1)
    running = run()
    with bntui.watch(next(running), log=None, every=1) as watch:
        for model in running:
            watch.add(model)
        assert watch.problem is None
        return {finding.rule: finding.severity for finding in watch.findings()}


@pytest.mark.parametrize(("rule", "run"), FAILURES)
def test_a_failure_is_found(rule: str, run: Run) -> None:
    assert rule in findings(run)


@pytest.mark.parametrize("run", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_run_has_no_finding_above_info(run: Run) -> None:
    assert set(findings(run).values()) <= {"info"}
