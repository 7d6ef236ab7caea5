"""Sweeps on real workers: a local cluster of two, and a scheduler process with TLS."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from bntui.config import RunConfig
from bntui.errors import InputError
from bntui.history import folded
from bntui.logs.reader import read_log
from bntui.protocol import Event
from bntui.sweep import runner
from bntui.sweep.events import DoneBefore, JobDone, JobFailed, Outcome, SweepEnded
from bntui.sweep.job import Result, run_job
from bntui.sweep.plan import Job, Plan, Vary, make_plan
from bntui.sweep.runner import Runner
from bntui.sweep.store import SweepStore

pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")

SMALL = RunConfig(steps=20, hidden=8, emb=2, batch_size=4)


def swept(plan: Plan, directory: Path, **options: object) -> list[Event]:
    """Every event of a sweep run to its end."""
    events: list[Event] = []
    store = SweepStore.create(directory, plan)
    Runner(plan, store, events.append, workers=2, **options).run()  # type: ignore[arg-type]  # by name
    return events


def done(events: list[Event]) -> dict[str, Outcome]:
    return {event.outcome.key: event.outcome for event in events if isinstance(event, JobDone)}


def troubled(job: Job, config: RunConfig, digest: str, reach: float | None) -> Result | str:
    """One job kills its worker, another raises; the rest are real."""
    if job.cell.settings["lr"] == 0.25:
        os.kill(os.getpid(), signal.SIGKILL)
    if job.cell.settings["lr"] == 0.5:
        return run_job(job, replace(config, depth=0), digest, reach)
    return run_job(job, config, digest, reach)


def test_a_run_that_kills_its_worker_takes_no_other_along_and_the_sweep_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(SMALL, [Vary("lr", [0.1, 0.25, 0.5])], 1)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with monkeypatch.context() as patch:
        patch.setattr(runner, "run_job", troubled)
        patch.setattr(runner, "RETRIES", 1)
        events = swept(plan, tmp_path / "one")
    failed = {event.key: event.reason for event in events if isinstance(event, JobFailed)}
    assert list(done(events)) == ["lr=0.1_seed=42"]
    assert "worker died" in failed["lr=0.25_seed=42"]
    assert "Error" in failed["lr=0.5_seed=42"]
    assert isinstance(events[-1], SweepEnded)

    events = swept(replace(plan, reach=100.0), tmp_path / "one")
    ((before,),) = (event.outcomes for event in events if isinstance(event, DoneBefore))
    assert before.key == "lr=0.1_seed=42"
    assert before.reached == {"no BN": None, "BN": None}  # read from its log
    assert len(done(events)) == 2
    for outcome in done(events).values():
        log = folded(read_log(SweepStore(tmp_path / "one").log_path(outcome.key)))
        assert log.steps == outcome.steps == 20
        assert log.arms["BN"].modes[-1].eval[-1] == outcome.losses["BN"]
        assert log.hello
        assert log.hello.machine == outcome.machine
        assert outcome.machine.threads == 1
        assert outcome.reached == {"no BN": None, "BN": None}  # 20 steps are no window of 25


@contextmanager
def tls_cluster(files: dict[str, Path], address_file: Path) -> Iterator[str]:
    """A scheduler and a worker as processes of their own; the scheduler's address."""
    tls = [f"--tls-{name}={path}" for name, path in files.items()]
    common = ["--protocol", "tls", *tls, "--no-dashboard", "--host", "127.0.0.1"]
    common += ["--scheduler-file", str(address_file)]
    programs = (
        (["distributed.cli.dask_scheduler", "--port", "0"], b"Scheduler at"),
        (["distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny"], b"Registered to"),
    )
    with ExitStack() as stack:
        for program, ready in programs:
            process = subprocess.Popen(
                [sys.executable, "-m", *program, *common], stderr=subprocess.PIPE
            )
            assert process.stderr
            stack.callback(process.stderr.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert any(ready in line for line in process.stderr), program
        yield json.loads(address_file.read_text())["address"]


def test_a_scheduler_elsewhere_is_reached_over_tls(tmp_path: Path) -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("cryptography")
    distributed = pytest.importorskip("distributed")
    credentials = distributed.Security.temporary().get_tls_config_for_role("client")
    files = {}
    for name in ("ca_file", "cert", "key"):
        path = files[name.replace("_", "-")] = tmp_path / f"{name}.pem"
        path.write_text(credentials[name])
    plan = make_plan(SMALL, [Vary("lr", [0.1])], 2)
    client = {
        "distributed.comm.tls.ca-file": str(files["ca-file"]),
        "distributed.comm.tls.client.cert": str(files["cert"]),
        "distributed.comm.tls.client.key": str(files["key"]),
    }
    with tls_cluster(files, tmp_path / "scheduler.json") as address, dask.config.set(client):
        assert address.startswith("tls://")
        events = swept(plan, tmp_path / "one", scheduler=address)
    assert sorted(done(events)) == ["lr=0.1_seed=42", "lr=0.1_seed=43"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "", "tls://127.0.0.1:9"])
def test_a_scheduler_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(runner, "CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"--scheduler .* cannot be reached"):
        swept(make_plan(SMALL, [], 1), tmp_path / "one", scheduler=address)


def test_without_the_extra_the_sentence_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="pip install distributed"):
        swept(make_plan(SMALL, [], 1), tmp_path / "one")
