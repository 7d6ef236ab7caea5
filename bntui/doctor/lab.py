"""The lab's own runs as watched runs, so that the same rules apply to them.

The lab logs its settings and every change of them, from which follows what each BatchNorm layer
did; facts that it does not log stay at their defaults, and their rules silent.
"""

from collections.abc import Iterator

from bntui.config.schema import has_running_statistics
from bntui.history.arm import ArmHistory
from bntui.history.history import History
from bntui.history.watched import WatchedRun, watched
from bntui.protocol import (
    Event,
    Ladder,
    LayerFacts,
    ModelFacts,
    Recalibrated,
    ThreeLosses,
    WatchedLayer,
    Watching,
)

MOMENTS = 32
"""Moments of a run at which facts are given."""


def lab_run(history: History) -> WatchedRun | None:
    """The networks with BatchNorm of a run of the lab; None if no run has begun."""
    if history.hello is None:
        return None
    arms = {n: arm for n, arm in history.arms.items() if has_running_statistics(arm.norm)}
    config, hello = history.config, history.hello
    count = config.depth + (config.placement == "all")
    names = [*(f"hidden {place + 1}" for place in range(config.depth)), "logits"][:count]
    layers = [
        WatchedLayer(
            name,
            model,
            "BatchNorm1d",
            config.hidden if place < config.depth else 0,
            eps=arm.standing.value("eps"),
            momentum=arm.standing.value("momentum"),
        )
        for model, arm in arms.items()
        for place, name in enumerate(names)
    ]
    events: list[Event] = [
        Watching(hello.protocol, hello.version, hello.started, config.preset, list(arms), layers)
    ]
    for index, (model, arm) in enumerate(arms.items()):
        for place in range(index * count, (index + 1) * count):
            events += _facts(history, model, arm, place)
        events += [
            ThreeLosses(model, one.step, _last(one.batch), one.running, one.precise)
            for one in arm.measured(Ladder)
        ]
        events.append(ModelFacts(model, len(arm.loss), optimizer_steps=len(arm.loss)))
    return watched(events)


def _last(column: list[float | None]) -> float | None:
    return column[-1] if column else None


def _facts(history: History, model: str, arm: ArmHistory, layer: int) -> Iterator[LayerFacts]:
    """What a BatchNorm layer of a network did until each moment."""
    steps = len(arm.loss)
    marks = [mark for mark in history.marks if mark.arm in {None, model} and 0 < mark.step <= steps]
    regular = {steps * part // MOMENTS for part in range(1, MOMENTS + 1)} - {0}
    weight, done, momentum, before = 1.0, 0, arm.standing.as_of(0).value("momentum"), None
    replaced = weight
    for step in sorted({*regular, *(mark.step for mark in marks)}):
        standing = arm.standing.as_of(done)
        if momentum != standing.value("momentum"):
            before, momentum = momentum, standing.value("momentum")
        weight *= (1 - momentum) ** (step - done)
        for mark in marks:
            if isinstance(mark, Recalibrated) and mark.step == step:
                replaced, weight = (replaced, replaced) if mark.undone else (weight, 0.0)
        batch = int(standing.value("batch_size"))
        n = min(batch, history.config.ghost or batch)
        yield LayerFacts(
            layer,
            step,
            momentum=momentum,
            momentum_before=before,
            trained=step,
            updates=step,
            usual_n=n,
            usual_examples=n,
            smallest_n=n,
            initial_weight=weight,
            dead_bias="The bias of the Linear before it" if history.config.bias else "",
        )
        done = step
