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
        goal=2.2,
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
    Figure(
        "live",
        "engine under the live screen, 120 x 40, over the notebook's loop alone: steps/s",
        bound="at least",
        goal=2.0,
        unit="x",
        measure=_lazily("live:over_notebook"),
    ),
    Figure(
        "first-paint",
        "first paint over that of a bare Textual app: time",
        bound="at most",
        goal=1.5,
        unit="x",
        measure=_lazily("opening:over_bare"),
    ),
    Figure(
        "first-step",
        "the first trained steps on the screen over import torch alone: time",
        bound="at most",
        goal=None,
        unit="x",
        measure=_lazily("opening:first_step"),
    ),
    Figure(
        "help",
        "bntui --help beyond an interpreter that does nothing",
        bound="at most",
        goal=0.15,
        unit="s",
        measure=_lazily("opening:help_text"),
    ),
    Figure(
        "key",
        "key press to its effect at full speed, 99th percentile",
        bound="at most",
        goal=60,
        unit="ms",
        measure=_lazily("live:key"),
    ),
    Figure(
        "lag",
        "event-loop lag at full speed, 99th percentile",
        bound="at most",
        goal=30,
        unit="ms",
        measure=_lazily("live:lag"),
    ),
    Figure(
        "frame-short",
        "one frame, four panes, 120 x 40, 1,000 steps of history: CPU time",
        bound="at most",
        goal=30,
        unit="ms",
        measure=_lazily("frame:short"),
        quiet=False,
    ),
    Figure(
        "frame-long",
        "the same, 1,000,000 steps of history",
        bound="at most",
        goal=30,
        unit="ms",
        measure=_lazily("frame:long"),
        quiet=False,
    ),
    Figure(
        "frame-pages",
        "the slowest of five pages, 200 x 60, four networks: CPU time",
        bound="at most",
        goal=75,
        unit="ms",
        measure=_lazily("frame:pages"),
        quiet=False,
    ),
    Figure(
        "log",
        "a 200,000-step log to its first full picture",
        bound="at most",
        goal=2.0,
        unit="s",
        measure=_lazily("opening:log"),
    ),
    Figure(
        "scrub",
        "a move back through it, 99th percentile",
        bound="at most",
        goal=50,
        unit="ms",
        measure=_lazily("opening:scrub"),
    ),
    Figure(
        "bytes-large",
        "written at full speed, 120 x 40",
        bound="at most",
        goal=40,
        unit="kB/s",
        measure=_lazily("live:bytes_large"),
    ),
    Figure(
        "bytes-small",
        "written at full speed, 80 x 24",
        bound="at most",
        goal=15,
        unit="kB/s",
        measure=_lazily("live:bytes_small"),
    ),
    Figure(
        "memory",
        "the screen's process over 500,000 steps",
        bound="at most",
        goal=300,
        unit="MB",
        measure=_lazily("live:memory"),
        quiet=False,
    ),
    Figure(
        "watch-mlp",
        "a 3 x 200 MLP at batch 32 under bntui.watch over without: steps/s",
        bound="at least",
        goal=0.90,
        unit="x",
        measure=_lazily("watching:mlp"),
    ),
    Figure(
        "watch-convolutions",
        "17 convolutions on 32 x 32 images under bntui.watch over without: steps/s",
        bound="at least",
        goal=0.98,
        unit="x",
        measure=_lazily("watching:convolutions"),
    ),
    Figure(
        "watch-hooks",
        "that MLP with a forward hook a BatchNorm layer that calls item(), over without: steps/s",
        bound="at least",
        goal=None,
        unit="x",
        measure=_lazily("watching:hooks"),
    ),
    Figure(
        "watch-wandb",
        "that MLP under wandb.watch(log_freq=100), offline, over without: steps/s",
        bound="at least",
        goal=None,
        unit="x",
        measure=_lazily("watching:wandb"),
    ),
    Figure(
        "sweep",
        "a sweep's jobs/s on all cores over cores times one process's, start-up left out",
        bound="at least",
        goal=0.9,
        unit="x",
        measure=_lazily("sweep:efficiency"),
    ),
)
