"""Processes that train together: every one has a log of its own, and the first announces it."""

from pathlib import Path

import pytest
from torch import nn

import bntui
from bntui.watch import handle


@pytest.mark.parametrize(("rank", "name"), [(0, "run.jsonl"), (3, "run-rank3.jsonl")])
def test_every_rank_logs_to_its_own_file(
    rank: int,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(handle, "_rank", lambda: rank)
    with bntui.watch(nn.Sequential(nn.BatchNorm1d(2)), log=tmp_path / "run.jsonl") as watch:
        assert watch.path == tmp_path / name
    assert ("bntui open" in capsys.readouterr().err) == (rank == 0)
