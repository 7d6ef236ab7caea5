"""Rules over how many values a batch has, and of what."""

from math import exp, log

from bntui.doctor.finding import Severity
from bntui.doctor.rules import Evidence, LayerRule, Subject, limit, misfit

LASTING = 8
"""Updates, or sampled batches, before sizes and inputs are judged."""

FEW_STEPS = 4
APART_EXAMPLES = 128
"""Sampled steps, and examples in all, from which passes of one step are compared: by chance alone
their means differ by at most sqrt(2 / 128), an eighth of an sd. Padding is read off exactly, and
so many batches show how it varies."""

LEAST_VALUES = 16
SCATTER_SHARE = 0.5
DOMAIN_VAR = log(3)
PADDING_RANGE = 0.10
LOW_DROPOUT = 0.02


def ragged(s: Subject) -> Evidence | None:
    """Now and then a batch that is far smaller."""
    f = s.facts
    if f.ragged <= limit("ragged-batch") or f.smallest_n >= LEAST_VALUES or not s.layer.tracked:
        return None
    return Evidence(
        f"{f.ragged:,} of {f.updates:,} batches had at most a quarter of the usual {f.usual_n:,} "
        f"values a channel, down to {f.smallest_n:,}.",
        f.usual_n / max(f.smallest_n, 1),
    )


def tiny(s: Subject) -> Evidence | None:
    """Batches that are small as a rule."""
    f = s.facts
    if f.updates < LASTING or not f.usual_n:
        return None
    few = f.usual_n < limit("tiny-batch")
    if not few and f.usual_examples != 1:
        return None
    return Evidence(
        f"A usual batch has {f.usual_n:,} value{'s' if f.usual_n != 1 else ''} a channel, of "
        f"{f.usual_examples:,} "
        f"example{'s' if f.usual_examples != 1 else ''}.",
        1 / f.usual_n,
        fact="usual_n" if few else "usual_examples",
        limit=limit("tiny-batch") if few else 1,
    )


def scattered(s: Subject) -> Evidence | None:
    """Batch means scatter far more than draws from one distribution would.

    Changing weights move them too, so a layer is asked only where the model's own inputs cannot be:
    words, for instance.
    """
    f = s.facts
    model = s.run.models.get(s.layer.model)
    if model is not None and model.input_scatter is not None:
        return None
    if f.scatter is None or f.scatter_share is None or f.scatter_batches < 2 * LASTING:
        return None
    if f.scatter <= limit("non-iid-batches") or f.scatter_share < SCATTER_SHARE or f.domains > 1:
        return None
    return Evidence(
        f"Batch means scatter {f.scatter:.1f} times as much as random draws of "
        f"{f.usual_examples:,} examples would.",
        f.scatter,
    )


def domains(s: Subject) -> Evidence | None:
    """Passes of one step that see different inputs.

    It matters where the layer normalizes them by their mixture in eval mode: a critic that is only
    ever trained does not suffer.
    """
    f = s.facts
    if f.domains < 2 or f.domain_mean is None or f.domain_var is None or not s.layer.tracked:
        return None
    alike = f.domain_mean <= limit("shared-across-domains") and f.domain_var <= DOMAIN_VAR
    if alike or f.domain_samples < FEW_STEPS:
        return None
    if f.domain_samples * f.usual_examples < APART_EXAMPLES:
        return None
    apart = (
        f"{f.domains} passes a step have means {f.domain_mean:.2f} sd and variances a factor of "
        f"{exp(f.domain_var):.2g} apart"
    )
    by_mean = f.domain_mean > limit("shared-across-domains")
    severity: Severity | None = None
    if f.domains_within:
        text = f"{apart}, within one forward pass of the model."
    elif misfit(f) >= 1:
        text = (
            f"{apart}; in eval mode the inputs are {f.eval_mean:.2f} sd from running_mean and have "
            f"{f.eval_var:.2g} times running_var."
        )
    else:
        seen = "no harm in eval mode was measured" if f.evaluated else "it has not run in eval mode"
        text, severity = f"{apart}; {seen}.", "info"
    return Evidence(
        text,
        f.domain_mean + f.domain_var,
        fact="domain_mean" if by_mean else "domain_var",
        limit=limit("shared-across-domains") if by_mean else DOMAIN_VAR,
        severity=severity,
    )


def dropout(s: Subject) -> Evidence | None:
    """Less variance in eval mode than dropout has taught the layer."""
    f = s.facts
    if (
        f.dropout < LOW_DROPOUT
        or f.eval_var is None
        or f.eval_initial
        or (f.training is False and not f.evaluated)
    ):
        return None
    if f.initial_weight is not None and f.initial_weight > limit("ema-lag"):
        return None
    others = [
        o.facts.eval_var
        for o in s.run.layers
        if o.layer.model == s.layer.model and not o.facts.dropout and o.facts.eval_var is not None
    ]
    base = min(1.0, sorted(others)[len(others) // 2]) if others else 1.0
    if f.eval_var >= limit("dropout-before-bn") * base:
        return None
    return Evidence(
        f"In eval mode the input has {f.eval_var:.2g} times running_var; Dropout({f.dropout:g}) "
        "runs before it in train mode.",
        1 / max(f.eval_var, 1e-6),
        fact="eval_var",
        limit=limit("dropout-before-bn") * base,
    )


def padding(s: Subject) -> Evidence | None:
    """Padded positions count as values, and how many changes from batch to batch."""
    f = s.facts
    if f.padding is None or f.padding_range is None or f.padding_samples < FEW_STEPS:
        return None
    if f.padding <= limit("padding-in-stats") or f.padding_range <= PADDING_RANGE:
        return None
    return Evidence(
        f"{f.padding:.0%} of positions are padding, and batches differ by {f.padding_range:.0%}.",
        f.padding,
    )


def axis(s: Subject) -> Evidence | None:
    """(N, L, C) with L = C, normalized over time."""
    f = s.facts
    if f.axis_scales is None or f.axis_scales <= limit("wrong-axis") or f.axis_samples < 3:
        return None
    if f.padding and f.padding > limit("padding-in-stats"):
        return None
    return Evidence(
        f"After normalization the last axis' entries have spreads a factor of {f.axis_scales:.0f} "
        "apart.",
        f.axis_scales,
    )


RULES: dict[str, LayerRule] = {
    "ragged-batch": ragged,
    "tiny-batch": tiny,
    "non-iid-batches": scattered,
    "shared-across-domains": domains,
    "dropout-before-bn": dropout,
    "padding-in-stats": padding,
    "wrong-axis": axis,
}
