"""Sweeps on real workers: a local cluster of two, and a scheduler process with TLS."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, nullcontext
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import pytest
from msgspec.structs import replace

from bntui.config import NOTEBOOK_WORDS, RunConfig
from bntui.core.engine import memory
from bntui.errors import InputError
from bntui.history import folded
from bntui.logs.reader import read_log
from bntui.protocol import Event
from bntui.sweep import runner
from bntui.sweep.events import DoneBefore, JobDone, JobFailed, Note, Outcome, SweepEnded
from bntui.sweep.job import Result, digest_of, keep_words, memory_of, run_job
from bntui.sweep.plan import Job, Plan, Vary, make_plan
from bntui.sweep.runner import Runner
from bntui.sweep.store import SweepStore
from tests import forking

pytestmark = pytest.mark.skipif(not find_spec("distributed"), reason="needs distributed")

SMALL = RunConfig(steps=20, hidden=8, emb=2, batch_size=4)


@pytest.fixture
def preloaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers are forked from a process that has torch and dask loaded, and not started anew."""
    dask = pytest.importorskip("dask")
    monkeypatch.setattr("distributed.utils._forkserver_preload_set", True)
    get_context("forkserver").set_forkserver_preload(["distributed", *forking.PRELOADED])
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


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


@pytest.mark.usefixtures("preloaded")
def test_a_run_that_kills_its_worker_takes_no_other_along_and_the_sweep_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
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


PROGRAMS = {
    "scheduler": (("--port", "0"), b"Scheduler at:"),
    "worker": (("--nthreads", "1", "--no-nanny"), b"Registered to:"),
}


class Cluster:
    """A scheduler and workers as processes of their own, over TLS."""

    def __init__(self, stack: ExitStack, files: dict[str, Path]) -> None:
        self._stack = stack
        self._common = [f"--tls-{name}={path}" for name, path in files.items()]
        self._common += ["--protocol", "tls", "--no-dashboard", "--host", "127.0.0.1"]
        self.scheduler, self.address = self._start("scheduler")

    def add_worker(self) -> None:
        self._start("worker", self.address)

    def _start(self, name: str, *more: str) -> tuple[subprocess.Popen[bytes], str]:
        """The process, once it is ready, and the address that it logs then."""
        own, ready = PROGRAMS[name]
        module = f"distributed.cli.dask_{name}"
        process = subprocess.Popen(
            [sys.executable, "-m", module, *more, *own, *self._common], stderr=subprocess.PIPE
        )
        assert process.stderr
        self._stack.callback(process.stderr.close)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        line = next(line for line in process.stderr if ready in line)
        return process, line.split()[-1].decode()


def test_over_tls_a_late_worker_is_waited_for_and_a_lost_scheduler_loses_nothing(
    tmp_path: Path,
) -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("cryptography")
    distributed = pytest.importorskip("distributed")
    credentials = distributed.Security.temporary().get_tls_config_for_role("client")
    files = {}
    for name in ("ca_file", "cert", "key"):
        path = files[name.replace("_", "-")] = tmp_path / f"{name}.pem"
        path.write_text(credentials[name])
    client = {
        "distributed.comm.tls.ca-file": str(files["ca-file"]),
        "distributed.comm.tls.client.cert": str(files["cert"]),
        "distributed.comm.tls.client.key": str(files["key"]),
    }
    plan = make_plan(SMALL, [Vary("lr", [0.1])], 3)
    store = SweepStore.create(tmp_path / "one", plan)
    events: list[Event] = []
    with ExitStack() as stack, dask.config.set(client):
        cluster = Cluster(stack, files)
        assert cluster.address.startswith("tls://")

        def emit(event: Event) -> None:
            events.append(event)
            if event == Note(runner.WAITING):
                cluster.add_worker()
            elif len(done(events)) == 2:
                cluster.scheduler.kill()
                cluster.scheduler.wait()

        Runner(plan, store, emit, scheduler=cluster.address).run()
    assert sorted(done(events)) == sorted(store.outcomes()) == ["lr=0.1_seed=42", "lr=0.1_seed=43"]
    assert events[-1] == SweepEnded(runner.SCHEDULER_GONE)


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


class Here:
    """Two workers that are this process."""

    status = "running"

    def nthreads(self) -> dict[str, int]:
        return {"one": 1, "two": 1}

    def register_plugin(self, plugin: object) -> None:
        keep_words(digest_of(NOTEBOOK_WORDS), NOTEBOOK_WORDS)

    def submit(self, work: Callable[..., object], *args: object, **_: object) -> "Future[object]":
        future: Future[object] = Future()
        future.set_result(work(*args))
        return future


def test_runs_that_do_not_fit_at_a_time_are_refused_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(SMALL, [Vary("hidden", [10, 2000])], 2)
    keep_words(digest := digest_of(NOTEBOOK_WORDS), NOTEBOOK_WORDS)
    job = Job(plan.cells[1], 42)
    small, large = (memory_of([plan.config(Job(cell, 42))], digest) for cell in plan.cells)
    assert memory_of([SMALL, plan.config(job)], digest) == large > 10 * small
    monkeypatch.setattr(Runner, "_client", lambda self: nullcontext(Here()))
    monkeypatch.setattr(memory, "available", lambda: int(1.5 * large))
    monkeypatch.setattr(SweepStore, "running", lambda self: nullcontext(False))
    events: list[Event] = []
    with pytest.raises(InputError, match=r"^Running 2 of these at a time needs about 0\.\d GB"):
        Runner(plan, SweepStore.create(tmp_path / "a", plan), events.append).run()
    assert events[0] == Note(runner.UNLOCKED)
    monkeypatch.setattr(memory, "available", lambda: small)
    reason = run_job(job, plan.config(job), digest, None)
    assert isinstance(reason, str)
    assert re.match(
        r"This run needs about 0\.\d GB of memory, and 0\.0 GB are free; it takes", reason
    )


def test_more_workers_than_memory_are_refused_before_they_are_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(SMALL, [Vary("lr", [n / 100 for n in range(1, 65)])], 20)
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    runner = Runner(plan, SweepStore.create(tmp_path / "a", plan), print, workers=1024)
    with pytest.raises(InputError, match=r"^--workers 1,024 needs about 214\.7 GB of memory"):
        runner.run()
