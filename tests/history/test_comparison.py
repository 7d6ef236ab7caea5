"""Comparing runs: which belong together, what differs, and what is said of their losses."""

import re
from collections.abc import Iterable
from math import sin
from pathlib import Path

import pytest

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.history.comparison import (
    Entry,
    Group,
    check_comparable,
    common_steps,
    compared,
    differences,
    grouped,
    mean_and_spread,
)
from bntui.history.history import folded
from bntui.protocol import AnyEvent, Changed, ModeLosses, SplitLosses, Steps
from bntui.protocol.codec import encode
from bntui.tui.screens.compare import table
from tests.scripted import ScriptedSource, beginning, hello
from tests.watched_events import watched_run


def run(name: str, config: RunConfig, *events: AnyEvent) -> Entry:
    return Entry(name, ScriptedSource([]), folded([hello(config), *events]))


def losses(level: float, count: int = 200) -> Steps:
    """Losses around a level, with the batches' noise, which every network shares."""
    noise = [0.3 * sin(i * 1.7) for i in range(count)]
    return Steps(0, 1.0, {n: [level + x for x in noise] for n in ("no BN", "BN")})


def modes(loss: float, step: int = 200) -> list[AnyEvent]:
    return [ModeLosses(n, step, [1, 90], [9.0, loss], [8.0, loss]) for n in ("no BN", "BN")]


def said(*runs: Entry) -> list[str]:
    return compared(grouped(runs))


def test_runs_that_differ_only_in_seed_and_pace_are_one_group() -> None:
    runs = [run(f"r{i}", RunConfig(seed=i, pace=100.0 * i)) for i in (1, 2, 3)]
    groups = grouped([*runs, run("other", RunConfig(seed=1, lr=1.0))])
    assert [(group.letter, len(group.runs)) for group in groups] == [("A", 3), ("B", 1)]
    assert groups[0].name == "3 seeds, as r1"
    assert groups[1].name == "other"


@pytest.mark.parametrize(
    "second",
    [
        run("repeated", RunConfig(seed=1)),
        run("changed", RunConfig(seed=2), Changed(0, "lr", 1.0, None)),
    ],
)
def test_a_repeated_seed_or_a_changed_run_is_no_further_seed(second: Entry) -> None:
    assert len(grouped([run("one", RunConfig(seed=1)), second])) == 2


def test_a_run_that_is_not_read_yet_is_left_out() -> None:
    assert grouped([Entry("unread", ScriptedSource([]))]) == []
    assert differences([]) == {}
    assert common_steps([]) == (0, 0)


def test_what_differs_is_named_and_nothing_else() -> None:
    groups = grouped([run("a", RunConfig(lr=0.5)), run("b", RunConfig(depth=3, pace=None))])
    assert differences(groups) == {"lr": ["0.5", "0.1"], "depth": ["1", "3"]}


def test_seeds_are_no_difference_where_there_are_several() -> None:
    seeds = [run(str(i), RunConfig(seed=i)) for i in (1, 2)]
    assert differences(grouped([*seeds, run("c", RunConfig(seed=3, lr=1.0))])) == {
        "lr": ["0.1", "1"]
    }


def test_the_common_steps_are_those_of_the_shortest_run() -> None:
    groups = grouped(
        [
            run("a", RunConfig(lr=1.0), losses(1.0, 900)),
            run("b", RunConfig(lr=2.0), losses(1.0, 700)),
        ]
    )
    assert common_steps(groups) == (200, 700)


def test_mean_and_spread_by_hand() -> None:
    mean, spread = mean_and_spread([1.0, 2.0, 6.0])
    assert (mean, spread) == (3.0, 7**0.5)
    assert mean_and_spread([1.0, 3.0]) == (2.0, 2**0.5)
    assert mean_and_spread([1.0]) == (1.0, None)


def test_evaluation_losses_come_first_then_the_same_batches() -> None:
    (bn, plain) = said(
        run("a", RunConfig(lr=1.0), losses(0.5), *modes(0.3)),
        run("b", RunConfig(lr=2.0), losses(0.4), *modes(0.2)),
    )
    assert bn.startswith(
        "BN of A and B: A is higher (0.3 > 0.2) in evaluation mode (n = 90); A is higher"
    )
    assert re.search(r"same batches of steps 1 to 200 \(± [\d.e-]+\);", bn)
    assert plain.startswith("no BN of A and B: ")


def test_another_width_draws_other_batches() -> None:
    (bn, _) = said(
        run("a", RunConfig(hidden=100), losses(0.5), *modes(0.3)),
        run("b", RunConfig(hidden=200), losses(0.4), *modes(0.2)),
    )
    assert "same batches" not in bn
    assert "A is higher (0.3 > 0.2) in evaluation mode" in bn


def test_a_difference_within_noise_is_called_so() -> None:
    other = [0.5 + 0.3 * sin(i * 0.9) for i in range(200)]
    (bn, _) = said(
        run("a", RunConfig(lr=1.0), losses(0.5)),
        run("b", RunConfig(lr=2.0), Steps(0, 1.0, {"no BN": list(other), "BN": list(other)})),
    )
    assert re.search(
        r"equal within noise on the same batches of [^(]+ \([\d.]+, [\d.]+, ± [\d.e-]+\);", bn
    )


def test_runs_that_end_at_different_steps_say_where() -> None:
    (bn, _) = said(
        run("a", RunConfig(lr=1.0), losses(0.5, 200), *modes(0.3)),
        run("b", RunConfig(lr=2.0), losses(0.5, 100), *modes(0.2, 100)),
    )
    assert "at steps 200 and 100" in bn
    assert "steps 1 to 100" in bn


def test_losses_that_were_measured_before_the_end_say_where() -> None:
    runs = [
        run("a", RunConfig(lr=1.0), losses(0.5), *modes(0.3, 150)),
        run("b", RunConfig(lr=2.0), losses(0.5), *modes(0.2, 150)),
    ]
    assert "(n = 90, at step 150)" in said(*runs)[0]
    rows = [str(row[-1]).partition(" / ")[2] for row in table(grouped(runs))]
    assert rows[1:] == ["0.3000, at step 150", "0.2000, at step 150"]


def test_validation_losses_are_preferred() -> None:
    def split(loss: float) -> list[AnyEvent]:
        on: dict[str, float | None] = {"train": 0.1, "validation": loss}
        return [SplitLosses(n, 200, on, {"train": 9, "validation": 9}) for n in ("no BN", "BN")]

    (bn, _) = said(
        run("a", RunConfig(lr=1.0), losses(0.5), *modes(0.3), *split(2.0)),
        run("b", RunConfig(lr=2.0), losses(0.5), *modes(0.2), *split(2.5)),
    )
    assert "B is higher (2.5 > 2.0) in evaluation mode (9 validation examples)" in bn


def test_other_data_is_not_compared() -> None:
    (bn, _) = said(run("a", RunConfig(block_size=3)), run("b", RunConfig(block_size=4)))
    assert bn.endswith("measured on different examples, so their losses do not compare.")


def test_over_seeds_the_pairs_are_counted() -> None:
    def seeds(lr: float, ends: Iterable[float]) -> list[Entry]:
        return [
            run(f"{lr}-{i}", RunConfig(seed=i, lr=lr), losses(0.5), *modes(end))
            for i, end in enumerate(ends)
        ]

    (bn, _) = said(*seeds(1.0, (0.5, 0.3, 0.4)), *seeds(2.0, (0.2, 0.35, 0.2)))
    assert bn == (
        "BN of A and B: B ends lower in 2 of 3 seeds in evaluation mode, by 0.15 on average "
        "(standard deviation 0.18)."
    )
    (bn, _) = said(*seeds(1.0, (0.5, 0.3, 0.4)), *seeds(2.0, (0.2, 0.3, 0.2)))
    assert "B ends lower in 2 of 3 seeds" in bn  # and as high in one


def test_a_missing_network_is_not_compared() -> None:
    assert said(run("a", RunConfig(arms=("none",))), run("b", RunConfig(arms=("bn",)))) == []


def test_at_most_four_configs_but_many_seeds(tmp_path) -> None:  # type: ignore[no-untyped-def]
    def logs(configs: Iterable[RunConfig]) -> list:  # type: ignore[type-arg]
        paths = []
        for i, config in enumerate(configs):
            paths.append(tmp_path / f"{i}.jsonl")
            paths[-1].write_bytes(encode(hello(config)))
        return paths

    check_comparable(logs(RunConfig(seed=i, lr=1.0 + i % 4) for i in range(12)))
    with pytest.raises(InputError, match="5 configs that differ in more than the seed"):
        check_comparable(logs(RunConfig(lr=1.0 + i) for i in range(5)))
    with pytest.raises(InputError, match="41 logs"):
        check_comparable(logs(RunConfig(seed=i) for i in range(41)))


def test_runs_of_one_kind_are_compared(tmp_path: Path) -> None:
    paths = [tmp_path / "lab.jsonl", tmp_path / "mine.jsonl"]
    for path, events in zip(paths, (beginning(), watched_run()), strict=True):
        path.write_bytes(b"".join(map(encode, events)))
    with pytest.raises(InputError, match="mine is a watched run and others are of the lab"):
        check_comparable(paths)
    assert not check_comparable(paths[1:])
    assert check_comparable([paths[1]] * 4)
    with pytest.raises(InputError, match="5 watched runs were given, but at most 4"):
        check_comparable([paths[1]] * 5)


def test_a_group_knows_its_networks() -> None:
    group = Group("A", [run("a", RunConfig())])
    assert group.networks == ["BN", "no BN"]
    assert len(group.members("BN")) == 1
    assert group.members("LN") == []
