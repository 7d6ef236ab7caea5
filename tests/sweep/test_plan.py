"""Grids: cells, jobs, and what cannot be a grid."""

import msgspec
import pytest

from bntui.config import RunConfig
from bntui.config.presets import PRESETS
from bntui.errors import InputError
from bntui.sweep.claims import CLAIMS
from bntui.sweep.plan import Plan, Vary, make_plan, parse_vary


def test_cells_are_every_combination() -> None:
    plan = make_plan(RunConfig(), [Vary("lr", [0.1, 1.0]), Vary("depth", [1, 5])], 3)
    labels = [cell.label for cell in plan.cells]
    assert labels == ["lr=0.1 depth=1", "lr=0.1 depth=5", "lr=1 depth=1", "lr=1 depth=5"]
    assert plan.job_count == 12
    assert len({job.key for job in plan.jobs()}) == 12


def test_all_cells_get_their_first_seed_before_any_gets_its_second() -> None:
    plan = make_plan(RunConfig(seed=7), [Vary("lr", [0.1, 1.0])], 2)
    assert [job.key for job in plan.jobs()] == [
        *("lr=0.1_seed=7", "lr=1_seed=7"),
        *("lr=0.1_seed=8", "lr=1_seed=8"),
    ]


def test_a_job_is_its_cell_and_seed_at_full_speed() -> None:
    plan = make_plan(PRESETS["notebook"], [parse_vary("batch-size=4,8")], 2)
    config = plan.config(list(plan.jobs())[-1])
    assert (config.batch_size, config.seed, config.pace) == (8, 43, None)
    expected = msgspec.structs.replace(PRESETS["notebook"], batch_size=8, seed=43, pace=None)
    assert config == expected


def test_against_compares_with_the_first_value_at_otherwise_equal_settings() -> None:
    base = RunConfig(arms=("bn",), batch_size=64)
    vary = [Vary("ghost", [None, 8]), Vary("lr", [0.1, 1.0])]
    plan = make_plan(base, vary, 2, against="ghost")
    assert [cell.label for cell in plan.compared] == ["ghost=8 lr=0.1", "ghost=8 lr=1"]
    assert plan.reference(plan.compared[1]).label == "ghost=none lr=1"


def test_a_plan_survives_its_file() -> None:
    plan = make_plan(RunConfig(), [parse_vary("ghost=none,8"), parse_vary("bias=yes,no")], 4)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("depht=1,2", "depht"),
        ("lr=0.1,fast", "fast"),
        ("lr=0.1,0.1", "twice"),
        ("seed=1,2", "seed"),
        ("arms=none,bn", "arms"),
        ("lr=", "empty"),
        ("", "empty"),
        ("lr=\x1b[2J", "lr"),
    ],
)
def test_what_cannot_be_varied_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(InputError, match=named) as refused:
        parse_vary(text)
    assert "\x1b" not in str(refused.value)


def test_cells_that_cannot_be_are_refused_before_anything_runs() -> None:
    with pytest.raises(InputError, match="hidden=7"):
        make_plan(RunConfig(arms=("none", "gn")), [Vary("hidden", [10, 7])], 2)
    with pytest.raises(InputError, match="2"):
        make_plan(RunConfig(arms=("bn",)), [Vary("lr", [0.1])], 2)
    with pytest.raises(InputError, match="twice"):
        make_plan(RunConfig(), [Vary("lr", [0.1]), Vary("lr", [1.0])], 2)
    grid = [Vary("hidden", [*range(1, 1001)]), Vary("depth", [*range(1, 51)])]
    with pytest.raises(InputError, match="at most"):
        make_plan(RunConfig(), grid, 10)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=str)
def test_every_claim_is_a_possible_grid_with_a_source(claim: object) -> None:
    one = CLAIMS[claim.name]  # type: ignore[attr-defined]  # parametrize types it as object
    base = msgspec.structs.replace(RunConfig(), **one.settings)
    plan = make_plan(base, list(one.vary), 10, one.against, one.name)
    assert plan.compared
    assert any(sign in one.source for sign in ("arXiv", "makemore"))
