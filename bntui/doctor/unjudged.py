"""What no rule could judge yet in a watched run: where there is no finding, that is not health."""

from collections.abc import Iterator, Sequence

from bntui.doctor.rules import misfit
from bntui.doctor.rules.buffers import SETTLED
from bntui.history.watched import LayerHistory, WatchedRun


def unjudged(run: WatchedRun) -> list[str]:
    """Sentences on what is not known yet of the layers that were trained, of each model."""
    models = dict.fromkeys(layer.layer.model for layer in run.layers)
    found: list[str] = []
    for model in models:
        layers = [
            layer
            for layer in run.layers
            if layer.layer.model == model and layer.layer.tracked and layer.facts.trained
        ]
        where = f"{model}: " if len(models) > 1 else ""
        found += [f"{where}{text}" for text in _sentences(run, model, layers)]
    return found


def _sentences(run: WatchedRun, model: str, layers: Sequence[LayerHistory]) -> Iterator[str]:
    following = [layer for layer in layers if layer.facts.momentum != 0 and not layer.facts.drifted]
    young = [layer for layer in following if layer.facts.updates < SETTLED]
    if young:
        fewest = min(layer.facts.updates for layer in young)
        yield f"Too early to judge running statistics: {fewest} of {SETTLED} updates."
        worst = max(young, key=lambda layer: misfit(layer.facts))
        if misfit(worst.facts) >= 1:
            facts = worst.facts
            yield (
                f"In eval mode the inputs of {worst.layer.name} were {facts.eval_mean:.2g} sd from "
                f"running_mean and had {facts.eval_var:.2g} times running_var."
            )
    unmeasured = [f for f in following if f not in young and f.facts.lag is None]
    if unmeasured:
        count = f"{len(unmeasured):,} layer{'s' if len(unmeasured) > 1 else ''}"
        yield f"Too few batches were measured to judge the running statistics of {count}."
    if layers and not any(layer.facts.evaluated for layer in layers) and not run.probes.get(model):
        yield "It was not seen in eval mode."
