"""Rules over what the running statistics hold."""

from math import exp, log

from bntui.doctor.catalogue import FEW_EMPTY
from bntui.doctor.rules import MISFIT_MEAN, MISFIT_VAR, Evidence, LayerRule, Subject, limit, misfit
from bntui.history.watched import LayerHistory
from bntui.protocol import LayerFacts

SETTLED = 60
"""Updates before lag is called lag: with torch's momentum of 0.1 the start weighs 0.2 % then."""

GROWN_APART = log(1.25)
"""ln of running over batch variance from which a plain average is behind where eval suffers."""

LAG = 0.5
LAG_NOISES = 4.0
"""A lasting distance in sd beyond so many times what chance makes of it."""

VAR_LAG = log(3)

OF_WEIGHTS = 2.0
"""Times the first layer's distance from which on a later layer's is that of the weights, in a model
that never trained itself: data that differ from those trained on show in the first as much."""

HARMFUL_GAIN = 100.0
"""1 / sqrt(running_var + eps): eps = 1e-4 and above keep it below."""


def nonfinite(s: Subject) -> Evidence | None:
    """NaN or infinity."""
    bad = s.facts.nonfinite
    if bad <= limit("nonfinite-buffers"):
        return None
    return Evidence(
        f"{bad} of {s.channels} channels have running statistics that are not finite.", bad
    )


def low_precision(s: Subject) -> Evidence | None:
    """Half precision."""
    if s.layer.tracked and s.facts.dtype in {"float16", "bfloat16"}:
        return Evidence(f"running_mean and running_var are {s.facts.dtype}.")
    return None


def never_updated(s: Subject) -> Evidence | None:
    """Buffers of exactly 0 and 1 beside trained weights, in eval."""
    if s.facts.eval_initial <= limit("never-updated"):
        return None
    return Evidence(
        "running_mean is exactly 0 and running_var exactly 1 in eval mode, though the weights "
        "have changed.",
        s.facts.eval_initial,
    )


def lag(s: Subject) -> Evidence | None:
    """The start still weighs, or the average stays away from the batches."""
    f = s.facts
    if f.updates < SETTLED or f.drifted or f.momentum == 0:
        return None
    weight = f.initial_weight
    if weight is not None and weight > limit("ema-lag"):
        return Evidence(
            f"The initial values still weigh {weight:.0%} after {f.updates:,} updates at momentum "
            f"{f.momentum:g}.",
            10 + weight,
        )
    return _apart(f)


def _apart(f: LayerFacts) -> Evidence | None:
    """The average is somewhere else than recent batches."""
    if f.lag is None or f.lag_noise is None or f.domains > 1:
        return None
    if f.momentum is None and misfit(f) >= 1:
        return _outdated(f, f.lag > LAG_NOISES * f.lag_noise)
    if f.lag > LAG + LAG_NOISES * f.lag_noise:
        return Evidence(
            f"running_mean stays {f.lag:.2f} sd from the mean of recent batches.",
            f.lag,
            fact="lag",
            limit=LAG + LAG_NOISES * f.lag_noise,
        )
    if f.var_lag is not None and abs(f.var_lag) > VAR_LAG:
        return Evidence(
            f"running_var is {exp(f.var_lag):.2g} times the variance of recent batches.",
            abs(f.var_lag),
            fact="var_lag",
            limit=VAR_LAG if f.var_lag > 0 else -VAR_LAG,
        )
    return None


def _outdated(f: LayerFacts, by_mean: bool) -> Evidence | None:
    """A plain average over weights that have changed since, where the batches say so as well."""
    if not by_mean and abs(f.var_lag or 0.0) <= GROWN_APART:
        return None
    mean, var = f.eval_mean or 0.0, f.eval_var or 0.0
    fact, most = ("eval_mean", MISFIT_MEAN) if mean >= MISFIT_MEAN else ("eval_var", MISFIT_VAR)
    return Evidence(
        f"With momentum None the statistics average over all {f.updates:,} batches since the "
        f"start; in eval mode the inputs are {mean:.2f} sd from running_mean and have {var:.2g} "
        "times running_var.",
        misfit(f),
        fact=fact,
        limit=most if fact == "eval_mean" else exp(most if var > 1 else -most),
    )


def stale(s: Subject) -> Evidence | None:
    """Weights moved by something other than training, and statistics that do not fit any more."""
    f = s.facts
    if f.changed_outside is None or f.changed_outside <= limit("stale-stats"):
        return None
    if f.eval_mean is None or f.eval_var is None or f.eval_initial or f.nonfinite:
        return None
    off = misfit(f)
    networks = _averaged(s)
    if off < 1 and networks < 2:
        return None
    by_data = not (f.trained or f.updates) and off < OF_WEIGHTS * misfit(_first(s).facts)
    said = f"the weights moved by {f.changed_outside:.0%} outside of training."
    if networks > 1:
        said = f"the weights average {networks} networks, the statistics are those of the last."
    return Evidence(
        f"In eval mode the inputs are {f.eval_mean:.2f} sd from running_mean and have "
        f"{f.eval_var:.2g} times running_var; {said}"
        + (" The first layer is as far off, as where data differ." if off >= 1 and by_data else ""),
        off,
        severity="info" if off < 1 or by_data else None,
    )


def _averaged(s: Subject) -> int:
    """Networks in an average that took the last one's statistics and was not recalibrated."""
    model = s.run.models.get(s.layer.model)
    return model.averaged if model and not s.facts.updates else 0


def _first(s: Subject) -> LayerHistory:
    """The first layer of the same model."""
    return next(each for each in s.run.layers if each.layer.model == s.layer.model)


def no_variance(s: Subject) -> Evidence | None:
    """Channels of almost no variance: what matters is how much eps lets them be scaled up."""
    f = s.facts
    if f.no_variance <= limit("zero-variance"):
        return None
    gain = (max(f.min_var or 0.0, 0.0) + s.layer.eps) ** -0.5
    return Evidence(
        f"{f.no_variance:,} of {s.channels} channels have a running_var below 1e-7: eval mode "
        f"multiplies whatever else comes there by up to {gain:.0f}.",
        f.no_variance / s.channels,
        severity="info" if gain < HARMFUL_GAIN or f.no_variance <= FEW_EMPTY * s.channels else None,
    )


RULES: dict[str, LayerRule] = {
    "nonfinite-buffers": nonfinite,
    "low-precision-stats": low_precision,
    "never-updated": never_updated,
    "ema-lag": lag,
    "stale-stats": stale,
    "zero-variance": no_variance,
}
