"""The installed `bntui` as a person uses it: in a terminal, with the real engine."""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.scripted import finished_log

NOTEBOOK = json.loads((Path(__file__).parents[1] / "core/training/notebook.json").read_text())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_it_starts_draws_reacts_and_leaves_the_terminal_as_it_was(size: tuple[int, int]) -> None:
    with Terminal("--steps", "100000", size=size) as terminal:
        terminal.wait_for("running")
        terminal.wait_for("■ no BN")
        terminal.press(" ")
        terminal.wait_for("paused")
        terminal.press("4")
        terminal.wait_for("TRAIN")
        terminal.press("m")
        terminal.wait_for("EVAL")
        terminal.press("x")
        terminal.wait_for("pace max")
        terminal.press("?")
        terminal.wait_for("Esc: close")
        terminal.press("\x1b")
        terminal.wait_until_gone("Esc: close")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.left_on() == []


def test_the_notebook_at_full_speed_ends_with_its_published_losses() -> None:
    with Terminal("--pace", "max", "--steps", "501") as terminal:
        status = terminal.wait_for("finished 501/501").splitlines()[0]
        shown = [float(loss) for loss in re.findall(r"BN (\d[\d.]*)", status)]
        published = [NOTEBOOK[f"train_loss_{arm}"]["500"] for arm in ("no_bn", "bn")]
        assert shown == pytest.approx(published, abs=1e-3)
        terminal.press("q")
        assert terminal.wait() == 0


def test_divergence_is_named_and_the_other_arm_goes_on() -> None:
    with Terminal("--lr", "1000", "--steps", "200", "--pace", "max") as terminal:
        terminal.wait_for("diverged at")
        terminal.wait_for("finished")
        terminal.press("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("term", ["xterm", "screen-256color", "tmux-256color", "linux"])
def test_terminals(term: str, tmp_path: Path) -> None:
    log = finished_log(tmp_path / "run.jsonl")
    with Terminal("open", log, env={"TERM": term, "COLORTERM": ""}) as terminal:
        terminal.wait_for("finished")
        terminal.press("q")
        assert terminal.wait() == 0


def test_without_colour_the_arms_keep_their_shapes(tmp_path: Path) -> None:
    log = finished_log(tmp_path / "run.jsonl")
    with Terminal("open", log, env={"NO_COLOR": "1"}) as terminal:
        text = terminal.wait_for("finished")
        assert "■ no BN" in text
        assert "○ BN" in text
        terminal.press("q")
        assert terminal.wait() == 0


def test_the_tour_is_shown_on_the_first_start_alone_or_when_asked_for(tmp_path: Path) -> None:
    newcomer = {"XDG_STATE_HOME": str(tmp_path)}
    for args, shown in (([], True), ([], False), (["--tour"], True)):
        with Terminal(*args, env=newcomer) as terminal:
            text = terminal.wait_for("Esc: skip" if shown else "running")
            assert ("1/8 The notebook" in text) is shown
            terminal.press("q")
            assert terminal.wait() == 0


def test_a_shared_config_is_the_same_lab() -> None:
    with Terminal("--share", "notebook lr=0.5 depth=2", "--depth", "3") as terminal:
        terminal.wait_for("running")
        terminal.press("K")
        terminal.wait_for("notebook lr=0.5 depth=3")
        terminal.press("\x11")
        assert terminal.wait() == 0
