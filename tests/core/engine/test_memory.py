"""Runs that cannot fit are refused before they begin, with a number."""

import os
from pathlib import Path

import pytest

from bntui.config.schema import NOTEBOOK_WORDS, Context, RunConfig
from bntui.core.engine import memory
from bntui.core.engine.loading import Loader
from bntui.core.engine.memory import (
    Size,
    available,
    check_memory,
    is_out_of_memory,
    needed,
    needed_for,
    size_of,
)
from bntui.core.engine.session import Session
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Trainer
from bntui.errors import InputError
from bntui.protocol import Change, Changed, Event, Failed, Fork, Forked, Refused, Start, Undo
from tests.engine import EngineProcess

DATA = size_of(NOTEBOOK_WORDS, 3, "inside")


def test_weights_and_outputs_are_counted() -> None:
    """At least both networks' weights and gradients: 49 matrices of 10,000 x 10,000."""
    assert needed(RunConfig(hidden=10_000, depth=50), DATA, 2) > 2 * 2 * 49 * 10**8 * 4
    one_row, many = (needed(RunConfig(hidden=10_000, batch_size=n), DATA, 2) for n in (1, 65_536))
    assert many - one_row > 2 * 65_536 * 10_000 * 4 * 5
    weights = 2 * 4000**2
    assert needed(RunConfig(hidden=4000, depth=3, batch_size=1), DATA, 2) > 8 * weights * 4
    many_examples = Size(2**20, 27)
    assert needed(RunConfig(hidden=100), many_examples, 2) > 2 * 2**26 * 4
    shallow, deep = (needed(RunConfig(depth=n, batch_size=65_536), DATA, 2) for n in (1, 11))
    assert deep - shallow > 2 * 65_536 * 10 * 200 * 4 * 5
    assert needed(RunConfig(), DATA, 2) < 3 * 10**7


MEASURED: list[tuple[int, RunConfig]] = [
    (966, RunConfig(hidden=4000, depth=3)),
    (1102, RunConfig(hidden=2000, depth=10)),
    (1016, RunConfig(hidden=1000, depth=30)),
    (390, RunConfig(hidden=2000, depth=3, arms=("none", "bn", "ln", "gn"))),
    (723, RunConfig(hidden=1000, batch_size=8192)),
    (582, RunConfig(hidden=300, depth=5, batch_size=4096)),
    (691, RunConfig(hidden=100, batch_size=65_536)),
    (431, RunConfig(hidden=400, depth=3, batch_size=4096, arms=("bn",))),
    (607, RunConfig(hidden=400, depth=3, batch_size=4096, activation="relu")),
    (950, RunConfig(hidden=400, depth=3, batch_size=4096, arms=("ln", "gn", "bn-std", "bn-torch"))),
]
"""Largest resident sets of `bntui run`, in MB beyond that of a run of 8 units."""


@pytest.mark.parametrize(("peak", "config"), MEASURED)
def test_what_a_run_is_said_to_need_is_what_runs_took(peak: int, config: RunConfig) -> None:
    assert peak < needed(config, DATA, len(config.arms)) / 1e6 < 2 * peak


def test_what_is_too_large_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RunConfig(hidden=1000, depth=5)
    monkeypatch.setattr(memory, "available", lambda: needed(config, DATA, 2))
    check_memory(config, DATA)
    monkeypatch.setattr(memory, "available", lambda: needed(config, DATA, 2) - 1)
    with pytest.raises(InputError, match=r"needs about 0\.\d GB of memory, and 0\.\d GB are free"):
        check_memory(config, DATA)


@pytest.mark.parametrize("context", ["inside", "padded"])
@pytest.mark.parametrize("block_size", [1, 3, 7])
def test_the_size_of_the_data_is_known_without_it(block_size: int, context: Context) -> None:
    words = ["ab", "c.d", *NOTEBOOK_WORDS]
    data = Dataset(words, block_size, context)
    assert size_of(words, block_size, context) == (len(data), len(data.vocabulary))


def test_data_that_is_too_much_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """16 MiB of short words, each padded with a context of 64, would take 7 GB."""
    assert needed_for(["a"] * 1000, 64, "padded") * 8000 > 5e9
    monkeypatch.setattr(memory, "available", lambda: 1000)
    told: list[Event] = []
    with pytest.raises(InputError, match=r"The data needs about .* it takes a smaller file"):
        Loader(told.append).load(RunConfig())
    assert told == []


def test_a_run_does_not_grow_beyond_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork is a network more, and a larger batch more outputs; both are refused as a start is."""
    config = RunConfig(hidden=20, batch_size=4)
    told: list[Event] = []
    trainer = Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))
    run = Session(trainer, told.append, told.append)
    more = needed(config, DATA, 3) - needed(config, DATA, 2)
    monkeypatch.setattr(memory, "available", lambda: 2 * more)
    for command in (Fork("BN"), Change("batch_size", 60_000), Change("batch_size", 1e300)):
        run.handle(command)
    reasons = [event.reason for event in told if isinstance(event, Refused)]
    assert "That needs about 0.0 GB of memory, and 0.0 GB are free" in reasons[0]
    assert "it takes a smaller batch or fewer networks" in reasons[1]
    assert reasons[2] == "batch_size is 1e+300, but it takes a whole number from 1 to 65,536."
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    run.handle(Change("batch_size", 60_000))
    run.handle(Change("batch_size", 2))
    run.handle(Undo())
    run.handle(Change("batch_size", 2))
    monkeypatch.setattr(memory, "available", lambda: 2 * more)
    run.handle(Undo())
    assert isinstance(told[-1], Refused)
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    run.handle(Fork("BN"))
    changes = [event for event in told if isinstance(event, Changed | Forked)]
    assert [type(event) for event in changes] == [*[Changed] * 4, Forked]


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"memory.max": "5000", "memory.current": "4000", "memory.stat": "inactive_file 100"}
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    assert available() == 1100
    (tmp_path / "memory.stat").write_text("anon 7\n")
    assert available() == 1000
    (tmp_path / "memory.max").write_text("max\n")
    assert available() != 1100


def test_where_the_system_has_no_meminfo_its_free_pages_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "none")
    free = available()
    assert free is not None
    assert 0 < free < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(os, "sysconf_names", {})
    assert available() is None


def test_the_engine_refuses_it_at_once() -> None:
    with EngineProcess() as engine:
        engine.send(Start(RunConfig(hidden=10_000, depth=50, batch_size=65_536)))
        code, errors = engine.end()
    assert (code, errors) == (2, "")
    (failed,) = (event for event in engine.told if isinstance(event, Failed))
    assert failed.kind == "input"
    assert "This run needs about" in failed.message


def test_an_allocation_that_fails_is_known() -> None:
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
