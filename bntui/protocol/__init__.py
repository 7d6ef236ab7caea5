"""The seam: events from the engine and commands to it, one JSON object per line.

Everything a person sees is drawn from events, wherever they come from. Events carry plain numbers;
JSON has no NaN or infinity, so a number that is not finite travels as null.
"""

from bntui.protocol.base import (
    Column,
    Command,
    Event,
    Probe,
)
from bntui.protocol.changes import (
    Changed,
    Forked,
    Recalibrated,
    Refused,
    Removed,
)
from bntui.protocol.commands import (
    LOG_BY_DEFAULT,
    TRAIN_ON,
    Change,
    Fork,
    Pause,
    Recalibrate,
    Resume,
    SetPace,
    Start,
    Step,
    Stop,
    Subscribe,
    TraceUnits,
    Undo,
)
from bntui.protocol.diagnostics import (
    Checks,
    Ladder,
    LayerHealth,
    Layers,
    SplitLosses,
    Units,
    Updates,
    WeightHealth,
    Weights,
)
from bntui.protocol.run import (
    Activations,
    Dataset,
    Diverged,
    Ended,
    Failed,
    Hello,
    Log,
    Machine,
    ModeLosses,
    Reading,
    Recovered,
    Skipped,
    State,
    Statistics,
    Steps,
)
from bntui.protocol.watched import (
    Histogram,
    LayerFacts,
    LayerSamples,
    ModelFacts,
    Output,
    Scalars,
    ThreeLosses,
    Timing,
    WatchedLayer,
    Watching,
)

__all__ = [
    "LOG_BY_DEFAULT",
    "PROTOCOL",
    "TRAIN_ON",
    "Activations",
    "AnyCommand",
    "AnyEvent",
    "Change",
    "Changed",
    "Checks",
    "Column",
    "Command",
    "Dataset",
    "Diverged",
    "Ended",
    "Event",
    "Failed",
    "Fork",
    "Forked",
    "Hello",
    "Histogram",
    "Ladder",
    "LayerFacts",
    "LayerHealth",
    "LayerSamples",
    "Layers",
    "Log",
    "Machine",
    "ModeLosses",
    "ModelFacts",
    "Output",
    "Pause",
    "Probe",
    "Reading",
    "Recalibrate",
    "Recalibrated",
    "Recovered",
    "Refused",
    "Removed",
    "Resume",
    "Scalars",
    "SetPace",
    "Skipped",
    "SplitLosses",
    "Start",
    "State",
    "Statistics",
    "Step",
    "Steps",
    "Stop",
    "Subscribe",
    "ThreeLosses",
    "Timing",
    "TraceUnits",
    "Undo",
    "Units",
    "Updates",
    "WatchedLayer",
    "Watching",
    "WeightHealth",
    "Weights",
]

PROTOCOL = 2

AnyEvent = (
    Hello | Reading | Dataset | State | Steps | Statistics | Activations | ModeLosses | SplitLosses
    | Layers | Updates | Weights | Units | Ladder | Checks
    | Changed | Forked | Removed | Recalibrated | Refused
    | Diverged | Recovered | Failed | Log | Ended | Skipped
    | Watching | Scalars | Timing | LayerSamples | LayerFacts | ModelFacts | Histogram
    | ThreeLosses | Output
)  # fmt: skip

AnyCommand = (
    Start
    | Pause
    | Resume
    | Step
    | SetPace
    | TraceUnits
    | Change
    | Fork
    | Recalibrate
    | Undo
    | Subscribe
    | Stop
)
