"""A watched run as a long table: one measured number per row."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import structs

from bntui.protocol import (
    AnyEvent,
    LayerFacts,
    LayerSamples,
    Scalars,
    Statistics,
    ThreeLosses,
    Timing,
    Watching,
)

LOSSES = ("batch", "running", "recalibrated")
SAMPLED = ("n", "mean_distance", "mean_distance_worst", "var_ratio", "var_ratio_worst")
TRACED = ("batch_mean", "running_mean", "batch_var", "running_var")


class WatchedRow(NamedTuple):
    """One measured number; `layer` is empty for the run, `value` None where it was not finite."""

    step: int
    layer: str
    metric: str
    value: float | None


def watched_rows(events: Iterable[AnyEvent]) -> Iterator[WatchedRow]:
    """Every number of a watched run, in the order of the log.

    Metrics of the run: what was logged, by its name; `step_seconds`, `overhead`, `memory`;
    `loss_batch`, `loss_running` and `loss_recalibrated` with the model's name. Metrics of a layer,
    which is named after its model: the fields of `LayerSamples`, of `LayerFacts` that are numbers,
    and of `Statistics` with the channel, as in `batch_mean channel=3`. Histograms are left out.
    """
    names: list[str] = []
    for event in events:
        if isinstance(event, Watching):
            names = [f"{layer.model}.{layer.name}" for layer in event.layers]
        elif isinstance(event, LayerSamples | Statistics | LayerFacts):
            if event.layer < len(names):
                yield from _of_layer(event, names[event.layer])
        else:
            yield from _of_run(event)


def _of_layer(event: LayerSamples | Statistics | LayerFacts, layer: str) -> Iterator[WatchedRow]:
    match event:
        case LayerSamples():
            for name in SAMPLED:
                for step, value in zip(event.steps, getattr(event, name), strict=False):
                    yield WatchedRow(step, layer, name, value)
        case Statistics():
            for name in TRACED:
                for unit, column in zip(event.units, getattr(event, name), strict=False):
                    for step, value in zip(event.steps, column, strict=False):
                        yield WatchedRow(step, layer, f"{name} channel={unit}", value)
        case LayerFacts():
            for name, value in structs.asdict(event).items():
                if name not in {"layer", "step"} and isinstance(value, int | float):
                    yield WatchedRow(event.step, layer, name, float(value))


def _of_run(event: AnyEvent) -> Iterator[WatchedRow]:
    match event:
        case Scalars():
            for name, column in event.values.items():
                for step, value in zip(event.steps, column, strict=False):
                    yield WatchedRow(step, "", name, value)
        case Timing():
            for name in ("step_seconds", "overhead", "memory"):
                value = getattr(event, name)
                if value is not None:
                    yield WatchedRow(event.step, "", name, value)
        case ThreeLosses():
            for name in LOSSES:
                yield WatchedRow(
                    event.step, "", f"loss_{name} model={event.model}", getattr(event, name)
                )
