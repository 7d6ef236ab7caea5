"""Processes that train together: every one has a log of its own, and the first announces it."""

import importlib
import json
import subprocess
from pathlib import Path

import pytest
from torch import nn

import bntui
from bntui.history.watched import watched
from bntui.logs.reader import read_log
from bntui.watch import handle
from tests import forking

RANKS = """
import json, torch, bntui
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

torch.set_num_threads(1)
store = f"file://{directory}/store"
distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)

def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(16, 4),
    )

def train(watched):
    model = net()
    ddp = DistributedDataParallel(model)
    torch.manual_seed(1 + rank)
    log = f"{directory}/run.jsonl"
    watch = bntui.watch(model, log=log, every=1) if watched else None
    optimizer = torch.optim.SGD(ddp.parameters(), 0.05, momentum=0.9)
    losses = []
    for _ in range(200):
        loss = nn.functional.cross_entropy(ddp(torch.randn(16, 8)), torch.randint(4, (16,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    if watch:
        watch.close()
        assert watch.problem is None
    return [*losses, *model.state_dict().values(), torch.get_rng_state()]

equal = all(map(torch.equal, train(False), train(True)))
synced = nn.SyncBatchNorm.convert_sync_batchnorm(net())
try:
    DistributedDataParallel(synced)
    refusal = ""
except ValueError as error:
    refusal = str(error)
with bntui.watch(synced, log=None) as watch:
    watch.findings()
    kinds = [layer.layer.kind for layer in watch.layers]
    alone = watch._run.models["Sequential"].unsynchronized
print(json.dumps([equal, refusal, kinds, alone]))
distributed.destroy_process_group()
"""


@pytest.mark.parametrize(("rank", "name"), [(0, "run.jsonl"), (3, "run-rank3.jsonl")])
def test_every_rank_logs_to_its_own_file(
    rank: int,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also before the processes know each other: torchrun says so in the environment."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("RANK", str(rank))
    with bntui.watch(nn.Sequential(nn.BatchNorm1d(2)), log=tmp_path / "run.jsonl") as watch:
        assert watch.path == tmp_path / name
    assert ("bntui open" in capsys.readouterr().err) == (rank == 0)
    with bntui.watch(nn.Sequential(nn.BatchNorm1d(2))) as watch:
        assert watch.path
        assert watch.path.stem.endswith("-rank3") == (rank == 3)
    monkeypatch.setenv("RANK", "first")
    assert handle._rank() == 0


def test_two_processes_train_as_without_watching(tmp_path: Path) -> None:
    """DistributedDataParallel over gloo: weights, buffers, losses, random states, bit for bit."""
    importlib.import_module("torch._dynamo")  # which an optimizer imports: once for both
    codes = [f"rank, directory = {rank}, {str(tmp_path)!r}\n{RANKS}" for rank in (0, 1)]
    started = [
        forking.Popen(
            ["ranks"],
            main=forking.python(code),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for code in codes
    ]
    for process in started:
        out, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
        # torch trains SyncBatchNorm on accelerators alone; here it is only listed
        assert json.loads(out) == [
            True,
            "SyncBatchNorm layers only work with GPU modules",
            ["SyncBatchNorm"],
            0,
        ]
    for name in ("run.jsonl", "run-rank1.jsonl"):
        run = watched(read_log(tmp_path / name))
        assert run.layers[0].facts.updates == 200
        assert run.models["Sequential"].processes == 2
        assert run.models["Sequential"].unsynchronized == 1
