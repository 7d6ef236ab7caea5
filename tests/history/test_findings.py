"""Findings say what the numbers say."""

import re
from collections.abc import Sequence
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bntui.config.schema import RunConfig
from bntui.history.arm import ArmHistory
from bntui.history.findings import Finding, apart, compare, findings
from bntui.history.history import History, folded
from bntui.protocol import (
    Activations,
    AnyEvent,
    Changed,
    Column,
    Diverged,
    Forked,
    ModeLosses,
    SplitLosses,
    Steps,
)
from tests.scripted import beginning, probes

losses = st.lists(st.floats(0, 1e6, width=32), min_size=2, max_size=40)


def run(*events: AnyEvent, config: RunConfig | None = None) -> History:
    return folded([*beginning(config), *events])


def told(first: int, **columns: Sequence[float | None]) -> Steps:
    names = {"plain": "no BN", "bn": "BN"}
    return Steps(first, 1.0, {names.get(n, n): list(c) for n, c in columns.items()})


def sentences(history: History) -> list[str]:
    return [finding.sentence() for finding in findings(history)]


def wavy(mean: float, count: int) -> Column:
    return [mean + 0.05 * (-1) ** i for i in range(count)]


def test_noise_that_both_share_hides_no_difference() -> None:
    draw = Random(1)
    shared = [draw.gauss(2.0, 1.0) for _ in range(500)]
    text = compare("A", "B", [x + 0.02 for x in shared], shared)
    assert text == f"A's mean loss of the last 500 steps is higher ({apart(*_means(shared))})"


def _means(shared: list[float]) -> tuple[float, float]:
    return fmean([x + 0.02 for x in shared]), fmean(shared)


@pytest.mark.parametrize("kept", [0.0, 0.9])
def test_equal_networks_are_seldom_called_unequal(kept: float) -> None:
    """Also where neighbouring steps are alike: as independent ones 45 % would be called so."""
    draw, claims = Random(7), 0
    for _ in range(200):
        drift, a, b = 0.0, [], []
        for _ in range(500):
            drift = kept * drift + draw.gauss(0, 0.1)
            b.append(draw.gauss(1.0, 0.3))
            a.append(b[-1] + drift)
        higher, lower = sorted((a, b), key=lambda values: -fmean(values))
        claims += "higher" in compare("A", "B", higher, lower)
    assert claims <= 30


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_two_numbers_are_told_apart(one: float, other: float) -> None:
    if one != other:
        high, low = apart(max(one, other), min(one, other)).split(" > ")
        assert float(high) > float(low)


@given(losses.filter(lambda values: len(values) >= 30), losses.filter(lambda v: len(v) >= 30))
def test_whoever_is_called_higher_is(plain: list[float], bn: list[float]) -> None:
    count = min(len(plain), len(bn))
    text = " ".join(sentences(run(told(0, plain=plain[:count], bn=bn[:count]))))
    if claim := re.search(r"([\w ]+)'s mean loss of the last \d+ steps is higher", text):
        means = {"no BN": fmean(plain[:count]), "BN": fmean(bn[:count])}
        assert claim[1].strip() == max(means, key=lambda name: means[name])


def test_the_notebooks_end() -> None:
    text = sentences(run(told(0, plain=wavy(0.168, 600), bn=wavy(0.196, 600)), *probes(600)))[0]
    assert text == (
        "BN's loss in evaluation mode is higher (0.194 > 0.170, n = 90); one seed; BN's mean loss "
        "of the last 500 steps is higher (0.196 > 0.168); saturation is 2.8% against 70.8%."
    )


def measured(name: str, step: int, evaluation: float) -> ModeLosses:
    return ModeLosses(name, step, [1, 90], [9.0, evaluation], [8.0, evaluation])


def test_evaluation_mode_comes_before_training_mode_even_where_they_disagree() -> None:
    noisy = told(0, plain=wavy(2.0, 600), bn=wavy(2.1, 600))
    (text, *_) = sentences(run(noisy, measured("no BN", 600, 2.417), measured("BN", 600, 2.4)))
    assert text.startswith("no BN's loss in evaluation mode is higher (2.42 > 2.40, n = 90")
    assert "BN's mean loss of the last 500 steps is higher (2.1 > 2.0)" in text


def test_an_evaluation_loss_names_its_step_and_does_not_outlive_a_change() -> None:
    history = run(
        told(0, plain=wavy(2, 100), bn=wavy(1, 100)),
        measured("no BN", 60, 2.0),
        measured("BN", 60, 1.0),
    )
    assert "in evaluation mode is higher at step 60 (2 > 1" in sentences(history)[0]
    (first, *_) = findings(history)
    assert "in evaluation mode is higher" in first.sentence(len(first.clauses[0]) + 1)
    assert "in eval mode is higher" in first.sentence(len(first.clauses[0]))
    history.fold(Changed(70, "lr", 1.0, 0.1))
    assert "evaluation mode is higher" not in sentences(history)[0]


def test_networks_that_are_equal_in_evaluation_mode_are_called_so() -> None:
    begun = told(0, plain=wavy(1, 100), bn=wavy(1, 100))
    ends = [ModeLosses(name, 100, [90], [0.3], [0.25]) for name in ("no BN", "BN")]
    text = "no BN and BN are equal in evaluation mode (0.25, n = 90); one seed"
    assert any(text in sentence for sentence in sentences(run(begun, *ends)))


def falling(start: float, half_life: float, end: float, count: int = 600) -> list[float | None]:
    return [end + (start - end) * 0.5 ** (i / half_life) for i in range(count)]


def race(history: History) -> list[str]:
    return [text for text in sentences(history) if "reached loss" in text]


def test_who_reached_a_loss_first_is_said() -> None:
    assert race(run(told(0, plain=falling(16, 20, 0.0), bn=falling(16, 10, 0.0))))
    history = run(told(0, plain=falling(16, 50, 0.0), bn=falling(16, 10, 0.0)))
    assert race(history) == [
        "BN reached loss 1 in 55 steps, no BN in 214; means of 25 steps; one seed."
    ]
    assert len(race(history)[0]) <= 76  # what the loss is has room at 80 columns


@pytest.mark.parametrize(
    ("plain", "bn"),
    [
        (falling(16, 14, 0.1), falling(16, 10, 0.1)),  # not half as long again
        (falling(16, 50, 3.0), falling(0.9, 10, 0.1)),  # no loss that both pass
        ([None] * 600, falling(16, 10, 0.1)),
    ],
)
def test_a_race_that_nobody_won_is_not_mentioned(
    plain: list[float | None], bn: list[float | None]
) -> None:
    assert race(run(told(0, plain=plain, bn=bn))) == []


@pytest.mark.parametrize("level", [20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05])
def test_a_race_is_over_the_round_loss_between_start_and_end(level: float) -> None:
    plain, bn = (falling(1.4 * level, half_life, 0.8 * level) for half_life in (50, 10))
    assert race(run(told(0, plain=plain, bn=bn)))[0].startswith(f"BN reached loss {level:g} in ")


def test_a_race_ends_where_its_last_steps_are_and_not_where_the_last_500_are() -> None:
    history = run(told(0, plain=falling(1600, 20, 0.0), bn=falling(16, 10, 0.0)))
    assert race(history)[0].startswith("BN reached loss 1 in 55 steps, no BN in ")


def test_a_changed_race_is_none() -> None:
    history = run(told(0, plain=falling(16, 50, 0.1), bn=falling(16, 10, 0.1)))
    history.fold(Changed(100, "lr", 1.0, 0.1))
    assert race(history) == []


def test_as_many_clauses_as_fit() -> None:
    finding = findings(run(told(0, plain=wavy(0.168, 600), bn=wavy(0.196, 600))))[0]
    assert len(finding.sentence(80)) <= 80
    assert finding.sentence(1) == finding.sentence(79)
    assert finding.sentence(500) == finding.sentence()
    losses = "(0.205 > 0.177, n = 90)"
    text = f"BN's loss in evaluation mode is higher than no BN's at step 2,500 {losses}"
    short = f"BN's eval-mode loss is above no BN's at step 2,500 {losses}."
    assert Finding("compare", (text, "one seed")).sentence(76) == short
    both = "BN's loss on the first 2 is 21.7 in {}, 0.417 in {} (step 1,500)"
    gap = Finding("gap", (both.format("training mode", "evaluation mode"),))
    assert gap.sentence(76) == both.format("train", "eval") + "."


def test_a_young_run_says_of_how_many_steps() -> None:
    assert "the last 100 steps" in sentences(run(told(0, plain=wavy(3, 100), bn=wavy(2, 100))))[0]
    text = sentences(run(told(0, plain=[9.0] * 5, bn=[8.0] * 5)))[0]
    assert text.startswith("5 of the 30 steps needed")
    history = run(told(0, plain=wavy(3, 100), bn=wavy(2, 100)))
    history.fold(Changed(93, "lr", 1.0, 0.1))
    assert "7 of the 30 steps needed" in sentences(history)[0]
    assert sentences(history)[0].endswith("are done; counted since the change.")
    assert findings(run()) == []


def test_equal_within_noise_is_not_called_higher() -> None:
    draw = Random(3)
    plain, bn = ([draw.gauss(mean, 0.05) for _ in range(600)] for mean in (0.2, 0.2001))
    text = sentences(run(told(0, plain=plain, bn=bn)))[0]
    assert "the same mean loss of the last 500 steps within noise" in text
    assert ">" not in text


def test_divergence_comes_first_and_is_not_compared() -> None:
    history = run(told(0, plain=[1e30] * 40, bn=[0.3] * 40), Diverged("no BN", 12, None))
    texts = sentences(history)
    assert texts[0] == "no BN diverged at step 12 with lr 0.1; BN did not."
    assert not any("mean loss" in text for text in texts)


def test_of_several_networks_those_that_did_not_diverge_are_named() -> None:
    begun = told(0, plain=[1e30] * 40, bn=[0.3] * 40, LN=[0.3] * 40)
    config = RunConfig(arms=("none", "bn", "ln"))
    history = run(begun, Diverged("no BN", 12, None), config=config)
    assert sentences(history)[0] == "no BN diverged at step 12 with lr 0.1; BN and LN did not."


def test_what_is_found_of_each_network_is_told_apart() -> None:
    """A finding that is dismissed or turned over goes by its topic."""
    both = [Diverged("no BN", 12, None), Diverged("BN", 13, None)]
    history = run(told(0, plain=[1e30] * 40, bn=[1e30] * 40), *both)
    diverged = [finding.topic for finding in findings(history) if "diverged" in finding.sentence()]
    begun = told(0, plain=wavy(1, 100), bn=wavy(1, 100))
    history = run(begun, flat("no BN", 100, 0.99))
    first = findings(history)[0]
    assert diverged == ["diverged no BN", "diverged BN"]
    assert (first.topic, "saturated" in first.sentence()) == ("saturated no BN", True)


def test_a_divergence_keeps_the_lr_of_its_step() -> None:
    history = run(
        told(0, plain=[1e30] * 40, bn=[0.3] * 40),
        Diverged("no BN", 12, None),
        Changed(40, "lr", 0.001, 0.1),
    )
    assert sentences(history)[0].startswith("no BN diverged at step 12 with lr 0.1")


def test_a_divergence_has_the_lr_that_led_there_and_not_that_of_a_change_at_its_step() -> None:
    history = run(
        told(0, plain=[1e30] * 40, bn=[0.3] * 40),
        Changed(12, "lr", 0.001, 0.1),
        Diverged("no BN", 12, None),
    )
    assert sentences(history)[0].startswith("no BN diverged at step 12 with lr 0.1;")


def test_a_change_begins_a_new_window() -> None:
    history = run(
        told(0, plain=wavy(9, 500), bn=wavy(1, 500)),
        Changed(500, "lr", 0.5, 0.1),
        told(500, plain=wavy(1, 50), bn=wavy(2, 50)),
    )
    assert sentences(history)[0].startswith("BN's mean loss of the last 50 steps is higher (2 > 1)")


def test_forks_are_compared_with_their_origin_from_where_they_began() -> None:
    begun: list[AnyEvent] = [
        told(0, plain=wavy(1, 100), bn=wavy(1, 100)),
        Forked("BN lr=0.5", "BN", 100),
        Changed(100, "lr", 0.5, 0.1, "BN lr=0.5"),
    ]
    after = Steps(100, 2.0, {"no BN": [1.0] * 40, "BN": wavy(2, 40), "BN lr=0.5": wavy(3, 40)})
    texts = sentences(run(*begun, after))
    assert texts[0] == "BN lr=0.5's mean loss of the last 40 steps is higher than BN's (3 > 2)."
    assert not any("no BN" in text and "mean loss" in text for text in texts)


def test_a_fork_with_no_change_is_equal_bit_for_bit() -> None:
    same = Steps(100, 2.0, {name: list(wavy(1, 40)) for name in ("no BN", "BN", "BN copy")})
    begun = told(0, plain=wavy(1, 100), bn=wavy(1, 100))
    texts = sentences(run(begun, Forked("BN copy", "BN", 100), same))
    assert texts[0].startswith("BN copy and BN have had equal losses in each of the last 40 steps")


def test_of_three_networks_the_worst_is_set_against_the_best() -> None:
    config = RunConfig(arms=("none", "bn", "ln"))
    losses = dict(zip(config.arm_names, (wavy(1, 100), wavy(3, 100), wavy(2, 100)), strict=True))
    (text, *_) = sentences(run(Steps(0, 1.0, losses), config=config))
    assert text.startswith("BN's mean loss of the last 100 steps is higher than no BN's (3 > 1)")


def test_what_stands_still_is_said() -> None:
    begun = told(0, plain=wavy(1, 100), bn=wavy(1, 100))
    assert sentences(run(begun, Changed(50, "lr", 0.0, 0.1)))[0] == (
        "lr is 0 in no BN and BN: no weight moves; the loss varies only with the batch."
    )


def flat(name: str, step: int, share: float) -> Activations:
    return Activations(name, 0, step, 1000, [500, *[0] * 48, 500], share)


def test_a_flat_layer_is_named_from_99_percent_on() -> None:
    begun = told(0, plain=wavy(1, 100), bn=wavy(1, 100))
    text = sentences(run(begun, flat("no BN", 100, 0.99)))[0]
    assert text.startswith("no BN: 99.0% of hidden layer 1's outputs are saturated")
    assert not any("outputs are" in t for t in sentences(run(begun, flat("no BN", 100, 0.989))))


def test_findings_are_of_the_newest_measurement_and_not_of_the_first() -> None:
    """At first everything is the other way round."""
    first: list[AnyEvent] = [
        *(measured(name, 0, loss) for name, loss in (("no BN", 1.0), ("BN", 2.0))),
        flat("no BN", 0, 0.1),
        flat("BN", 0, 1.0),
    ]
    now: list[AnyEvent] = [
        ModeLosses("no BN", 100, [90], [2.0], [2.0]),
        ModeLosses("BN", 100, [90], [1.0], [3.0]),
        flat("no BN", 100, 1.0),
        flat("BN", 100, 0.2),
    ]
    begun = told(0, plain=wavy(1, 100), bn=wavy(2, 100))
    text = " ".join(sentences(run(*first, begun, *now)))
    assert "no BN: 100.0% of hidden layer 1's outputs are saturated" in text
    assert "BN's loss in evaluation mode is higher (3 > 2, n = 90)" in text
    assert "saturation is 20.0% against 100.0%" in text
    assert "BN's loss on the first 90 is 1 in training mode, 3 in evaluation mode" in text
    assert "one example" not in text


def test_the_widest_gap_between_the_modes() -> None:
    history = run(told(0, plain=wavy(1, 100), bn=wavy(1, 100)), *probes(100))
    assert sentences(history)[-1] == (
        "BN's loss on one example is 11.6 in training mode, 0.356 in evaluation mode."
    )
    close = ModeLosses("BN", 200, [2, 90], [0.2, 0.2], [0.21, 0.39])
    history.fold(close)
    assert not any("training mode" in text for text in sentences(history))
    history.fold(ModeLosses("BN", 300, [2, 90], [0.2, 0.2], [0.21, 0.4]))
    assert any("training mode" in text for text in sentences(history))


def test_a_loss_that_is_not_finite_in_evaluation_mode_alone_is_said() -> None:
    modes = ModeLosses("BN", 50, [1, 90, 1024], [2.0, 2.25, None], [None, None, None])
    texts = sentences(run(told(0, plain=wavy(1, 100), bn=wavy(1, 100)), modes))
    assert texts[0] == (
        "BN's loss on the first 90 is not finite in evaluation mode (step 50);"
        " it is 2.25 in training mode."
    )
    unmeasured = ModeLosses("BN", 50, [90, 1024], [2.25, None], [2.25, None])
    texts = sentences(run(told(0, plain=wavy(1, 100), bn=wavy(1, 100)), unmeasured))
    assert not any("finite" in text for text in texts)


def test_an_older_measurement_is_said_with_its_step() -> None:
    flat = Activations("no BN", 0, 60, 1000, [500, *[0] * 48, 500], 0.996)
    half = Activations("BN", 0, 60, 1000, [500, *[0] * 48, 500], 0.5)
    gap = ModeLosses("BN", 60, [1], [11.6], [0.356])
    begun = told(0, plain=wavy(2, 60), bn=wavy(1, 60)), flat, half, gap
    assert not any("(step" in text for text in sentences(run(*begun)))
    later = " ".join(sentences(run(*begun, told(60, plain=wavy(2, 40), bn=wavy(1, 40)))))
    assert "outputs are saturated (step 60)" in later
    assert "99.6% against 50.0% (step 60)" in later
    assert "0.356 in evaluation mode (step 60)" in later


def test_shares_that_read_alike_are_not_set_against_each_other() -> None:
    shares = (
        Activations(n, 0, 60, 1000, [20] * 50, s) for n, s in (("no BN", 0.28), ("BN", 0.2801))
    )
    texts = sentences(run(told(0, plain=wavy(2, 60), bn=wavy(1, 60)), *shares))
    assert not any("against" in text for text in texts)


def test_a_validation_curve_is_of_one_sample() -> None:
    measured = [
        SplitLosses("BN", step, {"validation": loss}, {"validation": n})
        for step, loss, n in ((0, 3.0, 985), (50, 2.4, 22_655), (60, 2.5, 985))
    ]
    history = run(told(0, plain=wavy(2, 60), bn=wavy(1, 60)), *measured)
    curve = history.arms["BN"].split_curve("validation")
    assert [event.step for event in curve] == [0, 60]


def test_of_one_step_a_sample_and_all_are_both_kept() -> None:
    measured = [
        SplitLosses("BN", 60, {"validation": loss}, {"validation": n})
        for loss, n in ((2.5, 985), (2.4, 22_655), (2.6, 985))
    ]
    history = run(told(0, plain=wavy(2, 60), bn=wavy(1, 60)), *measured)
    arm = history.arms["BN"]
    assert [e.losses["validation"] for e in arm.measured(SplitLosses)] == [2.4, 2.6]


def test_a_curve_of_both_modes_is_of_an_n_that_was_measured_often() -> None:
    def modes(step: int, *known: float | None) -> ModeLosses:
        return ModeLosses("BN", step, [1, 1024, 65_536], list(known), list(known))

    often = [modes(step, 3.0, 2.0, None) for step in (0, 20, 40)]
    diverged = modes(60, None, None, None)
    arm = ArmHistory("bn")
    assert arm.mode_curve() == (0, [])
    arm.modes = [*often, modes(50, 3.0, 2.0, 1.0), diverged]
    assert arm.mode_curve() == (1024, arm.modes)
