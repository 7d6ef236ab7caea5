"""Rules over the layers of a checkpoint, on numbers made by hand."""

from dataclasses import replace
from math import inf, nan

import pytest

from bntui.doctor.finding import Finding
from bntui.doctor.stored import StoredLayer, examine_stored, is_untrained

HEALTHY = StoredLayer(
    "bn1", "", [0.3, -1.2], [0.7, 2.0], [1.1, 0.9], [0.1, -0.2], 100, "float32", "float32"
)
FRESH = StoredLayer("bn2", "", [0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0], 0)


def only(*layers: StoredLayer) -> Finding:
    (finding,) = examine_stored(layers)
    return finding


def test_a_healthy_layer_has_no_finding() -> None:
    assert examine_stored([HEALTHY]) == []
    assert not is_untrained([HEALTHY])


def test_a_fresh_model_has_no_finding_and_is_untrained() -> None:
    assert examine_stored([FRESH, replace(FRESH, gamma=[1.02, 0.97])]) == []
    assert is_untrained([FRESH])


def test_an_unused_layer_beside_trained_ones_has_no_finding() -> None:
    assert examine_stored([HEALTHY, FRESH, replace(FRESH, gamma=None, beta=None)]) == []


def test_initial_buffers_beside_a_trained_beta() -> None:
    finding = only(replace(FRESH, beta=[0.0, -0.25]), HEALTHY)
    assert (finding.rule, finding.severity, finding.layers) == (
        "untrained-buffers",
        "error",
        ["bn2"],
    )
    assert finding.evidence == (
        "running_mean is exactly 0 and running_var exactly 1, but beta reaches 0.25."
    )


def test_initial_buffers_that_counted_batches() -> None:
    assert "num_batches_tracked is 1,200" in only(replace(FRESH, count=1200)).evidence


def test_initial_buffers_without_a_count_may_have_been_folded() -> None:
    assert only(replace(FRESH, count=None, beta=[1.0, 2.0])).severity == "warning"


def test_a_layer_without_beta_counts_as_trained_if_all_are_initial() -> None:
    plain = replace(FRESH, name="bn3", gamma=None, beta=None)
    finding = only(plain, replace(FRESH, beta=[0.1, 0.1]))
    assert finding.layers == ["bn3", "bn2"]


@pytest.mark.parametrize(
    ("layer", "rule", "severity", "evidence"),
    [
        (
            replace(HEALTHY, mean=[nan, 0.1]),
            *("nonfinite-buffers", "error", "1 of 2 channels is not finite."),
        ),
        (
            replace(HEALTHY, var=[inf, inf]),
            *("nonfinite-buffers", "error", "2 of 2 channels are not finite."),
        ),
        (
            replace(HEALTHY, gamma=[1.0, nan]),
            *("nonfinite-weights", "error", "1 of 2 channels is not finite."),
        ),
        (
            replace(HEALTHY, var=[-0.5, 1.0]),
            "bad-variance",
            "error",
            "running_var is negative in 1 of 2 channels, down to -0.5.",
        ),
        (
            replace(HEALTHY, var=[0.0, 1.0]),
            "zero-variance",
            "warning",
            "running_var is below 1e-7 in 1 of 2 channels, the least is 0.",
        ),
        (
            StoredLayer("bn", "", mean=[0.1] * 100, var=[0.0, *[1.0] * 99], count=9),
            "zero-variance",
            "info",
            "running_var is below 1e-7 in 1 of 100 channels, the least is 0.",
        ),
        (
            replace(HEALTHY, dtype="float16"),
            *("low-precision-stats", "warning"),
            "The running statistics are float16, gamma float32.",
        ),
        (
            replace(HEALTHY, dtype="bfloat16", weight_dtype="bfloat16"),
            *("low-precision-stats", "info"),
            "The running statistics are bfloat16.",
        ),
        (
            replace(HEALTHY, var=[7e4, 1.0]),
            *("exceeds-half", "info", "The largest value is 7e+04."),
        ),
        (
            replace(HEALTHY, count=None),
            *("no-batch-count", "info"),
            "num_batches_tracked is missing beside statistics that have moved.",
        ),
        (
            replace(HEALTHY, count=0),
            *("no-batch-count", "info"),
            "num_batches_tracked is 0 beside statistics that have moved.",
        ),
    ],
)
def test_each_inconsistency(layer: StoredLayer, rule: str, severity: str, evidence: str) -> None:
    finding = only(layer)
    assert (finding.rule, finding.severity, finding.evidence) == (rule, severity, evidence)


def test_a_dead_channel_whose_gamma_is_small_is_harmless() -> None:
    assert examine_stored([replace(HEALTHY, var=[1e-30, 1.0], gamma=[1e-8, 1.0])]) == []


def test_one_finding_a_rule_and_model_with_the_worst_layer_first() -> None:
    layers = [replace(HEALTHY, name=f"bn{i}", var=[0.0, float(i)]) for i in range(3)]
    layers.append(replace(HEALTHY, model="ema", var=[-1.0, 1.0]))
    negative, zero = examine_stored(layers)
    assert (negative.rule, negative.model) == ("bad-variance", "ema")
    assert zero.layers == ["bn0", "bn1", "bn2"]
    assert zero.evidence.startswith("running_var is below 1e-7 in 2 of 2 channels")
