"""A run as a long table: one measured number per row."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bntui.protocol import (
    Activations,
    AnyEvent,
    Checks,
    Column,
    Ladder,
    Layers,
    ModeLosses,
    SplitLosses,
    Statistics,
    Steps,
    Updates,
    Weights,
)


class Row(NamedTuple):
    """One measured number; `value` is None where it was not finite."""

    step: int
    arm: str
    metric: str
    value: float | None


def rows(events: Iterable[AnyEvent]) -> Iterator[Row]:
    """Every number of a run, in the order of the log.

    Metrics, with what they were measured on, as in `saturation layer=1`:

    - each step: `loss` of the training batch;
    - by n: `train_loss` and `eval_loss`, in both modes on the first n examples;
    - by split: `split_loss`, in evaluation mode;
    - by hidden layer: `saturation` over many batches; on one batch `activation_mean`,
      `activation_std`, `flat` (a share), `dead` (units), `grad_mean`, `grad_std`;
    - by layer and unit: `batch_mean`, `running_mean`, `batch_var`, `running_var`;
    - by weight: `update_ratio`, `grad_ratio` (log10), `weight_mean`, `weight_std`;
    - inference: `ladder_running`, `ladder_precise`; by n `ladder_batch`, `ladder_by_class`;
    - checks: `fold`, `fold_scale`, `backward`, `backward_scale`.

    Layers count from 1, units and steps from 0. Histograms and bitmaps are left out.
    """
    for event in events:
        yield from _rows(event)


def _rows(event: AnyEvent) -> Iterator[Row]:
    match event:
        case Steps():
            yield from _steps(event)
        case Statistics():
            yield from _statistics(event)
        case Updates():
            yield from _updates(event)
        case Activations(arm, layer, step, _, _, saturation):
            yield Row(step, arm, f"saturation layer={layer + 1}", saturation)
        case ModeLosses() | SplitLosses() | Layers() | Weights() | Ladder() | Checks():
            for metric, value in _numbers(event):
                yield Row(event.step, event.arm, metric, value)


def _steps(event: Steps) -> Iterator[Row]:
    for arm, column in event.loss.items():
        yield from (Row(event.first + i, arm, "loss", x) for i, x in enumerate(column))


def _statistics(event: Statistics) -> Iterator[Row]:
    for name in ("batch_mean", "running_mean", "batch_var", "running_var"):
        columns: list[Column] = getattr(event, name)
        for unit, column in zip(event.units, columns, strict=False):
            metric = f"{name} layer={event.layer + 1} unit={unit}"
            for step, value in zip(event.steps, column, strict=False):
                yield Row(step, event.arm, metric, value)


def _updates(event: Updates) -> Iterator[Row]:
    for name in ("update_ratio", "grad_ratio"):
        columns: list[Column] = getattr(event, name)
        for weight, column in zip(event.names, columns, strict=False):
            for step, value in zip(event.steps, column, strict=False):
                yield Row(step, event.arm, f"{name} weight={weight}", value)


def _numbers(
    event: ModeLosses | SplitLosses | Layers | Weights | Ladder | Checks,
) -> Iterator[tuple[str, float | None]]:
    """The metrics of one measurement, and their values."""
    match event:
        case ModeLosses(_, _, sizes, train, evaluation):
            yield from _by_size("train_loss", sizes, train)
            yield from _by_size("eval_loss", sizes, evaluation)
        case SplitLosses():
            yield from ((f"split_loss split={name}", x) for name, x in event.losses.items())
        case Layers():
            yield from _layers(event)
        case Weights():
            for weight in event.weights:
                yield f"weight_mean weight={weight.name}", weight.mean
                yield f"weight_std weight={weight.name}", weight.std
        case Ladder():
            yield "ladder_running", event.running
            yield "ladder_precise", event.precise
            yield from _by_size("ladder_batch", event.sizes, event.batch)
            yield from _by_size("ladder_by_class", event.sizes, event.by_class)
            yield from _by_size("ladder_spread", event.sizes, event.spread)
        case Checks():
            for name in ("fold", "fold_scale", "backward", "backward_scale"):
                yield name, getattr(event, name)


def _by_size(name: str, sizes: list[int], column: Column) -> Iterator[tuple[str, float | None]]:
    return ((f"{name} n={n}", x) for n, x in zip(sizes, column, strict=False))


def _layers(event: Layers) -> Iterator[tuple[str, float | None]]:
    for place, layer in enumerate(event.layers, start=1):
        for metric, value in {
            "activation_mean": layer.mean,
            "activation_std": layer.std,
            "flat": layer.flat,
            "dead": float(layer.dead),
            "grad_mean": layer.grad_mean,
            "grad_std": layer.grad_std,
        }.items():
            yield f"{metric} layer={place}", value
