"""Every rule over hand-made numbers: what fires it, and what is next to it and legal."""

from typing import Any

import pytest

from bntui.doctor.catalogue import RULES
from bntui.doctor.examination import LAYER_RULES, examine
from bntui.doctor.rules import models
from bntui.history.watched import WatchedRun, watched
from bntui.protocol import (
    PROTOCOL,
    Event,
    LayerFacts,
    ModelFacts,
    ThreeLosses,
    WatchedLayer,
    Watching,
)

HEALTHY: dict[str, Any] = {
    "trained": 500, "updates": 500, "usual_n": 64, "usual_examples": 64, "smallest_n": 64,
    "evaluated": 20, "initial_weight": 0.0, "lag": 0.02, "lag_noise": 0.03, "var_lag": 0.01,
    "scatter": 1.0, "scatter_share": 0.05, "scatter_batches": 60, "eval_var": 1.0,
    "eval_mean": 0.05, "eval_samples": 8, "min_var": 0.3, "changed_outside": 0.0,
}  # fmt: skip


def run_of(
    layer: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    more: list[Event] | None = None,
    eps: float = 1e-5,
    channels: int = 40,
) -> WatchedRun:
    kind = WatchedLayer("bn", "net", "BatchNorm1d", channels, eps=eps)
    hello = Watching(PROTOCOL, "0.1.0", "2026-01-01", "net", ["net"], [kind])
    facts = LayerFacts(0, 500, **(HEALTHY | (layer or {})))
    whole = ModelFacts("net", 500, **({"optimizer_steps": 500} | (model or {})))
    return watched([hello, facts, whole, *(more or [])])


def found(run: WatchedRun) -> set[str]:
    return {finding.rule for finding in examine(run)}


FIRING: dict[str, list[dict[str, Any]]] = {
    "nonfinite-buffers": [{"nonfinite": 1}],
    "low-precision-stats": [{"dtype": "float16"}, {"dtype": "bfloat16"}],
    "never-updated": [{"eval_initial": 1}],
    "ema-lag": [
        {"initial_weight": 0.3, "momentum": 0.001},
        {"lag": 1.2},
        {"var_lag": 2.0},
        {"var_lag": -2.0},
        {"momentum": None, "lag": 0.4, "eval_mean": 0.6},
        {"momentum": None, "var_lag": 0.4, "eval_var": 1.8},
    ],
    "stale-stats": [
        {"changed_outside": 0.3, "eval_mean": 0.9},
        {"changed_outside": 0.3, "eval_var": 0.4},
    ],
    "zero-variance": [{"no_variance": 1, "min_var": 0.0}],
    "momentum-inverted": [{"momentum": 0.9}, {"momentum": 0.5}],
    "momentum-zero": [{"momentum": 0.0, "initial_weight": 1.0, "lag": 2.0}],
    "momentum-changed": [{"momentum": 0.01, "momentum_before": 0.1}],
    "no-running-stats": [{"untracked": 3}],
    "dead-bias": [{"dead_bias": "0.bias"}],
    "decayed-affine": [{"weight_decay": 1e-4, "small_gammas": 10}],
    "update-without-step": [
        {"unfollowed": 40, "unfollowed_steps": 5},
        {"unfollowed": 500, "unfollowed_steps": 500, "unfollowed_mean": 2.0, "unfollowed_var": 0.1},
    ],
    "buffers-move-in-eval": [{"moved_in_eval": 5}],
    "stuck-in-eval": [{"stuck": 20}],
    "frozen-but-drifting": [{"drifted": 50, "drift": 2.0}],
    "double-update": [{"recomputed": 250}],
    "recalibration-moves-frozen": [{"recalibrated_frozen": 8}],
    "ragged-batch": [{"ragged": 8, "smallest_n": 2}],
    "tiny-batch": [{"usual_n": 8}, {"usual_n": 400, "usual_examples": 1}],
    "non-iid-batches": [{"scatter": 6.0, "scatter_share": 0.7}],
    "shared-across-domains": [
        {"domains": 2, "domain_samples": 40, "domain_mean": 0.9, "domain_var": 0.1},
        {"domains": 3, "domain_samples": 40, "domain_mean": 0.1, "domain_var": 2.0},
    ],
    "dropout-before-bn": [{"dropout": 0.5, "eval_var": 0.5}],
    "padding-in-stats": [{"padding": 0.3, "padding_range": 0.6, "padding_samples": 4}],
    "wrong-axis": [{"axis_scales": 40.0, "axis_samples": 6}],
}

SAYS: dict[str, list[str]] = {
    "nonfinite-buffers": [
        "1 of 40 channels have running statistics that are not finite.",
    ],
    "low-precision-stats": [
        "running_mean and running_var are float16.",
        "running_mean and running_var are bfloat16.",
    ],
    "never-updated": [
        "running_mean is exactly 0 and running_var exactly 1 in eval mode, though the "
        "weights have changed.",
    ],
    "ema-lag": [
        "The initial values still weigh 30% after 500 updates at momentum 0.001.",
        "running_mean stays 1.20 sd from the mean of recent batches.",
        "running_var is 7.4 times the variance of recent batches.",
        "running_var is 0.14 times the variance of recent batches.",
        "With momentum None the statistics average over all 500 batches since the start; in"
        " eval mode the inputs are 0.60 sd from running_mean and have 1 times running_var.",
        "With momentum None the statistics average over all 500 batches since the start; in"
        " eval mode the inputs are 0.05 sd from running_mean and have 1.8 times "
        "running_var.",
    ],
    "stale-stats": [
        "In eval mode the inputs are 0.90 sd from running_mean and have 1 times "
        "running_var; the weights moved by 30% outside of training.",
        "In eval mode the inputs are 0.05 sd from running_mean and have 0.4 times "
        "running_var; the weights moved by 30% outside of training.",
    ],
    "zero-variance": [
        "1 of 40 channels have a running_var below 1e-7: eval mode multiplies whatever else"
        " comes there by up to 316.",
    ],
    "momentum-inverted": [
        "momentum is 0.9: the last batch alone weighs 90% in the statistics.",
        "momentum is 0.5: the last batch alone weighs 50% in the statistics.",
    ],
    "momentum-zero": [
        "momentum is 0: 500 batches have changed nothing.",
    ],
    "momentum-changed": [
        "momentum was 0.1 and is 0.01 now.",
    ],
    "no-running-stats": [
        "3 passes in eval mode were normalized by their own batch.",
    ],
    "dead-bias": [
        "0.bias is added, and subtracted again with the batch's mean.",
    ],
    "decayed-affine": [
        "10 of 40 gammas are below 0.01, under a weight decay of 0.0001.",
    ],
    "update-without-step": [
        "40 batches went through in train mode without a backward pass.",
        "500 batches went through in train mode without a backward pass, 2.00 sd from those"
        " trained on.",
    ],
    "buffers-move-in-eval": [
        "5 batches updated the statistics while the model was in eval mode.",
    ],
    "stuck-in-eval": [
        "The last 20 steps were made with the model in eval mode.",
    ],
    "frozen-but-drifting": [
        "50 batches moved the statistics of a layer whose weights stand still, by 2.00 sd "
        "in the worst channel.",
    ],
    "double-update": [
        "250 passes in train mode ran inside a backward pass: 500 updates for 250 batches.",
    ],
    "recalibration-moves-frozen": [
        "A recalibration of 8 batches replaced the statistics of a frozen layer.",
    ],
    "ragged-batch": [
        "8 of 500 batches had at most a quarter of the usual 64 values a channel, down to 2.",
    ],
    "tiny-batch": [
        "A usual batch has 8 values a channel, of 64 examples.",
        "A usual batch has 400 values a channel, of 1 example.",
    ],
    "non-iid-batches": [
        "Batch means scatter 6.0 times as much as random draws of 64 examples would.",
    ],
    "shared-across-domains": [
        "2 passes a step have means 0.90 sd and variances a factor of 1.1 apart; no harm in"
        " eval mode was measured.",
        "3 passes a step have means 0.10 sd and variances a factor of 7.4 apart; no harm in"
        " eval mode was measured.",
    ],
    "dropout-before-bn": [
        "In eval mode the input has 0.5 times running_var; Dropout(0.5) runs before it in "
        "train mode.",
    ],
    "padding-in-stats": [
        "30% of positions are padding, and batches differ by 60%.",
    ],
    "wrong-axis": [
        "After normalization the last axis' entries have spreads a factor of 40 apart.",
    ],
}
"""What each of these says."""

LEGAL: list[dict[str, Any]] = [
    {},
    {"momentum": 0.001, "initial_weight": 0.3, "updates": 10, "trained": 10},
    {"momentum": None, "initial_weight": None},
    {"momentum": None, "eval_mean": 0.9},
    {"changed_outside": 0.3},
    {"eval_mean": 0.9},
    {"weight_decay": 1e-4, "small_gammas": 10, "small_gammas_at_start": 10},
    {"small_gammas": 10},
    {"unfollowed": 1, "unfollowed_steps": 1},
    {"unfollowed": 500, "unfollowed_steps": 500, "unfollowed_mean": 0.1, "unfollowed_var": 0.1},
    {"unfollowed": 1500, "unfollowed_steps": 500},
    {"stuck": 2},
    {"drifted": 2, "drift": 2.0},
    {"drifted": 50, "drift": 0.2},
    {"ragged": 8, "smallest_n": 16},
    {"ragged": 1, "smallest_n": 2},
    {"usual_n": 3136, "usual_examples": 2},
    {"domains": 2, "domain_samples": 40, "domain_mean": 0.2, "domain_var": 0.2},
    {"domains": 2, "domain_samples": 3, "domain_mean": 2.0, "domain_var": 0.2},
    {
        "domains": 2,
        "domain_samples": 5,
        "usual_examples": 16,
        "domain_mean": 2.0,
        "domain_var": 0.2,
    },
    {"dropout": 0.5},
    {"eval_var": 0.7},
    {"padding": 0.3, "padding_range": 0.6, "padding_samples": 3},
    {"padding": 0.6, "padding_range": 0.02, "padding_samples": 20},
    {"axis_scales": 3.0, "axis_samples": 6},
]


@pytest.mark.parametrize(
    ("rule", "facts", "says"),
    [
        (rule, facts, says)
        for rule, each in FIRING.items()
        for facts, says in zip(each, SAYS[rule], strict=True)
    ],
)
def test_a_rule_fires_on_its_numbers_alone(rule: str, facts: dict[str, Any], says: str) -> None:
    (finding,) = examine(run_of(facts))
    assert (finding.rule, finding.evidence) == (rule, says)
    if finding.limit is None:
        assert not finding.fact or rule in {"momentum-changed", "decayed-affine"}
        return
    near = 1 if isinstance(facts[finding.fact], int) else 1e-6
    decided = {
        at: any(
            (other.rule, other.fact) == (rule, finding.fact)
            for other in examine(run_of(facts | {finding.fact: at}))
        )
        for at in (finding.limit - near, finding.limit, finding.limit + near)
    }
    assert len(set(decided.values())) == 2, "the number that is plotted decides, at its limit"


@pytest.mark.parametrize("facts", LEGAL)
def test_what_is_legal_fires_nothing(facts: dict[str, Any]) -> None:
    assert found(run_of(facts)) == set()


PASSES_APART = {"domains": 2, "domain_samples": 40, "domain_mean": 0.9, "domain_var": 0.1}

EDGES: list[tuple[str, dict[str, Any], str, float, float]] = [
    ("buffers-move-in-eval", {}, "moved_in_eval", 1, 2),
    ("decayed-affine", {"weight_decay": 1e-4}, "small_gammas", 2, 3),  # 5 % of 40
    ("double-update", {}, "recomputed", 2, 3),
    ("ema-lag", {"momentum": 0.001}, "initial_weight", 0.05, 0.06),
    ("frozen-but-drifting", {"drifted": 50}, "drift", 0.25, 0.26),
    ("momentum-inverted", {}, "momentum", 0.49, 0.5),
    ("padding-in-stats", {"padding": 0.3, "padding_samples": 4}, "padding_range", 0.1, 0.11),
    ("padding-in-stats", {"padding_range": 0.3, "padding_samples": 4}, "padding", 0.05, 0.06),
    ("ragged-batch", {"ragged": 8}, "smallest_n", 16, 15),
    ("ragged-batch", {"smallest_n": 2}, "ragged", 1, 2),
    ("shared-across-domains", PASSES_APART, "domain_mean", 0.5, 0.51),
    ("stale-stats", {"changed_outside": 0.3}, "eval_mean", 0.39, 0.4),
    ("stale-stats", {"eval_mean": 0.9}, "changed_outside", 0.01, 0.011),
    ("stuck-in-eval", {}, "stuck", 3, 4),
    ("tiny-batch", {}, "usual_n", 16, 15),
    ("update-without-step", {"unfollowed_steps": 5}, "unfollowed", 1, 2),
]
"""A rule, facts, and of one more fact what is legal and what is not: as the catalogue says."""


@pytest.mark.parametrize(("rule", "facts", "name", "legal", "fires"), EDGES)
def test_a_rule_begins_where_the_catalogue_says(
    rule: str, facts: dict[str, Any], name: str, legal: float, fires: float
) -> None:
    assert found(run_of(facts | {name: legal})) == set()
    assert found(run_of(facts | {name: fires})) == {rule}


@pytest.mark.parametrize(
    ("rule", "facts", "says"),
    [
        (
            "unregistered-bn",
            {"hidden": ["a", "b", "c"]},
            "3 ran in train mode and are no modules of the model: a, b, c.",
        ),
        (
            "unregistered-bn",
            {"hidden": ["a", "b", "c", "d"]},
            "4 ran in train mode and are no modules of the model: a, b, c and 1 more.",
        ),
        (
            "non-iid-batches",
            {"input_scatter": 3.0, "input_scatter_share": 0.5, "input_scatter_batches": 40},
            "The means of input batches scatter 3.0 times as much as random draws of 64 examples "
            "would.",
        ),
        (
            "non-iid-batches",
            {"class_scatter": 3.0, "class_scatter_share": 0.6, "class_scatter_batches": 40},
            "The numbers of each class in a batch scatter 3.0 times as much as random draws of 64 "
            "examples would.",
        ),
        (
            "replicas-apart",
            {"replica": "net-2", "replica_apart": 3.0},
            "net-2 has equal weights, and running means 3.00 sd away.",
        ),
        (
            "export-mismatch",
            {"export_difference": 0.5},
            "The export's outputs differ by 0.5 of the largest.",
        ),
    ],
)
def test_a_rule_over_the_whole_model(rule: str, facts: dict[str, Any], says: str) -> None:
    (finding,) = examine(run_of(model=facts))
    assert (finding.rule, finding.evidence) == (rule, says)


def test_a_layer_is_not_asked_for_scatter_where_the_models_inputs_were() -> None:
    layer = {"scatter": 6.0, "scatter_share": 0.7}
    fine = {"input_scatter": 1.0, "input_scatter_share": 0.05, "input_scatter_batches": 60}
    assert found(run_of(layer)) == {"non-iid-batches"}
    assert found(run_of(layer, fine)) == set()


def test_a_model_without_layers_has_no_findings_of_its_batches() -> None:
    facts: dict[str, Any] = {"input_scatter": 3.0, "input_scatter_share": 0.5}
    facts |= {"input_scatter_batches": 40}
    hello = Watching(PROTOCOL, "0.1.0", "2026-01-01", "net", ["net"], [])
    assert found(watched([hello, ModelFacts("net", 500, **facts)])) == set()


def two(mild: dict[str, Any], bad: dict[str, Any]) -> WatchedRun:
    kinds = [WatchedLayer(name, "net", "BatchNorm1d", 40) for name in ("mild", "bad")]
    hello = Watching(PROTOCOL, "0.1.0", "2026-01-01", "net", ["net"], kinds)
    facts = [LayerFacts(i, 500, **(HEALTHY | each)) for i, each in enumerate((mild, bad))]
    return watched([hello, *facts])


@pytest.mark.parametrize(
    ("rule", "worse"),
    [
        ("nonfinite-buffers", {"nonfinite": 3}),
        ("momentum-inverted", {"momentum": 0.95}),
        ("update-without-step", {"unfollowed": 60}),
        ("buffers-move-in-eval", {"moved_in_eval": 6}),
        ("stuck-in-eval", {"stuck": 30}),
        ("frozen-but-drifting", {"drift": 3.0}),
        ("double-update", {"recomputed": 300}),
        ("recalibration-moves-frozen", {"recalibrated_frozen": 9}),
        ("ragged-batch", {"smallest_n": 1}),
        ("tiny-batch", {"usual_n": 4}),
        ("non-iid-batches", {"scatter": 9.0}),
        ("shared-across-domains", {"domain_mean": 1.5}),
        ("dropout-before-bn", {"eval_var": 0.2}),
        ("padding-in-stats", {"padding": 0.5}),
        ("wrong-axis", {"axis_scales": 90.0}),
    ],
)
def test_the_worst_layer_is_named_first(rule: str, worse: dict[str, Any]) -> None:
    mild = FIRING[rule][0]
    (finding,) = examine(two(mild, mild | worse))
    assert (finding.rule, list(finding.layers)) == (rule, ["bad", "mild"])


def test_dropout_is_compared_with_layers_that_have_none() -> None:
    """Where eval mode differs everywhere, dropout explains only what is beyond that."""
    (finding,) = examine(two({"eval_var": 0.75}, {"dropout": 0.5, "eval_var": 0.59}))
    assert (finding.rule, list(finding.layers)) == ("dropout-before-bn", ["bad"])
    assert finding.limit == pytest.approx(0.6)
    assert found(two({"eval_var": 0.75}, {"dropout": 0.5, "eval_var": 0.61})) == set()


ELSEWHERE = {"trained": 0, "updates": 0, "changed_outside": 0.9}
"""Of a model that was never trained itself."""


@pytest.mark.parametrize(
    ("first", "later", "severity"),
    [
        ({"eval_var": 0.9}, {"eval_var": 0.5}, "error"),
        ({"eval_var": 1.6}, {"eval_var": 1.6}, "info"),  # as by mixup in training
        ({"eval_var": 1.6}, {"eval_var": 3.0}, "error"),
        ({"eval_var": 0.6, "trained": 9}, {"eval_var": 0.6, "trained": 9}, "error"),  # pruned
        ({"eval_var": 0.9}, {"eval_var": 0.8}, None),
    ],
)
def test_data_that_differ_are_told_from_weights_by_the_first_layer(
    first: dict[str, Any], later: dict[str, Any], severity: str | None
) -> None:
    findings = examine(two(ELSEWHERE | first, ELSEWHERE | later))
    assert [f.severity for f in findings] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("networks", "facts", "severity"),
    [
        (19, {"eval_var": 0.9}, "info"),
        (19, {"eval_var": 0.9, "updates": 8}, None),  # recalibrated
        (1, {"eval_var": 0.9}, None),
        (19, {"eval_var": 0.9, "eval_mean": None}, None),
        (19, {"eval_mean": 0.9, "trained": 1}, "error"),
    ],
)
def test_an_average_with_the_statistics_of_one_network(
    networks: int, facts: dict[str, Any], severity: str | None
) -> None:
    findings = examine(run_of(ELSEWHERE | facts, {"averaged": networks}))
    assert [f.severity for f in findings] == ([severity] if severity else [])
    assert all("average 19 networks" in f.evidence for f in findings)


@pytest.mark.parametrize(("fact", "least"), [("input_scatter", 0.25), ("class_scatter", 0.5)])
def test_batches_scatter_beyond_the_limit_that_is_drawn(fact: str, least: float) -> None:
    facts = {fact: 3.0, f"{fact}_share": least + 0.01, f"{fact}_batches": 40}
    (finding,) = examine(run_of(model=facts))
    assert finding.limit is not None
    assert finding.fact == fact
    assert found(run_of(model=facts | {fact: finding.limit + 0.01})) == {finding.rule}
    assert found(run_of(model=facts | {fact: finding.limit - 0.01})) == set()
    assert found(run_of(model=facts | {f"{fact}_share": least - 0.01})) == set()


@pytest.mark.parametrize(("examples", "limit"), [(2, 3**-0.5), (3, (2 / 3) ** 0.5)])
def test_few_examples_whose_values_are_alike_are_a_small_batch(examples: int, limit: float) -> None:
    layer = {"usual_n": 800, "usual_examples": examples}
    model = {"input_scatter_batches": 40, "input_scatter": limit + 0.01}
    (finding,) = examine(run_of(layer, model))
    assert (finding.rule, finding.fact) == ("tiny-batch", "input_scatter")
    assert finding.limit == pytest.approx(limit)
    values = 1 + (examples - 1) / (limit + 0.01) ** 2
    assert f"scatter like those of {values:.1f} independent values." in finding.evidence
    assert found(run_of(layer, model | {"input_scatter": limit - 0.01})) == set()
    assert found(run_of(layer, model | {"input_scatter_batches": 15})) == set()
    assert found(run_of(layer | {"usual_examples": 4}, model)) == set()


SAMPLED = {"unfollowed": 9, "unfollowed_steps": 9, "unfollowed_mean": 0.1, "unfollowed_var": 0.1}


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        (PASSES_APART, "info"),  # the inputs in eval mode fit
        (PASSES_APART | {"evaluated": 0, "eval_mean": None, "eval_var": None}, "info"),
        (PASSES_APART | {"eval_mean": 0.6}, "warning"),
        (PASSES_APART | {"eval_var": 0.5}, "warning"),
        (PASSES_APART | {"domains_within": True}, "warning"),
        (SAMPLED, "info"),  # a picture now and then
        (SAMPLED | {"unfollowed": 36}, "warning"),  # a loop over the validation set
        (SAMPLED | {"unfollowed_mean": 0.9}, "warning"),
        ({"no_variance": 43, "min_var": 3e-8}, "warning"),  # a gain of 316
    ],
)
def test_what_does_no_harm_is_info(facts: dict[str, Any], severity: str) -> None:
    (finding,) = examine(run_of(facts))
    assert finding.severity == severity


def test_a_large_eps_keeps_dead_channels_from_harm() -> None:
    run = run_of({"no_variance": 43, "min_var": 3e-8}, eps=1e-3)
    (finding,) = examine(run)
    assert (finding.severity, finding.evidence.split()[-1]) == ("info", "32.")


@pytest.mark.parametrize(("channels", "severity"), [(1152, "info"), (99, "warning")])
def test_one_dead_channel_among_hundreds_is_info(channels: int, severity: str) -> None:
    (finding,) = examine(run_of({"no_variance": 1, "min_var": 3e-8}, channels=channels))
    assert finding.severity == severity


def test_the_layer_that_suffers_most_gives_the_severity() -> None:
    kinds = [WatchedLayer(f"bn{i}", "net", "BatchNorm1d", 8) for i in range(2)]
    hello = Watching(PROTOCOL, "0.1.0", "2026-01-01", "net", ["net"], kinds)
    unharmed = LayerFacts(0, 500, **(HEALTHY | PASSES_APART | {"domain_mean": 3.0}))
    harmed = LayerFacts(1, 500, **(HEALTHY | PASSES_APART | {"eval_mean": 0.6}))
    (finding,) = examine(watched([hello, unharmed, harmed]))
    assert (finding.severity, list(finding.layers)) == ("warning", ["bn1", "bn0"])


def test_layers_by_themselves_in_several_processes() -> None:
    facts = {"processes": 8, "unsynchronized": 1}
    assert found(run_of(model=facts)) == set()
    assert found(run_of({"usual_n": 31, "usual_examples": 31}, facts)) == {"sync-not-converted"}
    assert found(run_of({"usual_n": 32, "usual_examples": 32}, facts)) == set()


@pytest.mark.parametrize(
    ("losses", "fires"),
    [
        ((0.3, 1.2, 0.31), True),
        ((0.3, 1.2, 1.1), False),
        ((0.3, 0.31, 0.3), False),
        ((0.3, None, 0.3), True),
        ((None, 1.2, 0.3), False),
        ((0.3, 1.2, None), False),
    ],
)
def test_a_gap_is_batchnorms_only_where_recalibration_removes_it(losses: Any, fires: bool) -> None:
    more: list[Event] = [ThreeLosses("net", step, *losses) for step in (100, 200, 300)]
    assert found(run_of(more=more)) == ({"train-eval-gap"} if fires else set())


def test_noise_on_a_loss_near_0_is_no_gap() -> None:
    first = ThreeLosses("net", 1, 0.9, 0.9, 0.9)
    late: list[Event] = [ThreeLosses("net", step, 0.010, 0.015, 0.010) for step in (400, 500, 600)]
    assert found(run_of(more=late)) == {"train-eval-gap"}
    assert found(run_of(more=[first, *late])) == set()


def test_averages_on_their_way_are_no_gap() -> None:
    early: list[Event] = [ThreeLosses("net", step, 0.8, 2.0, 0.8) for step in (6, 7, 8)]
    assert found(run_of(more=early)) == set()


def test_every_rule_of_the_catalogue_is_decided_somewhere() -> None:
    of_checkpoints = {
        "untrained-buffers",
        "bad-variance",
        "nonfinite-weights",
        "exceeds-half",
        "no-batch-count",
    }
    assert set(RULES) == {*LAYER_RULES, *models.RULES} | of_checkpoints
    assert set(FIRING) == set(LAYER_RULES)


def test_one_finding_for_many_layers_with_the_worst_first() -> None:
    kinds = [WatchedLayer(f"bn{i}", "net", "BatchNorm1d", 8) for i in range(53)]
    hello = Watching(PROTOCOL, "0.1.0", "2026-01-01", "net", ["net"], kinds)
    facts = [LayerFacts(i, 500, **(HEALTHY | {"lag": 1 + i / 10})) for i in range(53)]
    (finding,) = examine(watched([hello, *facts]))
    assert finding.rule == "ema-lag"
    assert len(finding.layers) == 53
    assert finding.layers[0] == "bn52"
    assert "6.20 sd" in finding.evidence


def test_a_finding_says_since_when_and_goes_with_its_cause() -> None:
    run = run_of()
    for step, stuck in ((600, 0), (700, 80), (800, 180)):
        run.fold(LayerFacts(0, step, **(HEALTHY | {"stuck": stuck})))
    (finding,) = examine(run)
    assert (finding.since, finding.resolved) == (700, None)
    run.fold(LayerFacts(0, 900, **HEALTHY))
    assert examine(run) == []
    (gone,) = examine(run, resolved=True)
    assert (gone.since, gone.resolved) == (700, 900)


def test_a_finding_of_a_model_does_so_too() -> None:
    run = run_of()
    batches: dict[str, Any] = {
        "optimizer_steps": 500,
        "input_scatter_share": 0.5,
        "input_scatter_batches": 40,
    }
    for step, ratio in ((600, 1.1), (700, 3.0), (800, 2.0)):
        run.fold(ModelFacts("net", step, **batches, input_scatter=ratio))
    (finding,) = examine(run)
    assert (finding.since, finding.resolved) == (700, None)
    run.fold(ModelFacts("net", 900, **batches, input_scatter=1.1))
    assert examine(run) == []
    (gone,) = examine(run, resolved=True)
    assert (gone.since, gone.resolved) == (700, 900)


def test_a_gap_says_since_which_probe() -> None:
    losses = {100: 0.51, 200: 0.9, 300: 1.2, 400: 1.0, 500: 0.9}
    probes: list[Event] = [ThreeLosses("net", step, 0.5, y, 0.5) for step, y in losses.items()]
    (finding,) = examine(run_of(more=probes))
    assert (finding.rule, finding.since) == ("train-eval-gap", 200)


def test_a_gap_says_when_it_is_gone() -> None:
    run = run_of()
    for step in range(600, 1_300, 100):
        running = 0.9 if step < 1_000 else 0.5
        run.fold(ThreeLosses("net", step, 0.5, running, 0.5))
        run.fold(ModelFacts("net", step, optimizer_steps=step))
    assert examine(run) == []
    (gone,) = examine(run, resolved=True)
    assert (gone.rule, gone.since, gone.resolved) == ("train-eval-gap", 600, 1_000)
    run.fold(LayerFacts(0, 1_300, **(HEALTHY | {"stuck": 80})))
    rules = [finding.rule for finding in examine(run, resolved=True)]
    assert rules == [
        "stuck-in-eval",
        "train-eval-gap",
    ]  # a warning that holds, an error that is gone


def test_what_is_gone_is_looked_for_at_fewer_moments_of_each_of_many_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []
    monkeypatch.setitem(LAYER_RULES, "stuck-in-eval", lambda s: looked.append(s.facts.layer))
    for layers in (2, 400):
        kinds = [WatchedLayer(f"bn{i}", "net", "BatchNorm1d", 8) for i in range(layers)]
        run = watched([Watching(PROTOCOL, "0.1.0", "2026-01-01", "net", ["net"], kinds)])
        for step in range(1, 65):
            for layer in range(layers):
                run.fold(LayerFacts(layer, step, **HEALTHY))
        looked.clear()
        examine(run, resolved=True)
        each = looked.count(0) - 1  # now
        assert (each, len(looked)) == ({2: 33, 400: 9}[layers], layers * (each + 1))
