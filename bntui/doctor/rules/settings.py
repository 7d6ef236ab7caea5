"""Rules over settings: momentum, running statistics switched off, decay, a bias without effect."""

from bntui.doctor.rules import Evidence, LayerRule, Subject, limit

LASTING = 5
"""Updates before a setting is judged: constructors are often corrected right after."""

DEAD_SHARE = 0.05


def inverted(s: Subject) -> Evidence | None:
    """Momentum as TensorFlow counts it."""
    m = s.facts.momentum
    if m is None or m < limit("momentum-inverted") or s.facts.updates < LASTING:
        return None
    return Evidence(f"momentum is {m:g}: the last batch alone weighs {m:.0%} in the statistics.", m)


def zero(s: Subject) -> Evidence | None:
    """Momentum 0."""
    if s.facts.momentum != limit("momentum-zero") or s.facts.updates < LASTING:
        return None
    return Evidence(f"momentum is 0: {s.facts.updates:,} batches have changed nothing.")


def changed(s: Subject) -> Evidence | None:
    """Momentum changed in mid-run."""
    before = s.facts.momentum_before
    if before is None or s.facts.momentum is None or before == s.facts.momentum:
        return None
    return Evidence(f"momentum was {before:g} and is {s.facts.momentum:g} now.")


def untracked(s: Subject) -> Evidence | None:
    """No running statistics, met in eval mode."""
    if s.facts.untracked <= limit("no-running-stats"):
        return None
    return Evidence(
        f"{s.facts.untracked:,} passes in eval mode were normalized by their own batch.",
        s.facts.untracked,
    )


def dead_bias(s: Subject) -> Evidence | None:
    """A bias right before the layer."""
    if not s.facts.dead_bias or s.layer.frozen:
        return None
    return Evidence(f"{s.facts.dead_bias} is added, and subtracted again with the batch's mean.")


def decayed(s: Subject) -> Evidence | None:
    """Gammas that weight decay has taken to 0."""
    f = s.facts
    dead = f.small_gammas - f.small_gammas_at_start
    if f.weight_decay <= 0 or dead <= DEAD_SHARE * s.channels:
        return None
    return Evidence(
        f"{f.small_gammas:,} of {s.channels} gammas are below 0.01, under a weight decay of "
        f"{f.weight_decay:g}.",
        dead / s.channels,
    )


RULES: dict[str, LayerRule] = {
    "momentum-inverted": inverted,
    "momentum-zero": zero,
    "momentum-changed": changed,
    "no-running-stats": untracked,
    "dead-bias": dead_bias,
    "decayed-affine": decayed,
}
