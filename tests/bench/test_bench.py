"""The bench prints every figure there is; how fast anything is, no test says."""

import msgspec
import pytest
from click.testing import CliRunner, Result

from bntui.bench import command, engine
from bntui.bench.figure import Figure, Measurement, Repeats, in_turn
from bntui.bench.figures import FIGURES
from bntui.bench.grow import SIZES
from bntui.bench.reference import Modules, Notebook
from bntui.cli.main import cli
from bntui.config.schema import NOTEBOOK_WORDS
from bntui.core.training.dataset import Dataset


def bench(*options: str) -> Result:
    result = CliRunner().invoke(cli, ["bench", *options], catch_exceptions=False, terminal_width=80)
    assert result.exit_code == 0
    return result


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A glance that is shorter still."""
    monkeypatch.setattr(command, "QUICK", Repeats(2, 0.001))


def counted(values: list[float]) -> Figure:
    """A figure that need not be measured."""
    return Figure("counted", "one over other", "at most", 2.0, "ms", lambda _: Measurement(values))


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("figure", [f for f in FIGURES if f.name.startswith(("engine", "layer"))])
def test_a_figure_is_measured_as_often_as_asked(figure: Figure) -> None:
    (record,) = msgspec.json.decode(bench("--quick", "--json", "--only", figure.name).stdout)
    assert record["name"] == figure.name
    assert record["goal"] == figure.goal
    assert len(record["values"]) == 2
    assert 0 < record["min"] <= record["median"] <= record["max"]


def test_the_table_has_every_figure_its_goal_and_its_spread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "FIGURES", (counted([3.0, 1.0, 1.5]), counted([9.0])))
    shown = bench().stdout
    assert shown.count("counted") == 2
    assert "≤ 2 ms" in shown
    assert all(number in shown for number in ("1.50", "1.00", "3.00", "9.00"))


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
    assert measured.values == [3.0, 3.0]


@pytest.mark.parametrize("kind", [Notebook, Modules])
def test_what_is_compared_with_learns(kind: type[Notebook] | type[Modules]) -> None:
    config = engine.NOTEBOOK
    learner = kind(config, Dataset(NOTEBOOK_WORDS, config.block_size, config.context))
    learner.advance(150)
    for losses in learner.losses:
        assert len(losses) == 150
        assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
