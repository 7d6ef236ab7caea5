"""Runs that cannot fit are refused before they begin, with a number."""

from pathlib import Path

import pytest

from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.core.engine import memory
from bntui.core.engine.memory import available, check_memory, needed
from bntui.core.engine.process import is_out_of_memory
from bntui.core.training.dataset import Dataset
from bntui.errors import InputError
from bntui.protocol import Failed, Start
from tests.engine import EngineProcess

DATA = Dataset(list(NOTEBOOK_WORDS), 3, "inside")


def test_weights_and_outputs_are_counted() -> None:
    """At least both networks' weights and gradients: 49 matrices of 10,000 x 10,000."""
    assert needed(RunConfig(hidden=10_000, depth=50), DATA) > 2 * 2 * 49 * 10**8 * 4
    one_row, many = (needed(RunConfig(hidden=10_000, batch_size=n), DATA) for n in (1, 65_536))
    assert many - one_row > 2 * 65_536 * 10_000 * 4 * 5
    assert needed(RunConfig(), DATA) < 10**7


def test_what_is_too_large_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RunConfig(hidden=1000, depth=5)
    monkeypatch.setattr(memory, "available", lambda: needed(config, DATA))
    check_memory(config, DATA)
    monkeypatch.setattr(memory, "available", lambda: needed(config, DATA) - 1)
    with pytest.raises(InputError, match=r"needs about 0\.\d GB of memory, and 0\.\d GB are free"):
        check_memory(config, DATA)


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"memory.max": "5000", "memory.current": "4000", "memory.stat": "inactive_file 100"}
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    assert available() == 1100
    (tmp_path / "memory.max").write_text("max\n")
    assert available() != 1100


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
