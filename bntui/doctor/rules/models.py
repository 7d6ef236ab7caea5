"""Rules over a model as a whole."""

from itertools import takewhile
from math import sqrt

from bntui.doctor.finding import GAP as GAP_FACT
from bntui.doctor.rules import Evidence, ModelRule, limit
from bntui.history.watched import WatchedRun
from bntui.protocol import ModelFacts, ThreeLosses

SCATTER = 0.6
NOISES = 3.3
INPUT_SHARE = 0.25
CLASS_SHARE = 0.5
"""Inputs and targets do not change with the weights, so scatter beyond chance is plain there: over
n batches chance alone gives 1 with an sd of 1 / sqrt(2 (n - 1)). It must be above 1 by so much and
by so many sd. The share leaves out what is certain and harmless; that of a class is 1 where each
batch is of one class."""

INDEPENDENT = 4
LOOKED_AT = 16
"""Independent values below which a batch is small however many it has: where those of an example
are alike, the mean of two examples is off by 0.7 sd. Batches from which on this is said."""

SYNC_VALUES = 32
"""Values a channel on one process from which on it does without the others'."""

NAMED = 3
"""Names in a sentence."""

GAP = 0.1
BN_SHARE = 0.5
CAUGHT_UP = 30
"""Steps before which averages are on their way in a healthy model, too."""

LASTING_GAP = 3
"""A gap is BatchNorm's when recalibration removes half of it. It counts from 10 % of the loss and
of what the loss was at first, since the noise of the averages is a large share of a loss near 0,
and in the last probes, so many where there are."""


def hidden(facts: ModelFacts, _: WatchedRun) -> Evidence | None:
    """Layers that no train() or eval() reaches."""
    if not facts.hidden:
        return None
    more = len(facts.hidden) - NAMED
    names = ", ".join(facts.hidden[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return Evidence(
        f"{len(facts.hidden)} ran in train mode and are no modules of the model: {names}."
    )


def scattered(facts: ModelFacts, run: WatchedRun) -> Evidence | None:
    """The model's inputs, or their classes, come in batches that are not alike."""
    layers = [layer.facts for layer in run.layers if layer.layer.model == facts.model]
    examples = max((layer.usual_examples for layer in layers), default=0)
    if examples < 4 or any(layer.domains > 1 for layer in layers):
        return None
    inputs = facts.input_scatter, facts.input_scatter_share, facts.input_scatter_batches
    classes = facts.class_scatter, facts.class_scatter_share, facts.class_scatter_batches
    for what, fact, least, (ratio, share, batches) in (
        ("The means of input batches scatter", "input_scatter", INPUT_SHARE, inputs),
        ("The numbers of each class in a batch scatter", "class_scatter", CLASS_SHARE, classes),
    ):
        if ratio is None or share is None or batches < 2:
            continue
        most = 1 + max(SCATTER, NOISES / sqrt(2 * (batches - 1)))
        if ratio > most and share > least:
            return Evidence(
                f"{what} {ratio:.1f} times as much as random draws of {examples} examples would.",
                ratio,
                fact=fact,
                limit=most,
            )
    return None


def dependent(facts: ModelFacts, run: WatchedRun) -> Evidence | None:
    """Batches of few examples whose values are alike, so that their number says little.

    Means of batches of N examples scatter r times as much as sqrt(v / (N - 1)), for a variance v
    within them: a share 1 / (1 + (N - 1) / r^2) of the total, which is 1 / n for n independent
    values.
    """
    examples = max(
        (o.facts.usual_examples for o in run.layers if o.layer.model == facts.model), default=0
    )
    ratio = facts.input_scatter
    if not 1 < examples < INDEPENDENT or not ratio or facts.input_scatter_batches < LOOKED_AT:
        return None
    most = sqrt((examples - 1) / (INDEPENDENT - 1))
    if ratio <= most:
        return None
    return Evidence(
        f"A usual batch has {examples} examples, and the means of input batches scatter like those "
        f"of {1 + (examples - 1) / ratio**2:.1f} independent values.",
        ratio,
        fact="input_scatter",
        limit=most,
    )


def apart(facts: ModelFacts, _: WatchedRun) -> Evidence | None:
    """Replicas with equal weights and other statistics."""
    if facts.replica_apart is None or facts.replica_apart <= limit("replicas-apart"):
        return None
    return Evidence(
        f"{facts.replica} has equal weights, and running means {facts.replica_apart:.2f} sd away.",
        facts.replica_apart,
    )


def unsynchronized(facts: ModelFacts, run: WatchedRun) -> Evidence | None:
    """BatchNorm by itself in every process, on few values."""
    if facts.unsynchronized <= limit("sync-not-converted"):
        return None
    sizes = [
        o.facts.usual_n for o in run.layers if o.layer.model == facts.model and o.facts.usual_n
    ]
    if not sizes or min(sizes) >= SYNC_VALUES:
        return None
    return Evidence(
        f"Each of {facts.processes} processes normalizes by its own batch, of {min(sizes)} values "
        f"a channel; layers that do: {facts.unsynchronized}."
    )


def exported(facts: ModelFacts, _: WatchedRun) -> Evidence | None:
    """An export that computes something else."""
    if facts.export_difference is None or facts.export_difference <= limit("export-mismatch"):
        return None
    return Evidence(
        f"The export's outputs differ by {facts.export_difference:.2g} of the largest.",
        facts.export_difference,
    )


def is_gap(batch: float, running: float | None, first: float = 0.0) -> bool:
    """Whether the loss by running statistics is worse than by the batch's; None is not finite.

    `first` is the first probe's loss by the batch's statistics, where it is known.
    """
    return running is None or running - batch > GAP * max(abs(batch), abs(first))


def is_batchnorms(batch: float, running: float | None, recalibrated: float) -> bool:
    """Whether recalibration removes enough of a gap."""
    return running is None or running - recalibrated > BN_SHARE * (running - batch)


def gap(facts: ModelFacts, run: WatchedRun) -> Evidence | None:
    """A gap between train and eval that recalibration removes, by the probes of that time."""
    probes = run.probes.get(facts.model, [])
    if facts is not run.models.get(facts.model):
        probes = [probe for probe in probes if probe.step <= facts.step]
    first = probes[0].batch or 0.0 if probes else 0.0
    late = [probe for probe in probes if probe.step >= CAUGHT_UP]
    apart = list(takewhile(lambda probe: _is_apart(probe, first), reversed(late)))
    if not apart or len(apart) < min(LASTING_GAP, len(late)):
        return None
    last = apart[0]
    running_text = "not finite" if last.running is None else f"{last.running:.3g}"
    return Evidence(
        f"The loss is {running_text} by running statistics, {last.batch:.3g} by the batch's own "
        f"and {last.recalibrated:.3g} recalibrated, on the same data.",
        fact=GAP_FACT,
        limit=GAP,
        since=apart[-1].step,
    )


def _is_apart(probe: ThreeLosses, first: float) -> bool:
    """Whether a probe shows a gap that is BatchNorm's."""
    if probe.batch is None or probe.recalibrated is None:
        return False
    return is_gap(probe.batch, probe.running, first) and is_batchnorms(
        probe.batch, probe.running, probe.recalibrated
    )


RULES: dict[str, ModelRule] = {
    "unregistered-bn": hidden,
    "tiny-batch": dependent,
    "non-iid-batches": scattered,
    "replicas-apart": apart,
    "sync-not-converted": unsynchronized,
    "export-mismatch": exported,
    "train-eval-gap": gap,
}
