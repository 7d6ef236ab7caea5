"""`bntui.diagnose`: is a gap between train() and eval() BatchNorm's, and which layers carry it?"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding
from bntui.doctor.rules import limit
from bntui.doctor.rules.models import is_batchnorms, is_gap
from bntui.errors import InputError
from bntui.watch.layers import batchnorms
from bntui.watch.losses import (
    Batch,
    Losses,
    call,
    mean_loss,
    recalibrate,
    same_random,
    three_losses,
    tracked,
    untouched,
)

if TYPE_CHECKING:
    from rich.progress import Progress

MOST_BATCHES = 50
"""Batches of the loader that are used."""

PASSES, LAYER_PASSES = 4, 2
"""How often each is run, and how often more for every layer where there is a gap."""

SOON = 1.0
"""Seconds after which there is a bar of progress."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Three losses of the same data, what each layer contributes, and a verdict in a paragraph.

    `contributions` maps a layer to how much of the loss goes when its statistics alone are
    recalibrated, largest first; it is empty where there is no gap. `export_difference` is relative
    to the model's largest output, None without an export.
    """

    losses: Losses
    contributions: dict[str, float]
    export_difference: float | None
    findings: Sequence[Finding]
    verdict: str

    def __str__(self) -> str:
        """The verdict."""
        return self.verdict


class Bar:
    """A bar of progress on a terminal's stderr, once it has taken `SOON` seconds."""

    def __init__(self) -> None:
        self._begun = perf_counter()
        self._expected = self._done = 0
        self._shown: Progress | None = None

    def __enter__(self) -> Self:
        """Show nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        if self._shown is not None:
            self._shown.stop()

    def expect(self, passes: int) -> None:
        """So many more."""
        self._expected += passes

    def advance(self) -> None:
        """One is done."""
        self._done += 1
        if self._shown is None and perf_counter() - self._begun > SOON and sys.stderr.isatty():
            from rich.progress import Progress  # noqa: PLC0415 (rich takes a moment)

            from bntui.export.printer import Printer  # noqa: PLC0415

            self._shown = Progress(console=Printer(stderr=True), transient=True)
            self._shown.add_task("diagnosing")
            self._shown.start()
        if self._shown is not None:
            task = self._shown.task_ids[0]
            self._shown.update(task, completed=self._done, total=self._expected)


class Batches(list[Batch]):
    """Batches that a bar sees pass by."""

    def __init__(self, batches: Iterable[Batch], bar: Bar) -> None:
        super().__init__(batches)
        self._bar = bar

    def __iter__(self) -> Iterator[Batch]:
        """One after the other."""
        for batch in super().__iter__():
            yield batch
            self._bar.advance()


def diagnose(
    model: nn.Module,
    loader: Iterable[Any],
    loss_fn: Callable[..., Tensor],
    *,
    export: Callable[..., Any] | None = None,
) -> Diagnosis:
    """Compare the loss by the batch's own, the running and recalibrated statistics.

    The model is left as it was, bit for bit: buffers, modes, hooks, gradients, random states.

    Args:
        model: The model, as it would be evaluated.
        loader: Batches (inputs, targets); at most 50 are used. Inputs are a tensor, or a tuple or
            dict of arguments.
        loss_fn: A loss of the model's output and the targets.
        export: What is to compute the same as `model.eval()`, folded or converted from it.

    Returns:
        A `Diagnosis`; print it for its verdict.

    Raises:
        InputError: The loader gives no batches, or something else than (inputs, targets).
    """
    with same_random():  # a DataLoader draws a seed
        given = [_batch(item) for item in islice(loader, MOST_BATCHES)]
    if not given:
        raise InputError("The loader gives no batches, but a diagnosis takes at least one.")
    with Bar() as bar:
        batches = Batches(given, bar)
        bar.expect(len(given) * (PASSES + (export is not None)))
        losses = three_losses(model, batches, loss_fn)
        contributions = {}
        if _gap(losses):
            bar.expect(len(given) * LAYER_PASSES * len(tracked(model)))
            contributions = _contributions(model, batches, loss_fn, losses)
        difference = _difference(model, export, batches) if export is not None else None
    findings = _findings(type(model).__name__, losses, contributions, difference)
    verdict = _verdict(losses, contributions, difference)
    return Diagnosis(losses, contributions, difference, findings, verdict)


def _findings(
    name: str, losses: Losses, contributions: dict[str, float], difference: float | None
) -> list[Finding]:
    """What the rules say of a gap that is BatchNorm's and of an export that differs."""
    found = []
    if _gap(losses) and _is_batchnorms(losses):
        layers = [layer for layer, share in contributions.items() if share > 0]
        found.append(_finding("train-eval-gap", name, layers, _sentence(losses)))
    if difference is not None and difference > limit("export-mismatch"):
        evidence = f"The export's outputs differ by {difference:.2g} of the largest."
        found.append(_finding("export-mismatch", name, [], evidence))
    return found


def _batch(item: Any) -> Batch:
    if not isinstance(item, (list, tuple)) or len(item) < 2:
        kind = type(item).__name__
        raise InputError(f"The loader gives a {kind}, but a diagnosis takes (inputs, targets).")
    *inputs, targets = item
    return Batch(inputs[0] if len(inputs) == 1 else tuple(inputs), targets)


def _gap(losses: Losses) -> bool:
    return losses.batch is not None and is_gap(losses.batch, losses.running)


def _is_batchnorms(losses: Losses) -> bool:
    batch, recalibrated = losses.batch, losses.recalibrated
    if batch is None or recalibrated is None:
        return False
    return is_batchnorms(batch, losses.running, recalibrated)


def _contributions(
    model: nn.Module, batches: Sequence[Batch], loss: Callable[..., Tensor], losses: Losses
) -> dict[str, float]:
    """What of the loss goes when one layer alone is recalibrated."""
    names = {id(module): name for name, module in batchnorms(model)}
    found = {}
    for layer in tracked(model):
        with untouched(model):
            model.eval()
            recalibrate(model, [layer], batches)
            value = mean_loss(model, batches, loss)
        before = float("inf") if losses.running is None else losses.running
        if value is not None:
            found[names[id(layer)]] = before - value
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _difference(model: nn.Module, export: Callable[..., Any], batches: Sequence[Batch]) -> float:
    worst = 0.0
    with untouched(model):
        model.eval()
        for batch in batches:
            expected, got = call(model, batch.inputs), export(batch.inputs)
            if not isinstance(expected, Tensor) or not isinstance(got, Tensor):
                raise InputError("An export is compared where it and the model return one tensor.")
            if expected.shape != got.shape:
                shapes = f"{tuple(got.shape)}, the model {tuple(expected.shape)}"
                raise InputError(f"The export returns shape {shapes}; they must be equal.")
            scale = expected.abs().amax().clamp_min(1e-12)
            apart = (expected.float() - got.detach().float()).abs().amax() / scale
            worst = max(worst, float(apart) if bool(apart.isfinite()) else float("inf"))
    return worst


def _finding(rule: str, model: str, layers: list[str], evidence: str) -> Finding:
    return Finding(rule, RULES[rule].severity, model, layers, evidence)


def _sentence(losses: Losses) -> str:
    by = {"running": losses.running, "the batch's own": losses.batch}
    by["recalibrated"] = losses.recalibrated
    said = [f"{'not finite' if v is None else f'{v:.4g}'} by {k}" for k, v in by.items()]
    return f"On the same data the loss is {said[0]}, {said[1]} and {said[2]} statistics."


def _verdict(losses: Losses, contributions: dict[str, float], difference: float | None) -> str:
    parts = [_sentence(losses)]
    if losses.batch is None:
        parts.append("By the batch's own statistics it is not finite: look at the data first.")
    elif not _gap(losses):
        parts.append("There is no gap between train and eval that BatchNorm could cause.")
    elif _is_batchnorms(losses):
        worst = ", ".join([layer for layer, share in contributions.items() if share > 0][:3])
        parts.append(
            "Recalibration removes the gap: the running statistics are at fault"
            + (f", most of all in {worst}." if worst else ".")
            + " Find out why they went wrong, or run torch.optim.swa_utils.update_bn."
        )
    else:
        parts.append(
            "Recalibration does not remove the gap: it is not the running statistics. The batch's "
            "composition, or something else that differs between train and eval, is to blame."
        )
    if difference is not None:
        same = "agrees with" if difference <= limit("export-mismatch") else "differs from"
        parts.append(f"The export {same} the model (largest relative difference {difference:.2g}).")
    return " ".join(parts)
