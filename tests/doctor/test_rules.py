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
    "momentum-zero": [{"momentum": 0.0}],
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
    ("rule", "facts"), [(rule, facts) for rule, each in FIRING.items() for facts in each]
)
def test_a_rule_fires_on_its_numbers_alone(rule: str, facts: dict[str, Any]) -> None:
    (finding,) = examine(run_of(facts))
    assert finding.rule == rule
    assert finding.evidence.endswith(".")
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


@pytest.mark.parametrize(
    ("rule", "facts"),
    [
        ("unregistered-bn", {"hidden": ["blocks[0].1"]}),
        (
            "non-iid-batches",
            {"input_scatter": 3.0, "input_scatter_share": 0.5, "input_scatter_batches": 40},
        ),
        ("replicas-apart", {"replica": "net-2", "replica_apart": 3.0}),
        ("export-mismatch", {"export_difference": 0.5}),
    ],
)
def test_a_rule_over_the_whole_model(rule: str, facts: dict[str, Any]) -> None:
    assert found(run_of(model=facts)) == {rule}


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
    assert found(run_of(layer, model | {"input_scatter": limit - 0.01})) == set()
    assert found(run_of(layer, model | {"input_scatter_batches": 15})) == set()
    assert found(run_of(layer | {"usual_examples": 4}, model)) == set()


PASSES_APART = {"domains": 2, "domain_samples": 40, "domain_mean": 0.9, "domain_var": 0.1}
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
    assert found(run_of({"usual_n": 20, "usual_examples": 20}, facts)) == {"sync-not-converted"}


@pytest.mark.parametrize(
    ("losses", "fires"),
    [
        ((0.3, 1.2, 0.31), True),
        ((0.3, 1.2, 1.1), False),
        ((0.3, 0.31, 0.3), False),
        ((0.3, None, 0.3), True),
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
