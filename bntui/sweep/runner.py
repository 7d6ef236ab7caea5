"""Runs a plan's jobs on dask.distributed: a local cluster, or one that is running elsewhere."""

import logging
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from bntui.config import NOTEBOOK_WORDS
from bntui.core.engine.memory import require
from bntui.data.word_file import read_words
from bntui.errors import InputError
from bntui.history import folded
from bntui.logs.reader import read_log
from bntui.protocol import Event, Machine
from bntui.sweep.events import JobDone, JobFailed, Note, Outcome, SweepEnded, Workers, beginning
from bntui.sweep.events import reached as reached_in
from bntui.sweep.job import (
    Result,
    Words,
    digest_of,
    keep_words,
    machine,
    memory_of,
    run_job,
)
from bntui.sweep.plan import Job, Plan
from bntui.sweep.store import SweepStore
from bntui.text import clean

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster, WorkerPlugin

INSTALL = "bntui sweep needs dask.distributed: pip install distributed."

RETRIES = 2
"""Times that a run is tried again whose worker died."""

WORKER_DIED = "its worker died each time it was tried"

WORKER = 200 * 2**20
"""Bytes, about, that a worker takes of its own, with torch and dask loaded."""

CONNECT_SECONDS = 15

UNUSED: dict[str, object] = {
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.diagnostics.nvml": False,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}
"""What dask does beside the work, for other kinds of it: profiles every 10 ms, looks at memory and
clocks many times a second, and has workers return every freed page at once, which costs a training
a page fault per tensor."""

COUNT_EVERY = 1.0
"""Seconds between two counts of the workers."""

WAITING = "No worker yet; the sweep begins when one joins the scheduler."

SCHEDULER_GONE = "The scheduler is gone; what is finished is kept, and the same command goes on."

UNLOCKED = "The sweep is not locked: there are no locks here, so it can be run twice at a time."

EXPOSED = (
    "tcp:// is neither encrypted nor authenticated: anyone who reaches the scheduler's port can "
    "run code on its workers; tls:// with certificates closes that."
)

Emit = Callable[[Event], None]


class Runner:
    """One sweep, from the runs that are left to the last outcome.

    Args:
        plan: What is run.
        store: Where logs and outcomes go.
        emit: Called with every event, in this thread.
        scheduler: Address of a running scheduler; None starts workers here.
        workers: Worker processes to start here; None for one a core.
    """

    def __init__(
        self,
        plan: Plan,
        store: SweepStore,
        emit: Emit,
        *,
        scheduler: str | None = None,
        workers: int | None = None,
    ) -> None:
        self._plan, self._store, self._emit = plan, store, emit
        self._scheduler, self._workers = scheduler, workers

    def run(self) -> None:
        """Run what is left; a run that fails is reported and does not stop the others.

        Raises:
            InputError: dask.distributed is missing, the data cannot be used, the sweep is running
                already, the scheduler cannot be reached, its workers cannot run bntui, or their
                runs do not fit into this machine's memory.
        """
        words = read_data(self._plan.base.data)
        with self._store.running() as locked, self._client() as client:
            if not locked:
                self._emit(Note(UNLOCKED))
            here = self._prepare(client, words)
            done = self._done_before(here)
            for event in beginning(self._plan, self._store.directory, done.values()):
                self._emit(event)
            left = deque(job for job in self._plan.jobs() if job.key not in done)
            self._check_memory(client, left, digest_of(words))
            self._emit(SweepEnded(self._work(client, left, digest_of(words))))

    def _prepare(self, client: "Client", words: Words) -> Machine:
        """Send the words to every worker, now and later; returns the versions of one of them."""
        if not client.nthreads():
            self._emit(Note(WAITING))
            client.wait_for_workers(1)
        try:
            client.register_plugin(_plugin(words, here=self._scheduler is None))
            found: Machine = client.submit(machine, pure=False).result()
        except Exception as error:
            raise InputError(
                f"The workers cannot run bntui ({clean(str(error), limit=200)});"
                " it takes the same version of it, of Python and of torch on each."
            ) from None
        return found

    def _check_memory(self, client: "Client", left: Sequence[Job], digest: str) -> None:
        """Check that the runs which workers here make at a time fit into the memory that is free.

        Workers elsewhere check each run where it is made.
        """
        if self._scheduler is None and left:
            at_once = min(_count(client), len(left))
            configs = [
                self._plan.config(Job(cell, self._plan.base.seed)) for cell in self._plan.cells
            ]
            largest = client.submit(memory_of, configs, digest, pure=False).result()
            takes = "it takes fewer --workers, or smaller --hidden, --depth or --batch-size"
            require(at_once * largest, f"Running {at_once} of these at a time", takes)

    def _done_before(self, here: Machine) -> dict[str, Outcome]:
        """Outcomes of this plan's runs, on the same versions, with the steps to the loss asked."""
        wanted = {job.key for job in self._plan.jobs()}
        versions = here.bntui, here.torch
        done = {
            key: one
            for key, one in self._store.outcomes().items()
            if key in wanted and (one.machine.bntui, one.machine.torch) == versions
        }
        reach = self._plan.reach
        old = [one for one in done.values() if reach is not None and one.reach != reach]
        if old:
            self._emit(Note(f"Reading {len(old):,} logs for the steps to {reach:g}."))
        for one in old:
            log = folded(read_log(self._store.log_path(one.key)))
            done[one.key] = replace(one, reach=reach, reached=reached_in(log, reach))
            self._store.save_outcome(done[one.key])
        return done

    def _work(self, client: "Client", jobs: deque[Job], digest: str) -> str:
        """Keep every worker thread busy until no job is left; why some are missing, if so.

        A thread holds one run at a time, so one that kills its worker takes no other along, and
        the scheduler holds no more tasks than there are threads, however large the grid. The next
        run is sent before the result of the last is fetched and saved: nobody waits for a disk.
        """
        ready: SimpleQueue[Future[Result | str]] = SimpleQueue()
        running: dict[Future[Result | str], Job] = {}
        lost: Counter[str] = Counter()
        threads, counted = -1, 0.0
        done: list[Future[Result | str]] = []
        while jobs or running:
            if threads < 0 or monotonic() - counted >= COUNT_EVERY:
                before, threads, counted = threads, _count(client), monotonic()
                if threads != before:
                    self._emit(Workers(threads))
            while jobs and len(running) - len(done) < threads:
                job = jobs.popleft()
                future = client.submit(
                    *(run_job, job, self._plan.config(job), digest, self._plan.reach),
                    key=("run", f"{job.key}_{lost[job.key]}"),
                    pure=False,
                )
                running[future] = job
                future.add_done_callback(ready.put)
            if client.status != "running":
                return SCHEDULER_GONE
            if not done:
                with suppress(Empty):
                    done.append(ready.get(timeout=COUNT_EVERY))
                continue
            future = done.pop()
            job = running.pop(future)
            result = _result(future)
            future.release()
            if result is None and client.status != "running":
                return SCHEDULER_GONE
            if result is None and lost[job.key] < RETRIES:
                lost[job.key] += 1
                jobs.append(job)
            else:
                self._take(job, result)
        return ""

    def _take(self, job: Job, result: Result | str | None) -> None:
        if not isinstance(result, Result):
            self._emit(JobFailed(job.key, result or WORKER_DIED))
            return
        try:
            self._store.save(result.outcome, result.log)
        except OSError as error:
            self._emit(JobFailed(job.key, f"its log cannot be written ({error.strerror})"))
        else:
            self._emit(JobDone(result.outcome))

    @contextmanager
    def _client(self) -> Iterator["Client"]:
        check_extra()
        from distributed import Client  # noqa: PLC0415 (an extra)

        for name in list(logging.root.manager.loggerDict):  # most have levels of their own
            if name.partition(".")[0] == "distributed":
                logging.getLogger(name).setLevel(logging.CRITICAL)
        if self._scheduler is None:
            workers = min(self._workers or os.cpu_count() or 1, self._plan.job_count)
            require(workers * WORKER, f"--workers {workers:,}", "it takes fewer --workers")
            cluster = _local_cluster(workers)
            with cluster, Client(cluster) as client:
                yield client
        else:
            with _connected(Client, self._scheduler) as client:
                if self._scheduler.startswith("tcp://"):
                    self._emit(Note(EXPOSED))
                yield client


def _local_cluster(workers: int) -> "LocalCluster":
    """So many processes on this machine, of one thread each, that no other machine can reach.

    Raises:
        InputError: They cannot be started.
    """
    import dask  # noqa: PLC0415 (an extra)
    from distributed import LocalCluster  # noqa: PLC0415

    try:
        with dask.config.set({**UNUSED, "distributed.scheduler.allowed-failures": 0}):  # tried here
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # None would be port 8787, on every interface
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
                host="127.0.0.1",
            )
    except (OSError, RuntimeError) as error:
        reason = clean(str(error), limit=200)
        raise InputError(f"{workers} workers cannot be started here ({reason}).") from None


def _count(client: "Client") -> int:
    """Threads of all workers; 0 where the scheduler does not answer."""
    try:
        return sum(client.nthreads().values())
    except (OSError, RuntimeError, TimeoutError):
        return 0


def check_extra() -> None:
    """Refuse to go on without dask.distributed.

    Raises:
        InputError: It is not installed.
    """
    try:
        found = find_spec("distributed")
    except ValueError:
        found = None
    if found is None:
        raise InputError(INSTALL)


@contextmanager
def _connected(client_class: Any, address: str) -> Iterator["Client"]:
    """A client of a running scheduler.

    Raises:
        InputError: It cannot be reached.
    """
    try:
        client = client_class(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"--scheduler {clean(address, limit=80)} cannot be reached"
            f" ({clean(str(error), limit=200)}); it takes an address such as tls://HOST:8786."
        ) from None
    with client:
        yield client


def read_data(data: str | None) -> Words:
    """The words that every run of the sweep learns: a file's, or the notebook's.

    Raises:
        InputError: The file cannot be used.
    """
    if data is None:
        return NOTEBOOK_WORDS
    return tuple(read_words(Path(data), lambda read, total: None).words)


def _plugin(words: Words, here: bool) -> "WorkerPlugin":
    """Sends the words once to every worker, also to one that joins or is started again later.

    A worker that was started here ignores ctrl+c, which goes to every process of a terminal.
    """
    from distributed import WorkerPlugin  # noqa: PLC0415 (an extra)

    digest = digest_of(words)

    class Data(WorkerPlugin):
        """The words of a sweep."""

        name = f"bntui-words-{digest}"

        def setup(self, worker: object) -> None:
            """Keep them in the worker's process."""
            keep_words(digest, words)
            if here and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Data()


def _result(future: "Future[Result | str]") -> Result | str | None:
    """A run's result, or why it failed; None if its worker died before handing it over."""
    from distributed import KilledWorker  # noqa: PLC0415 (an extra)

    try:
        return future.result()
    except (CancelledError, KilledWorker):
        return None
    except Exception as error:
        return clean(f"{type(error).__name__}: {error}", limit=300)
