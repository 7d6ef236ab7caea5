"""A watched run's events, scripted: two layers, one of which goes wrong."""

from bntui.protocol import (
    PROTOCOL,
    AnyEvent,
    Histogram,
    LayerFacts,
    LayerSamples,
    ModelFacts,
    Output,
    Scalars,
    State,
    Statistics,
    ThreeLosses,
    Timing,
    WatchedLayer,
    Watching,
)

LAYERS = [
    WatchedLayer("features.1", "net", "BatchNorm2d", 16),
    WatchedLayer("head.1", "net", "BatchNorm1d", 8),
]


def watching() -> Watching:
    return Watching(
        PROTOCOL,
        "0.1.0",
        "2026-01-01T00:00:00",
        "train.py",
        ["net"],
        LAYERS,
        {"LayerNorm": 2},
        "2.13.0",
        "train.py",
    )


def watched_run(steps: int = 40) -> list[AnyEvent]:
    """`steps` steps; from the middle on the second layer's statistics stand still."""
    events: list[AnyEvent] = [watching(), State("running", 0, None), Output("stdout", "epoch 1\n")]
    for step in range(0, steps, 4):
        at = [step, step + 2]
        far = 0.1 if step < steps // 2 else 0.1 + 0.05 * (step - steps // 2)
        for layer, distance in ((0, 0.1), (1, far)):
            column: list[float | None] = [distance, distance + 0.01]
            events.append(LayerSamples(layer, at, [64, 64], column, column, column, column))
            events.append(
                Statistics(
                    "net", layer, [0, 1], at, [column] * 2, [column] * 2, [column] * 2, [column] * 2
                )
            )
            events.append(
                LayerFacts(layer, step, trained=step, updates=step, usual_n=64, momentum=0.1)
            )
        events.append(Scalars(at, {"loss": [2.0 - step / steps, 1.9 - step / steps]}))
        events.append(ModelFacts("net", step, optimizer_steps=step))
        events.append(Timing(step, step * 0.01, 0.01, 0.012))
    events.append(Histogram(0, 0, "input", -1.0, 1.0, [2] * 50))
    events.append(Histogram(0, 0, "output", -3.0, 3.0, [2] * 50))
    events.append(ThreeLosses("net", steps, 0.4, 0.9, 0.41))
    events.append(State("finished", steps, None))
    return events
