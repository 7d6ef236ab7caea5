"""`bntui sweep`: a grid run without a screen, stopped, resumed, shown again, exported."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bntui.cli.main import cli
from bntui.errors import InputError
from bntui.sweep import runner
from bntui.sweep.plan import make_plan, parse_vary
from bntui.sweep.store import SweepStore, sweeps_directory
from tests.sweep.made_up import outcome, plan

pytestmark = pytest.mark.skipif(not find_spec("distributed"), reason="needs distributed")

PROGRAM = [sys.executable, "-W", "ignore", "-m", "bntui", "sweep"]
"""Executed, not forked (-W): a fork of a process that has used dask starts no workers."""

SMALL = ("--hidden", "8", "--emb", "2", "--batch-size", "4", "--workers", "1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "bntui" / "sweeps"


def sweep(*options: str) -> Result:
    return CliRunner().invoke(
        cli, ["sweep", *options], catch_exceptions=False, standalone_mode=False
    )


def stored(seeds: int = 8, missing: int = 0) -> SweepStore:
    """A sweep of made-up outcomes: BN is worse by 0.1 and more at the first learning rate."""
    made = plan(seeds)
    store = SweepStore.create(sweeps_directory() / "one", made)
    for job in list(made.jobs())[missing:]:
        difference = 0.1 + job.seed / 1000 if job.cell.label == "lr=0.1" else 0.0
        store.save(outcome(job, {"no BN": 1.0, "BN": 1.0 + difference}), b"")
    return store


def test_a_killed_sweep_goes_on_where_it_was_until_ctrl_c_ends_it_in_one_sentence(
    home: Path,
) -> None:
    command = [*PROGRAM, "--vary", "lr=0.1,0.2", "--seeds", "2"]
    command += ["--name", "one", "--steps", "200", "--json", *SMALL]

    def begin() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def until_done(process: subprocess.Popen[bytes]) -> list[str]:
        """Read to the first run that is done; the keys of those that were done before."""
        assert process.stdout
        before: list[str] = []
        for event in map(json.loads, process.stdout):
            if event["event"] == "donebefore":
                before = [one["key"] for one in event["outcomes"]]
            if event["event"] == "jobdone":
                assert event["outcome"]["key"] not in before
                return before
        raise AssertionError("no run is done")

    with begin() as first:
        assert until_done(first) == []
        first.kill()
    kept = {log.name: log.stat().st_mtime_ns for log in (home / "one").glob("*.gz")}
    assert kept
    with begin() as again:
        assert {f"{key}.jsonl.gz" for key in until_done(again)} == kept.keys()
        os.killpg(again.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        _, errors = again.communicate(timeout=180)
    assert again.returncode == 130
    assert errors.decode() == "Stopped; the same command runs what is left.\n"
    logs = {log.name: log.stat().st_mtime_ns for log in (home / "one").glob("*.gz")}
    assert len(logs) > len(kept)
    assert all(logs[name] == when for name, when in kept.items())


def test_a_finished_sweep_is_shown_as_a_table() -> None:
    stored()
    shown = sweep("--open", "one")
    assert shown.return_value == 0
    assert "BN ends with a higher loss in lr=0.1. Undecided: lr=1." in " ".join(
        shown.stdout.split()
    )
    assert "0.016" in shown.stdout
    (first, second) = csv.DictReader(io.StringIO(sweep("--open", "one", "--csv").stdout))
    assert (first["cell"], first["verdict"]) == ("lr=0.1", "higher")
    assert second["verdict"] == "undecided"
    result = json.loads(sweep("--open", "one", "--json").stdout)
    assert [cell["verdict"] for cell in result["cells"]] == ["higher", "undecided"]


def test_an_unfinished_one_says_how_many_runs_are_missing() -> None:
    stored(missing=3)
    shown = sweep("--open", "one")
    assert "3 runs are missing; the same command runs them." in shown.stderr
    assert "So far:" in shown.stdout
    assert shown.return_value == 1


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_figure_is_drawn(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    stored()
    assert sweep("--open", "one", "--figure", str(tmp_path / f"one.{kind}")).return_value == 0
    head = (tmp_path / f"one.{kind}").read_bytes()[:200]
    assert head.startswith(b"\x89PNG") or b"<?xml" in head


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "Say what to vary"),
        (("--vary", "depht=1"), "depht"),
        (("--claim", "magic"), "magic"),
        (("--claim", "ghost", "--ghost", "8"), "cannot be fixed"),
        (("--vary", "lr=1", "--seeds", "33"), "33"),
        (("--vary", "lr=1", "--name", "a/b"), "a/b"),
        (("--vary", "lr=1", "--data", "/nowhere.txt"), "nowhere"),
        (("--vary", "lr=1", "--seed", str(2**63 - 1)), "--seed"),
        (("--open", "nothing"), "no sweep named nothing"),
        (("--open", "one", "--figure", "one.xyz"), "one.xyz"),
        (("--vary", "lr=1,2", "--figure", "a" * 300 + ".png"), "cannot be written"),
        (("--vary", "lr=1,2", "--figure", "none/one.png"), "No such file or directory"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    home: Path, options: tuple[str, ...], named: str
) -> None:
    with pytest.raises(Exception, match=named) as refused:
        CliRunner().invoke(cli, ["sweep", *options], catch_exceptions=False, standalone_mode=False)
    assert "\n" not in str(refused.value)
    assert not home.exists()


def test_a_claims_setting_given_as_an_option_is_not_varied() -> None:
    stored()
    with pytest.raises(InputError, match="other settings or data"):
        sweep("--claim", "lr", "--placement", "all", "--name", "one")


def test_a_data_file_that_changed_is_another_sweep(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("anna\notto\nhannah\n")
    made = make_plan(
        plan(1, data=str(words)).base, [parse_vary("lr=0.1")], 1, words="digest of other words"
    )
    SweepStore.create(sweeps_directory() / "one", made)
    options = ("--vary", "lr=0.1", "--seeds", "1", "--steps", "10", "--data", str(words))
    with pytest.raises(InputError, match="other settings or data"):
        sweep(*options, "--name", "one")


def test_without_the_extra_the_sentence_names_the_command(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError) as refused:
        sweep("--claim", "lr")
    assert str(refused.value) == runner.INSTALL
    assert not home.exists()
