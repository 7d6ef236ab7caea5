"""A sweep's jobs per second on all cores, over a single process's."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bntui.bench.figure import Measurement, Repeats
from bntui.config.schema import NOTEBOOK_WORDS, RunConfig
from bntui.protocol import Event
from bntui.sweep.events import JobDone
from bntui.sweep.job import digest_of, keep_words, run_job
from bntui.sweep.plan import Vary, make_plan
from bntui.sweep.runner import Runner
from bntui.sweep.store import SweepStore

STEPS = 2_000
"""Of a job: about a second."""

JOBS, ROUNDS = 8, 2
"""Jobs a core in a round, for each second of a figure's round; and most rounds: starting a cluster
takes longer than a round of most figures.
"""


def efficiency(repeats: Repeats) -> Measurement:
    """Jobs/s of a local cluster, over cores times a single process's jobs/s; start-up left out.

    Both do the same jobs in turn: alone, cluster, alone, cluster, alone. A cluster's rate is
    compared with the mean of those before and after it.
    """
    cores = os.cpu_count() or 1
    jobs = max(round(repeats.seconds * JOBS), 1)
    alone = [_alone(jobs)]
    values = []
    for _ in range(min(repeats.rounds, ROUNDS)):
        rate = _cluster(cores, jobs * cores)
        alone.append(_alone(jobs))
        values.append(rate / (cores * (alone[-2] + alone[-1]) / 2))
    return Measurement(values)


def _alone(jobs: int) -> float:
    plan = make_plan(RunConfig(steps=STEPS), [Vary("lr", [0.1])], jobs)
    digest = digest_of(NOTEBOOK_WORDS)
    keep_words(digest, NOTEBOOK_WORDS)
    first, *_ = plan.jobs()
    run_job(first, RunConfig(steps=10, pace=None), digest, None)  # loads torch
    begun = perf_counter()
    for job in plan.jobs():
        run_job(job, plan.config(job), digest, None)
    return jobs / (perf_counter() - begun)


def _cluster(cores: int, jobs: int) -> float:
    """Jobs/s from the first job's beginning, when every worker has loaded torch, to the end."""
    plan = make_plan(RunConfig(steps=STEPS), [Vary("lr", [0.1])], jobs + cores)
    times: list[float] = []

    def emit(event: Event) -> None:
        if isinstance(event, JobDone):
            times.append(perf_counter())

    with TemporaryDirectory() as place:
        store = SweepStore.create(Path(place) / "bench", plan)
        Runner(plan, store, emit, workers=cores).run()
    return (len(times) - cores) / (times[-1] - times[cores - 1])
