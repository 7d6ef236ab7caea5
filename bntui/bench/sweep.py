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

STEPS = 2_500
"""Of a job: about half a second."""

JOBS = 5
"""Jobs a core, for each second of a figure's round."""


def efficiency(repeats: Repeats) -> Measurement:
    """Jobs/s of a local cluster, over cores times a single process's jobs/s; start-up left out.

    One cluster is started: that takes longer than a round of most figures. The same jobs are done
    alone before and after it, half of them each time, and a value is given for each.
    """
    cores = os.cpu_count() or 1
    jobs = max(round(repeats.seconds * JOBS), 1)
    before = _alone(max(jobs // 2, 1))
    rate = _cluster(cores, jobs * cores)
    return Measurement([rate / (cores * alone) for alone in (before, _alone(max(jobs // 2, 1)))])


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
