"""The doctor in the lab: its page, its findings in the line above the keys, and how often."""

from typing import Any

import pytest

from bntui.config.schema import RunConfig
from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding as DoctorFinding
from bntui.history.history import folded
from bntui.protocol import AnyEvent, Ladder, State
from bntui.tui.watched.doctor import said
from bntui.tui.watched.lab_doctor import EXAMINE_EVERY, LabDoctor
from tests.scripted import beginning, hello, steps
from tests.tui.screen import lab


def some(count: int = 200, **settings: Any) -> list[AnyEvent]:
    return [*(hello(RunConfig(**settings)), *beginning()[1:]), *steps(0, count)]


@pytest.mark.parametrize(
    ("settings", "rule", "evidence", "plotted"),
    [
        ({"momentum": 0.0}, "momentum-zero", "200 batches have changed nothing", "momentum"),
        ({"momentum": 0.001}, "ema-lag", "initial values still weigh 82%", "initial_weight"),
        ({"batch_size": 1}, "tiny-batch", "1 value a channel, of 1 example", "usual_n"),
    ],
)
async def test_the_labs_faults_are_the_catalogues(
    settings: dict[str, Any], rule: str, evidence: str, plotted: str
) -> None:
    declared = RULES[rule]
    async with lab(some(**settings), (120, 40)) as it:
        line = next(row for row in it.text.splitlines() if "● BN hidden 1: " in row)
        assert evidence in line
        text = await it.after("0")
        assert "0 Doctor" in text
        assert evidence in text
        assert f"Fix: {declared.fix[:30]}" in text
        assert f"\n{plotted}\n" in "\n".join(row.strip() for row in text.splitlines())
        assert f"limit {declared.limit:g}" in text
        explained = await it.after("question_mark")
        assert f"{rule}: {declared.title}" in explained
        assert declared.symptom[:30] in explained


async def test_up_and_down_choose_and_enter_goes_to_the_step() -> None:
    async with lab(some(momentum=0.001)) as it:
        assert "▶ warning hidden 1" in await it.after("down", "0")
        assert "▶ info    hidden 1" in await it.after("down")
        assert "▶ warning hidden 1" in await it.after("up")
        assert "as of 62 " in await it.after("enter")
        assert "Loss" in it.text.splitlines()[1]


async def test_what_is_gone_is_not_counted_as_a_warning() -> None:
    """Nor called one where 80 columns leave no room to say when it was over."""
    async with lab(some(400, momentum=0.01, bias=False)) as it:
        text = await it.after("0")
        assert "Doctor  1 gone" in text
        assert "▶ gone    hidden 1: Running statistics lag" in text
        assert "(resolved at step 300)" in " ".join(text.split())


async def test_a_gap_between_the_modes_is_plotted_against_its_limit() -> None:
    gaps = [
        Ladder("BN", step, 90, 0.2 + step / 100, 0.2, [90], [0.2], [0.2]) for step in (50, 100, 200)
    ]
    async with lab([*some(momentum=0.0), *gaps]) as it:
        assert "Doctor  2 errors · 1 info" in await it.after("0")
        text = await it.after("down")
        assert "The loss is 2.2 by running statistics, 0.2 by the batch's own" in text
        assert "limit 0.1" in text
        assert "\ngap\n" in "\n".join(row.strip() for row in text.splitlines())


def test_the_findings_line_keeps_its_numbers_at_80_columns() -> None:
    layers = ["hidden 1", "hidden 2", "hidden 3"]
    gap = "The loss is 0.000561 by running statistics, 0.000221 by the batch's own and 0.000222"
    found = [
        DoctorFinding(
            "train-eval-gap", "error", "BN", [], f"{gap} recalibrated, on the same data."
        ),
        DoctorFinding(
            "ema-lag",
            "warning",
            "BN",
            layers,
            "The initial values still weigh 82% after 5,000 updates at momentum 0.001.",
        ),
        DoctorFinding(
            "update-without-step",
            "warning",
            "",
            ["bn1", "bn2", "bn3"],
            "80 batches went through in train mode without a backward pass, 1.39 sd from those "
            "trained on.",
        ),
    ]
    assert [said(each, each.model).sentence(76) for each in found] == [
        "BN: loss 0.000561 (running), 0.000221 (batch) and 0.000222 recalibrated.",
        "BN hidden 1 and 2 more: initial weight 82% after 5,000 at momentum 0.001.",
        "bn1 and 2 more: 80 batches passed in train without backward, 1.39 sd off.",
    ]
    wide = said(found[0], "BN").sentence(200)
    assert wide.startswith(f"BN: t{gap[1:]}")
    assert wide.endswith("; a gap that recalibration removes.")


async def test_a_healthy_run_has_no_error_or_warning() -> None:
    async with lab(some(bias=False), (120, 40)) as it:
        assert "Nothing found so far." in await it.after("0")
        assert "BN hidden 1" not in it.text


def test_a_run_that_goes_on_is_examined_once_a_second_and_at_once_when_it_rests() -> None:
    now = [0.0]
    doctor = LabDoctor(lambda: now[0])
    history = folded(some(momentum=0.0))
    first = doctor.view(history, live=True)
    assert doctor.view(history, live=True) is first
    for event in steps(200, 10):
        history.fold(event)
    now[0] = EXAMINE_EVERY / 2
    assert doctor.view(history, live=True) is first
    assert doctor.view(history, live=False) is not first
    second = doctor.view(history, live=True)
    for event in steps(210, 10):
        history.fold(event)
    now[0] += EXAMINE_EVERY
    third = doctor.view(history, live=True)
    assert third is not second
    history.fold(State("paused", 220, None))
    assert doctor.view(history, live=True) is not third
    history.fold(hello())
    assert not doctor.findings(history, live=True)
