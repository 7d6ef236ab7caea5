"""The lab's runs under the doctor's rules."""

from typing import Any

from bntui.config.schema import RunConfig
from bntui.doctor.examination import examine
from bntui.doctor.lab import lab_run
from bntui.history.history import History, folded
from bntui.history.watched import WatchedRun
from bntui.protocol import PROTOCOL, Changed, Event, Hello, Ladder, Recalibrated, Steps


def run(*events: Event, steps: int = 200, **settings: object) -> WatchedRun:
    config = RunConfig(**settings)  # type: ignore[arg-type]  # mixed on purpose
    hello = Hello(PROTOCOL, "0.1.0", "2026-01-01", config, config.arm_names)
    losses: list[float | None] = [1.0] * steps
    made = lab_run(folded([hello, Steps(0, 1.0, dict.fromkeys(config.arm_names, losses)), *events]))
    assert made
    return made


def rules(watched: WatchedRun) -> set[str]:
    return {finding.rule for finding in examine(watched)}


def test_no_run_is_none() -> None:
    assert lab_run(History()) is None


def test_the_default_run_has_only_a_bias_that_bn_cancels() -> None:
    assert rules(run()) == {"dead-bias"}
    assert rules(run(bias=False)) == set()
    assert rules(run(arms=("none", "ln"))) == set()


def test_settings_of_the_lab_are_found() -> None:
    assert rules(run(bias=False, momentum=0.0)) == {"momentum-zero"}
    assert rules(run(bias=False, momentum=0.001)) == {"ema-lag"}
    assert rules(run(bias=False, momentum=0.9)) == {"momentum-inverted"}
    assert rules(run(bias=False, batch_size=1)) == {"tiny-batch"}
    assert rules(run(bias=False, ghost=4)) == {"tiny-batch"}


def test_every_layer_of_every_network_with_bn() -> None:
    (finding,) = examine(run(bias=False, depth=2, placement="all", momentum=0.9))
    assert finding.model == "BN"
    assert finding.layers == ["hidden 1", "hidden 2", "logits"]


def test_a_knob_turned_in_mid_run() -> None:
    changed = Changed(100, "momentum", 0.0, 0.1, "BN")
    found = {finding.rule: finding for finding in examine(run(changed, bias=False))}
    assert set(found) == {"momentum-zero", "momentum-changed"}
    assert (found["momentum-zero"].since or 0) > 100


def test_recalibration_ends_the_weight_of_the_start() -> None:
    lagging: dict[str, Any] = {"bias": False, "momentum": 0.001}
    assert "ema-lag" not in rules(run(Recalibrated("BN", 150), **lagging))
    assert "ema-lag" in rules(run(Recalibrated("other", 150), **lagging))
    last = Recalibrated("BN", 200)
    assert "ema-lag" not in rules(run(last, **lagging))
    assert "ema-lag" in rules(run(last, Recalibrated("BN", 200, undone=True), **lagging))


def test_the_three_losses_are_the_lab_s_inference_page() -> None:
    gap = Ladder("BN", 200, 90, 2.0, 0.3, [90], [0.3], [0.3])
    assert "train-eval-gap" in rules(run(gap))
    none = Ladder("BN", 200, 90, 2.0, 2.0, [90], [0.3], [0.3])
    assert "train-eval-gap" not in rules(run(none))
