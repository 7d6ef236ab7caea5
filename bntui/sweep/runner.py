"""Runs a plan's jobs on dask.distributed: a local cluster, or one that is running elsewhere."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bntui.config import NOTEBOOK_WORDS
from bntui.data.word_file import read_words
from bntui.errors import InputError
from bntui.protocol import Event
from bntui.sweep.events import JobDone, JobFailed, Note, Planned, SweepEnded, Workers
from bntui.sweep.job import Result, machine, run_job, set_words
from bntui.sweep.plan import Job, Plan
from bntui.sweep.store import SweepStore
from bntui.text import clean

if TYPE_CHECKING:
    from distributed import Client, Future, WorkerPlugin

INSTALL = "bntui sweep needs dask.distributed: pip install distributed."

RETRIES = 2
"""Times that a run is tried again whose worker died."""

WORKER_DIED = "its worker died each time it was tried"

CONNECT_SECONDS = 15

LOCAL = {
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.allowed-failures": 0,
}
"""A worker holds one run at a time, so one that kills its worker takes no other along; retries
are counted here."""

Emit = Callable[[Event], None]


class Runner:
    """One sweep, from the runs that are left to the last outcome.

    Args:
        plan: What is run.
        store: Where logs and outcomes go.
        emit: Called with every event, in this thread.
        reach: The loss whose first step is looked for, if any.
        scheduler: Address of a running scheduler; None starts workers here.
        workers: Worker processes to start here; None for one a core.
    """

    def __init__(
        self,
        plan: Plan,
        store: SweepStore,
        emit: Emit,
        *,
        reach: float | None = None,
        scheduler: str | None = None,
        workers: int | None = None,
    ) -> None:
        self._plan, self._store, self._emit = plan, store, emit
        self._reach, self._scheduler, self._workers = reach, scheduler, workers

    def run(self) -> None:
        """Run what is left; a run that fails is reported and does not stop the others.

        Raises:
            InputError: dask.distributed is missing, the data cannot be used, the sweep is running
                already, or the scheduler cannot be reached.
        """
        words = read_data(self._plan)
        with self._store.running(), self._client() as client:
            here = client.submit(machine, pure=False).result()
            done = {
                key: outcome
                for key, outcome in self._store.outcomes().items()
                if (outcome.machine.bntui, outcome.machine.torch) == (here.bntui, here.torch)
            }
            plan = self._plan
            wanted = {job.key: job for job in plan.jobs()}
            kept = [outcome for key, outcome in done.items() if key in wanted]
            directory = self._store.directory
            self._emit(Planned(plan, directory.name, str(directory), kept))
            left = [job for key, job in wanted.items() if key not in done]
            self._emit(Workers(len(client.scheduler_info(n_workers=-1)["workers"])))
            client.register_plugin(_data_plugin(words))
            self._emit(SweepEnded(self._gather(client, left)))

    def _gather(self, client: "Client", jobs: list[Job]) -> str:
        """Submit the jobs and take in results as they come; why some are missing, if so."""
        from distributed import as_completed  # noqa: PLC0415 (an extra)

        lost: Counter[str] = Counter()

        def submit(job: Job, priority: int) -> "Future[Result | str]":
            # A new key each time, as the scheduler may still hold the lost one; all in one group,
            # so that it hands a worker one run at a time.
            key = f"{job.key}_{lost[job.key]}" if lost[job.key] else job.key
            config = self._plan.config(job)
            future = client.submit(
                *(run_job, job, config, self._reach),
                key=("run", key), pure=False, priority=priority,
            )  # fmt: skip
            running[future] = job
            return future

        running: dict[Future[Result | str], Job] = {}
        completed = as_completed([submit(job, -place) for place, job in enumerate(jobs)])
        workers = 0
        for future in completed:
            job = running.pop(future)
            if client.status != "running":
                return SCHEDULER_GONE
            result = _result(future)
            if isinstance(result, Result):
                self._take(job, result)
            elif result is None and lost[job.key] < RETRIES:
                lost[job.key] += 1
                completed.add(submit(job, -len(jobs)))
            else:
                self._emit(JobFailed(job.key, result or WORKER_DIED))
            future.release()
            if (now := len(client.scheduler_info(n_workers=-1)["workers"])) != workers:
                workers = now
                self._emit(Workers(workers))
        return ""

    def _take(self, job: Job, result: Result) -> None:
        try:
            self._store.save(result.outcome, result.log)
        except OSError as error:
            self._emit(JobFailed(job.key, f"its log cannot be written ({error.strerror})"))
        else:
            self._emit(JobDone(result.outcome))

    @contextmanager
    def _client(self) -> Iterator["Client"]:
        try:
            import dask  # noqa: PLC0415 (an extra)
            from distributed import Client, LocalCluster  # noqa: PLC0415
        except ImportError:
            raise InputError(INSTALL) from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        if self._scheduler is not None:
            with _connected(Client, self._scheduler) as client:
                if self._scheduler.startswith("tcp://"):
                    self._emit(Note(EXPOSED))
                yield client
            return
        with (
            dask.config.set(LOCAL),
            LocalCluster(
                n_workers=self._workers or os.cpu_count() or 1,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
                host="127.0.0.1",
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


SCHEDULER_GONE = "The scheduler is gone; what is finished is kept, and the same command goes on."

EXPOSED = (
    "tcp:// is neither encrypted nor authenticated: anyone who reaches the scheduler's port can "
    "run code on its workers; tls:// with certificates closes that."
)


@contextmanager
def _connected(client_class: Any, address: str) -> Iterator["Client"]:
    """A client of a running scheduler.

    Raises:
        InputError: It cannot be reached, or has no worker.
    """
    shown = clean(address, limit=80)
    try:
        client = client_class(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"--scheduler {shown} cannot be reached ({clean(str(error), limit=200)});"
            " it takes an address such as tls://HOST:8786."
        ) from None
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError:
        client.close()
        raise InputError(
            f"--scheduler {shown} has no worker after {CONNECT_SECONDS} s; start one with"
            " dask worker."
        ) from None
    with client:
        yield client


def read_data(plan: Plan) -> tuple[str, ...]:
    """The words that every run of the sweep learns.

    Raises:
        InputError: The file cannot be used.
    """
    if plan.base.data is None:
        return NOTEBOOK_WORDS
    return tuple(read_words(Path(plan.base.data), lambda read, total: None).words)


def _data_plugin(words: tuple[str, ...]) -> "WorkerPlugin":
    """Sends the words once to every worker, also to one that joins or is started again later."""
    from distributed import WorkerPlugin  # noqa: PLC0415 (an extra)

    class Data(WorkerPlugin):
        """The words of a sweep."""

        name = "bntui-words"

        def setup(self, worker: object) -> None:
            """Keep them in the worker's process."""
            set_words(words)

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
