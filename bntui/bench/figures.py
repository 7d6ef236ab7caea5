"""Every figure there is, in the order of the table."""

from pkgutil import resolve_name

from bntui.bench.figure import Figure, Measure, Measurement, Repeats


def _lazily(place: str) -> Measure:
    """The function at `module:name` of this package, imported only when it is called."""

    def measure(repeats: Repeats) -> Measurement:
        function: Measure = resolve_name(f"bntui.bench.{place}")
        return function(repeats)

    return measure


FIGURES = (
    Figure(
        "engine-notebook",
        "engine, telemetry and log on, over the notebook's loop: steps/s",
        bound="at least",
        goal=2.5,
        unit="x",
        measure=_lazily("engine:over_notebook"),
    ),
    Figure(
        "engine-modules",
        "engine, telemetry and log on, over nn.Module and optim.SGD: steps/s",
        bound="at least",
        goal=2.0,
        unit="x",
        measure=_lazily("engine:over_modules"),
    ),
    Figure(
        "telemetry",
        "engine with telemetry and log over engine without: steps/s",
        bound="at least",
        goal=0.9,
        unit="x",
        measure=_lazily("engine:over_silent"),
    ),
    Figure(
        "layer",
        "BatchNorm1d forward and backward, (32, 200), over nn.BatchNorm1d: time",
        bound="at most",
        goal=1.5,
        unit="x",
        measure=_lazily("layer:over_torch"),
    ),
    Figure(
        "engine-deep",
        "engine, --depth 5 --hidden 100, over the notebook's loop: steps/s",
        bound="at least",
        goal=2.0,
        unit="x",
        measure=_lazily("engine:over_deep_notebook"),
    ),
)
