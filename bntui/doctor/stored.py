"""Rules over the BatchNorm layers of a checkpoint: buffers and parameters, but no run.

A checkpoint does not say how it is used, so the rules stay silent about what a healthy one may
hold: dead channels whose gamma is small too, and initial buffers in a model that was not trained.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from bntui.doctor.catalogue import FEW_EMPTY, RULES
from bntui.doctor.finding import SEVERITIES, Finding, Severity
from bntui.text import number

NO_VARIANCE = 1e-7
"""A hundredth of the default eps: below it, eps alone decides the scale."""

DEAD_GAMMA = 0.1
"""A channel of no variance and a smaller |gamma| multiplies a deviation by at most 32."""

HALF_MAX = 65504.0
"""The largest float16."""

HALF = ("float16", "bfloat16")

Numbers = Sequence[float]


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A BatchNorm layer of a checkpoint.

    `model` is the dictionary that holds it (`ema`), empty for the outermost. `dtype` is that of
    the buffers, `weight_dtype` that of gamma; `count` is num_batches_tracked.
    """

    name: str
    model: str
    mean: Numbers
    var: Numbers
    gamma: Numbers | None = None
    beta: Numbers | None = None
    count: int | None = None
    dtype: str = "float32"
    weight_dtype: str = ""

    @property
    def is_initial(self) -> bool:
        """Whether running_mean is exactly 0 and running_var exactly 1 in all channels."""
        return not any(self.mean) and all(value == 1 for value in self.var)

    @property
    def has_trained_beta(self) -> bool:
        """Whether beta is not 0 as initialized; gamma says less, some initialize it at random."""
        return self.beta is not None and any(self.beta)

    @property
    def is_counted(self) -> bool:
        """Whether it has counted a batch."""
        return bool(self.count)


@dataclass(frozen=True, slots=True)
class Hit:
    """A layer in which a rule found something: the sentence, how bad it is, and how severe."""

    layer: StoredLayer
    evidence: str
    badness: float = 0.0
    severity: Severity | None = None


def examine_stored(layers: Sequence[StoredLayer]) -> list[Finding]:
    """Findings over a checkpoint, the most severe first; one for each rule and model."""
    findings = []
    for model in dict.fromkeys(layer.model for layer in layers):
        own = [layer for layer in layers if layer.model == model]
        for id_, rule in _RULES.items():
            if hits := sorted(rule(own), key=lambda hit: -hit.badness):
                severities = [hit.severity or RULES[id_].severity for hit in hits]
                severity = min(severities, key=SEVERITIES.index)
                names = [hit.layer.name for hit in hits]
                findings.append(Finding(id_, severity, model, names, hits[0].evidence))
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def is_untrained(layers: Sequence[StoredLayer]) -> bool:
    """Whether every layer is as initialized."""
    return not any(
        layer.is_counted or layer.has_trained_beta or not layer.is_initial for layer in layers
    )


def _nonfinite(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    for layer in layers:
        bad = sum(not isfinite(m + v) for m, v in zip(layer.mean, layer.var, strict=True))
        if bad:
            yield Hit(layer, f"{_channels(bad, layer)} not finite.", bad / len(layer.mean))


def _nonfinite_weights(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    for layer in layers:
        gamma, beta = layer.gamma or [0.0] * len(layer.mean), layer.beta or [0.0] * len(layer.mean)
        bad = sum(not isfinite(g + b) for g, b in zip(gamma, beta, strict=True))
        if bad:
            yield Hit(layer, f"{_channels(bad, layer)} not finite.", bad / len(layer.mean))


def _negative(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    for layer in layers:
        bad = sum(value < 0 for value in layer.var)
        if bad:
            least = min(value for value in layer.var if value < 0)
            evidence = f"running_var is negative in {_of(bad, layer)}, down to {number(least)}."
            yield Hit(layer, evidence, -least)


def _untrained_buffers(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    """Without a beta of its own, a layer counts as trained if all are initial and one is trained.

    Without a batch count the statistics may have been folded into gamma and beta: a warning only.
    """
    beside = all(layer.is_initial for layer in layers) and any(
        layer.has_trained_beta for layer in layers
    )
    for layer in layers:
        if not layer.is_initial:
            continue
        if layer.is_counted:
            why = f"num_batches_tracked is {layer.count:,}"
        elif layer.has_trained_beta:
            why = f"beta reaches {number(max(map(abs, layer.beta or ())))}"
        elif beside and layer.beta is None:
            why = "other layers were trained"
        else:
            continue
        evidence = f"running_mean is exactly 0 and running_var exactly 1, but {why}."
        severity: Severity | None = "warning" if layer.count is None else None
        yield Hit(layer, evidence, len(layer.mean), severity)


def _no_variance(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    for layer in layers:
        gamma = layer.gamma or [1.0] * len(layer.var)
        dead = [
            v for v, g in zip(layer.var, gamma, strict=True)
            if 0 <= v < NO_VARIANCE and abs(g) >= DEAD_GAMMA
        ]  # fmt: skip
        if dead:
            evidence = f"running_var is below 1e-7 in {_of(len(dead), layer)}, "
            share = len(dead) / len(layer.var)
            severity: Severity | None = "info" if share <= FEW_EMPTY else None
            yield Hit(layer, f"{evidence}the least is {number(min(dead))}.", share, severity)


def _half(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    """A model all in half precision may be meant for evaluation only; a mixture is odd."""
    for layer in layers:
        if layer.dtype in HALF:
            mixed = layer.weight_dtype not in {"", layer.dtype}
            beside = f", gamma {layer.weight_dtype}" if mixed else ""
            evidence = f"The running statistics are {layer.dtype}{beside}."
            yield Hit(layer, evidence, float(mixed), None if mixed else "info")


def _exceeds_half(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    for layer in layers:
        largest = max(
            (abs(value) for value in (*layer.mean, *layer.var) if isfinite(value)), default=0.0
        )
        if largest > HALF_MAX and layer.dtype not in HALF:
            yield Hit(layer, f"The largest value is {number(largest)}.", largest)


def _no_count(layers: Sequence[StoredLayer]) -> Iterator[Hit]:
    for layer in layers:
        if not layer.is_counted and not layer.is_initial:
            state = "missing" if layer.count is None else "0"
            yield Hit(layer, f"num_batches_tracked is {state} beside statistics that have moved.")


def _of(count: int, layer: StoredLayer) -> str:
    return f"{count:,} of {len(layer.mean):,} channels"


def _channels(count: int, layer: StoredLayer) -> str:
    return f"{_of(count, layer)} {'is' if count == 1 else 'are'}"


_RULES: dict[str, Callable[[Sequence[StoredLayer]], Iterator[Hit]]] = {
    "nonfinite-buffers": _nonfinite,
    "nonfinite-weights": _nonfinite_weights,
    "bad-variance": _negative,
    "untrained-buffers": _untrained_buffers,
    "zero-variance": _no_variance,
    "low-precision-stats": _half,
    "exceeds-half": _exceeds_half,
    "no-batch-count": _no_count,
}
