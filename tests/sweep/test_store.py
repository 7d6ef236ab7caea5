"""A sweep's directory: nothing lost by a kill, nothing run twice."""

import errno
import fcntl
import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bntui.config import RunConfig
from bntui.errors import InputError
from bntui.sweep.plan import Vary
from bntui.sweep.store import INDEX, UNFINISHED, SweepStore, default_name
from tests.sweep.made_up import outcome, plan


def test_what_is_saved_is_there_again(tmp_path: Path) -> None:
    made = plan(2)
    store = SweepStore.create(tmp_path / "one", made)
    for job in made.jobs():
        store.save(outcome(job, {"BN": 0.5}), b"log")
    again = SweepStore(tmp_path / "one")
    assert again.plan() == made
    assert list(again.outcomes()) == [job.key for job in made.jobs()]
    assert again.log_path("lr=0.1_seed=42").read_bytes() == b"log"


def test_saving_twice_keeps_the_last(tmp_path: Path) -> None:
    made = plan(1)
    store = SweepStore.create(tmp_path / "one", made)
    job = next(made.jobs())
    store.save(outcome(job, {"BN": 0.5}), b"first")
    store.save(outcome(job, {"BN": 0.25}), b"second")
    assert store.outcomes()[job.key].losses == {"BN": 0.25}
    assert store.log_path(job.key).read_bytes() == b"second"


def test_a_torn_index_costs_its_torn_line_alone(tmp_path: Path) -> None:
    made = plan(2)
    store = SweepStore.create(tmp_path / "one", made)
    first, second, third, _ = made.jobs()
    store.save(outcome(first, {"BN": 0.5}), b"log")
    store.save(outcome(second, {"BN": 0.5}), b"log")
    index = store.directory / INDEX
    os.truncate(index, index.stat().st_size - 20)
    assert list(store.outcomes()) == [first.key]
    store.save(outcome(third, {"BN": 0.5}), b"log")
    assert list(store.outcomes()) == [first.key, third.key]


def test_an_outcome_without_its_log_does_not_count(tmp_path: Path) -> None:
    made = plan(1)
    store = SweepStore.create(tmp_path / "one", made)
    job = next(made.jobs())
    store.save(outcome(job, {"BN": 0.5}), b"log")
    store.log_path(job.key).unlink()
    assert store.outcomes() == {}


def test_more_seeds_go_on_and_other_settings_are_refused(tmp_path: Path) -> None:
    made = plan(2)
    assert default_name(made) == default_name(plan(9))
    assert default_name(made) != default_name(plan(2, depth=2))
    SweepStore.create(tmp_path / "one", made)
    SweepStore.create(tmp_path / "one", plan(9))
    with pytest.raises(InputError, match="other settings"):
        SweepStore.create(tmp_path / "one", replace(made, base=replace(made.base, depth=2)))


def test_a_sweep_is_not_run_twice_at_once(tmp_path: Path) -> None:
    store = SweepStore.create(tmp_path / "one", plan(1))
    with (
        store.running(),
        pytest.raises(InputError, match="running already"),
        SweepStore.create(tmp_path / "one", plan(1)).running(),
    ):
        pass
    with store.running():
        pass


DEEP = b'{"more":' + b"[" * 100_000


@pytest.mark.parametrize("text", [b"", b"{", b'{"base":1}', b"\xff\x00", b"[" * 100_000, DEEP])
def test_a_plan_that_is_none_is_one_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "plan.json").write_bytes(text)
    with pytest.raises(InputError, match="cannot be read"):
        SweepStore(tmp_path / "one").plan()


LR = Vary("lr", [0.1, 1.0])


@pytest.mark.parametrize(
    "changes",
    [
        {"vary": [Vary("nothing", [1])]},
        {"vary": [Vary("arms", ["a", "b"])]},
        {"vary": [Vary("lr", [])]},
        {"vary": [Vary("depth", ["deep"])]},
        {"vary": [Vary("lr", [-1.0])]},
        {"vary": [LR, LR]},
        {"vary": [Vary(name, [i / 100 for i in range(1, 100)]) for name in ("lr", "gain", "eps")]},
        {"seeds": 0},
        {"seeds": 10**18},
        {"against": "depth"},
        {"base": RunConfig(arms=("bn",))},
        {"base": RunConfig(seed=2**63 - 1)},
    ],
    ids=repr,
)
def test_a_plan_that_no_command_would_make_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    (tmp_path / "one").mkdir()
    made = replace(plan(2), **changes)
    (tmp_path / "one" / "plan.json").write_bytes(msgspec.json.encode(made))
    with pytest.raises(InputError, match="The plan of the sweep one cannot be read"):
        SweepStore(tmp_path / "one").plan()


def test_what_a_sweep_holds_is_cleaned_and_bounded(tmp_path: Path) -> None:
    """Files from elsewhere: control characters, and numbers whose squares are infinite."""
    made = plan(2, preset="\x1b]0;title\x07")
    store = SweepStore.create(tmp_path / "one", made)
    assert store.plan().base.preset == "\N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}"
    good, large, far, _ = made.jobs()
    store.save(outcome(large, {"BN": 1e300}), b"log")
    store.save(replace(outcome(far, {"BN": 0.5}), steps=10**30), b"log")
    store.save(outcome(good, {"B\x1bN": 0.5}), b"log")
    with (store.directory / INDEX).open("ab") as index:
        index.write(DEEP + b"\n")
    assert [one.losses for one in store.outcomes().values()] == [
        {"B\N{REPLACEMENT CHARACTER}N": 0.5}
    ]


@pytest.mark.parametrize("name", ["plan.json", INDEX])
def test_a_fifo_in_place_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    store = SweepStore.create(tmp_path / "one", plan(1))
    (store.directory / name).unlink(missing_ok=True)
    os.mkfifo(store.directory / name)
    with pytest.raises(InputError, match="not a regular file"):
        (store.plan(), store.outcomes())


def test_a_sweep_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sweep named nothing"):
        SweepStore(tmp_path / "nothing").plan()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_files_cannot_be_locked_a_sweep_runs_and_keeps_what_another_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def flock(file: object, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    store = SweepStore.create(tmp_path / "one", plan(1))
    unfinished = tmp_path / "one" / f"{UNFINISHED}7-plan.json"
    unfinished.touch()
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with store.running() as locked, store.running() as again:
            assert (locked, again) == (False, False)
    assert unfinished.exists()
    with store.running() as locked:
        assert locked
    assert not unfinished.exists()
