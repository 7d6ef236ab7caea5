"""Every planted fault is found, and the run without one has no finding."""

import pytest
from click.testing import CliRunner

from bntui.cli.bug import FAULT_COUNT
from bntui.cli.main import cli
from bntui.doctor.catalogue import RULES
from bntui.watch.bugs import training
from bntui.watch.bugs.faults import FAULTS
from bntui.watch.bugs.training import Training


def test_faults_are_rules_and_as_many_as_the_command_says() -> None:
    assert set(FAULTS) <= set(RULES)
    assert len(FAULTS) == FAULT_COUNT


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    assert name in {finding.rule for finding in FAULTS[name](1).run().findings}


def test_sorted_classes_are_guessed_as_the_class_before() -> None:
    assert FAULTS["non-iid-batches"](1).run().score.trained_accuracy < 0.2


def test_without_a_fault_nothing_is_found() -> None:
    outcome = Training(1).run()
    assert outcome.findings == []
    assert outcome.score.eval_accuracy > 0.9
    assert outcome.score.trained_accuracy > 0.9


def test_what_follows_from_the_fault_is_not_the_fault() -> None:
    place = sorted(FAULTS).index("never-updated") + 1
    _, shown = bug_lab("--fault", "4", keys=f"n\n{place}\ng\n")
    assert "The fault was momentum-zero" in shown
    assert "never-updated holds as well, but something else is behind it." in shown


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs too short to find anything in, where only the dialogue is looked at."""
    monkeypatch.setattr(training, "EPOCHS", 2)


def bug_lab(*args: str, keys: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["bug-lab", "--seed", "3", *args], keys, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value, done.output


@pytest.mark.usefixtures("short")
def test_a_scripted_answer_is_right_or_wrong_and_the_fix_is_shown() -> None:
    code, shown = bug_lab("--fault", "5", "--answer", "dead-bias")
    assert code == 1
    planted = shown.split("The fault was ")[1].split(":")[0]
    code, shown = bug_lab("--fault", "5", "--answer", planted)
    assert code == 0
    assert f"Fix: {RULES[planted].fix}" in shown
    assert shown.count("in eval mode") == 2


@pytest.mark.usefixtures("short")
def test_the_dialogue() -> None:
    """Look, ask, answer with every number in turn until one is right."""
    keys = "l\nd\n" + "".join(f"n\n{place}\n" for place in range(1, FAULT_COUNT + 1))
    code, shown = bug_lab(keys=keys)
    assert code == 0
    assert "momentum" in shown
    assert shown.index("Right.") < shown.index("The same run without the fault:")
    assert max(map(len, shown.splitlines())) < 80
    assert "The fault was" in bug_lab(keys="g\n")[1]
