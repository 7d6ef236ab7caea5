"""Verdicts from made-up outcomes: what they may say, and what they may not."""

import csv
from io import StringIO

from bntui.sweep.events import Outcome
from bntui.sweep.plan import Plan
from bntui.sweep.report import as_json, power_sentence, write_csv
from bntui.sweep.results import CellResult, results, sentence
from tests.sweep.made_up import outcome, plan

NO, BN = "no BN", "BN"


def outcomes(made: Plan, differences: list[list[float]]) -> dict[str, Outcome]:
    """Of each cell's seeds, BN's loss is so much above no BN's."""
    found = {}
    for job in made.jobs():
        cell = made.cells.index(job.cell)
        base = 1.0 + 0.01 * job.seed
        difference = differences[cell][job.seed - made.base.seed]
        found[job.key] = outcome(job, {NO: base, BN: base + difference})
    return found


def test_a_difference_of_one_sign_in_enough_seeds_is_a_verdict() -> None:
    made = plan(8)
    up = [0.1 + 0.01 * i for i in range(8)]
    low, high = results(made, outcomes(made, [[-x for x in up], up]))
    assert (low.verdict, high.verdict) == ("lower", "higher")
    assert low.mean is not None
    assert abs(low.mean + 0.135) < 1e-9
    assert low.raw_p == high.raw_p == 2 / 256
    assert low.p == high.p == 2 * 2 / 256
    assert low.test == "loss"
    assert high.interval is not None
    assert 0.1 < high.interval.low < 0.135 < high.interval.high < 0.17


def test_too_few_seeds_decide_nothing_however_large_the_difference() -> None:
    made = plan(6)
    found = results(
        made, outcomes(made, [[5.0 + i for i in range(6)], [-9.0 - i for i in range(6)]])
    )
    assert [one.verdict for one in found] == ["undecided", "undecided"]
    assert "no cell can be decided" in power_sentence(made)
    assert "7 seeds" in power_sentence(made)
    assert "Undecided: lr=0.1, lr=1." in sentence(made, found)


def test_divergence_is_an_outcome_of_its_own() -> None:
    made = plan(8)
    found = {
        job.key: outcome(job, {NO: None, BN: 0.3})
        if job.cell.label == "lr=1"
        else outcome(job, {NO: 0.2, BN: 0.2 + 0.01 * (-1) ** job.seed})
        for job in made.jobs()
    }
    calm, wild = results(made, found)
    assert calm.verdict == "undecided"
    assert wild.verdict == "diverges less"
    assert wild.diverged == (8, 0)
    assert wild.mean is None
    assert wild.differences == []
    assert "diverges less often in lr=1" in sentence(made, [calm, wild])


def test_a_diverged_run_is_in_no_mean() -> None:
    made = plan(8)
    jobs = list(made.jobs())
    found = {job.key: outcome(job, {NO: 1.0, BN: 1.5}) for job in jobs}
    found[jobs[0].key] = outcome(jobs[0], {NO: 1.0, BN: None})
    first = results(made, found)[0]
    assert first.seeds == 8
    assert first.mean == 0.5
    assert len(first.differences) == 7
    assert first.diverged == (0, 1)


def test_a_sweep_without_a_finished_run_says_so() -> None:
    made = plan(3)
    found = results(made, {})
    assert {one.verdict for one in found} == {"no runs"}
    assert sentence(made, found) == "No run is finished yet."


def test_equal_networks_are_undecided() -> None:
    made = plan(10)
    found = results(made, outcomes(made, [[0.0] * 10, [0.0] * 10]))
    assert {one.verdict for one in found} == {"undecided"}


def test_the_table_leaves_as_csv_and_json() -> None:
    made = plan(8)
    found: list[CellResult] = results(made, outcomes(made, [[0.5] * 8, [0.25] * 8]))
    file = StringIO()
    write_csv(found, file)
    file.seek(0)
    first, second = csv.DictReader(file)
    assert (first["cell"], first["control"], first["treated"]) == ("lr=0.1", "no BN", "BN")
    assert (first["seeds"], first["mean_difference"], first["low"]) == ("8", "0.5", "0.5")
    assert (second["test"], second["p_holm"], second["verdict"]) == ("loss", "0.015625", "higher")
    assert second["steps_treated"] == ""
    assert '"verdict":"' in as_json(made, found)
