"""Rules over which forward passes move the running statistics, and which should have."""

from math import log

from bntui.doctor.rules import Evidence, LayerRule, Subject, limit

LASTING = 6
"""Batches before the statistics of a frozen layer are said to drift."""

REGULAR = 0.8
ALIKE_MEAN, ALIKE_VAR = 0.5, log(3)
"""Passes without a backward pass in 80 % of all steps whose inputs are like the trained ones' (a
generator that makes samples for its critic) do no harm. Such a pass now and then, alone between two
steps (samples to look at), is worth knowing; several in a row are a loop that lacks eval()."""


def unfollowed(s: Subject) -> Evidence | None:
    """Passes in train mode that no backward pass followed."""
    f = s.facts
    if f.unfollowed <= limit("update-without-step") or not s.layer.tracked or f.momentum == 0:
        return None
    if f.nonfinite and f.unfollowed == f.unfollowed_steps:
        return None  # batches with a NaN loss that were skipped: another rule has them
    regular = f.unfollowed_steps > REGULAR * max(f.step, 1)
    mean, var = f.unfollowed_mean, f.unfollowed_var
    alike = mean is not None and var is not None and mean < ALIKE_MEAN and var < ALIKE_VAR
    if regular and (mean is None or alike):
        return None
    off = "" if f.unfollowed_mean is None else f", {f.unfollowed_mean:.2f} sd from those trained on"
    single = f.unfollowed <= f.unfollowed_steps
    return Evidence(
        f"{f.unfollowed:,} batches went through in train mode without a backward pass{off}.",
        f.unfollowed,
        severity="info" if single and alike else None,
    )


def moved_in_eval(s: Subject) -> Evidence | None:
    """A layer in train mode inside a model in eval mode."""
    if s.facts.moved_in_eval <= limit("buffers-move-in-eval") or not s.layer.tracked:
        return None
    return Evidence(
        f"{s.facts.moved_in_eval:,} batches updated the statistics while the model was in eval "
        "mode.",
        s.facts.moved_in_eval,
    )


def stuck(s: Subject) -> Evidence | None:
    """Training goes on in eval mode."""
    if s.facts.stuck <= limit("stuck-in-eval"):
        return None
    return Evidence(
        f"The last {s.facts.stuck:,} steps were made with the model in eval mode.", s.facts.stuck
    )


def drifting(s: Subject) -> Evidence | None:
    """A frozen layer whose statistics follow the new data."""
    f = s.facts
    if f.drifted < LASTING or not s.layer.tracked or f.momentum == 0:
        return None
    if f.drift is None or f.drift <= limit("frozen-but-drifting"):
        return None
    return Evidence(
        f"{f.drifted:,} batches moved the statistics of a layer whose weights stand still, by "
        f"{f.drift:.2f} sd in the worst channel.",
        f.drift,
    )


def recomputed(s: Subject) -> Evidence | None:
    """Activation checkpointing runs the layer twice."""
    f = s.facts
    if f.recomputed <= limit("double-update") or not s.layer.tracked:
        return None
    return Evidence(
        f"{f.recomputed:,} passes in train mode ran inside a backward pass: {f.updates:,} updates "
        f"for {f.updates - f.recomputed:,} batches.",
        f.recomputed,
    )


def frozen_recalibrated(s: Subject) -> Evidence | None:
    """update_bn moves layers that were meant to stay."""
    if s.facts.recalibrated_frozen <= limit("recalibration-moves-frozen"):
        return None
    return Evidence(
        f"A recalibration of {s.facts.recalibrated_frozen:,} batches replaced the statistics of a "
        "frozen layer.",
        s.facts.recalibrated_frozen,
    )


RULES: dict[str, LayerRule] = {
    "update-without-step": unfollowed,
    "buffers-move-in-eval": moved_in_eval,
    "stuck-in-eval": stuck,
    "frozen-but-drifting": drifting,
    "double-update": recomputed,
    "recalibration-moves-frozen": frozen_recalibrated,
}
