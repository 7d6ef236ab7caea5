"""The bench prints every figure there is; how fast anything is, no test says."""

import os
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from bntui.bench import command, engine, live, opening, terminal, watching
from bntui.bench.figure import Figure, Measurement, Repeats, UnavailableError, in_turn
from bntui.bench.figures import FIGURES
from bntui.bench.grow import SIZES
from bntui.bench.reference import Modules, Notebook
from bntui.cli.main import cli
from bntui.config.schema import NOTEBOOK_WORDS
from bntui.core.training.dataset import Dataset
from bntui.errors import InputError
from bntui.watch.monitor import MONITOR

TORCH = version("torch")
"""As it is installed; `torch.__version__` may add what it was built for."""


def bench(*options: str) -> Result:
    environment = {"COLUMNS": "200"}
    result = CliRunner().invoke(cli, ["bench", *options], catch_exceptions=False, env=environment)
    assert result.exit_code == 0
    return result


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A glance that is shorter still."""
    monkeypatch.setattr(command, "QUICK", Repeats(2, 0.001))


def counted(values: list[float]) -> Figure:
    """A figure that need not be measured."""
    return Figure("counted", "one over other", "at most", 2.0, "ms", lambda _: Measurement(values))


def beside() -> Figure:
    """One without a goal."""
    return Figure("beside", "another", "at most", None, "x", lambda _: Measurement([1.0], [1.0]))


def missing() -> Figure:
    """One that cannot be measured."""

    def measure(repeats: Repeats) -> Measurement:
        raise UnavailableError("not there")

    return Figure("missing", "a third", "at least", 1.0, "x", measure)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("figure", [f for f in FIGURES if f.name.startswith(("engine", "layer"))])
def test_a_figure_is_measured_as_often_as_asked(figure: Figure) -> None:
    results = msgspec.json.decode(bench("--quick", "--json", "--only", figure.name).stdout)
    (record,) = results["figures"]
    assert record["name"] == figure.name
    assert record["goal"] == figure.goal
    assert len(record["values"]) == 2
    assert 0 < record["min"] <= record["median"] <= record["max"]
    assert record["cpu_median"] > 0
    assert results["machine"]["cores"] == os.cpu_count()
    assert results["machine"]["torch"] == TORCH


def test_results_and_goals_are_two_tables_under_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "FIGURES", (counted([3.0, 1.0, 1.5]), beside(), missing()))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 0.0, 0.0))
    done = bench()
    machine, results, goals = re.split(r" *(?:Results|Goals) *\n", done.stdout)
    assert f"torch {TORCH} " in machine
    assert f"{os.cpu_count()} cores · load 0.1" in machine
    assert all(number in results for number in ("1.50 ms", "1.00", "3.00"))
    assert "not there" in results
    assert re.search("counted .*≤ 2 ms .*1.50 .* met", goals)
    assert "beside" not in goals
    assert "~" not in done.stdout
    assert "measuring missing, 3 of 3" in done.stderr


def test_a_machine_that_is_not_quiet_marks_the_figures_that_depend_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "FIGURES", (counted([3.0]), replace(beside(), quiet=False)))
    monkeypatch.setattr(os, "getloadavg", lambda: (7.25, 0.0, 0.0))
    shown = bench().stdout
    assert "The machine was not quiet when this began (load 7.2, quiet is at most 0.5)" in shown
    assert "~ 3.00 ms" in shown
    assert "~ 1.00" not in shown
    assert "not met" in shown


def test_earlier_results_stand_beside_todays_with_the_ratio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier.json"
    monkeypatch.setattr(command, "FIGURES", (counted([4.0]),))
    earlier.write_text(bench("--json").stdout, encoding="utf-8")
    monkeypatch.setattr(command, "FIGURES", (counted([5.0]), beside()))
    shown = bench("--compare", str(earlier)).stdout
    assert "Compared with bntui" in shown
    assert re.search(r"5.00 ms .* 4.00 +│ 1.25", shown)
    assert re.search("beside .*not", shown)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("[]", "is not what bntui bench --json prints"),
        ("[" * 100_000, "is not what bntui bench --json prints"),
        ("a pipe", r"cannot be read \(not a regular file\)"),
    ],
)
def test_an_earlier_file_that_cannot_be_used_is_named(
    content: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "earlier.json"
    if content == "a pipe":
        os.mkfifo(path)
    elif content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=rf"--compare .*earlier.json {said}"):
        bench("--compare", str(path))
    with pytest.raises(InputError, match="--grow measures none"):
        bench("--compare", str(path), "--grow")


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", ["watch-mlp", "watch-hooks"])
def test_watching_is_measured_in_turns_and_leaves_nothing(name: str) -> None:
    (record,) = msgspec.json.decode(bench("--quick", "--json", "--only", name).stdout)["figures"]
    assert record["cpu_median"] > 0
    assert not MONITOR.listeners


def test_without_wandb_nothing_is_compared_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "find_spec", lambda name: None)
    (record,) = msgspec.json.decode(bench("--json", "--only", "watch-wandb").stdout)["figures"]
    assert record["missing"] == "wandb is not installed"
    assert record["median"] is None


def test_the_live_screen_is_measured_and_what_is_not_shown_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brief = Repeats(1, 0.05)
    monkeypatch.setattr(live, "FULL_SPEED", (*live.BNTUI, "--hidden", "8", "--pace", "100"))
    monkeypatch.setattr(live, "WARM_UP", 0.0)
    assert len(live.bytes_small(brief).values) == 1
    assert live.key(brief).median > 0
    monkeypatch.setattr(live, "LONG", 1_000)
    assert live.key_on_log(brief).median > 0
    assert live.key_beside_script(brief).median > 0
    monkeypatch.setattr(opening, "LOG_STEPS", 1_000)
    assert opening.scrub(brief).median > 0
    monkeypatch.setattr(terminal, "PATIENCE", 0.5)
    monkeypatch.setattr(live, "UP", "words of an earlier version")
    monkeypatch.setattr(command, "FIGURES", (replace(beside(), measure=live.key), counted([3.0])))
    shown = bench("--quick").stdout
    assert "'words of an earlier version' was not shown" in " ".join(shown.split())
    assert "3.00 ms" in shown


@pytest.mark.usefixtures("short")
def test_growth_has_a_row_for_every_size() -> None:
    records = msgspec.json.decode(bench("--grow", "--quick", "--json").stdout)
    wanted = [(name, size) for name, sizes in SIZES.items() for size in sizes]
    assert [(record["option"], record["size"]) for record in records] == wanted
    assert all(ratio > 0 for record in records for ratio in record["ratios"])


def test_no_figure_of_that_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Exception, match=r"--only is nonsense, .* engine-notebook"):
        bench("--only", "nonsense")


def test_names_are_unique() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)


def test_sides_take_turns() -> None:
    turns = []

    def side(name: str, rate: float) -> float:
        turns.append(name)
        return rate

    measured = in_turn(lambda _: side("a", 6.0), lambda _: side("b", 2.0), Repeats(2, 1.0))
    assert "".join(turns) == "ab" * 3
    assert measured.values == pytest.approx([3.0, 3.0])


@pytest.mark.parametrize("kind", [Notebook, Modules])
def test_what_is_compared_with_learns(kind: type[Notebook] | type[Modules]) -> None:
    config = engine.NOTEBOOK
    learner = kind(config, Dataset(NOTEBOOK_WORDS, config.block_size, config.context))
    learner.advance(150)
    for losses in learner.losses:
        assert len(losses) == 150
        assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
