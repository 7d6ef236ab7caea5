"""Sampling schedule. Depends only on the step number, so logs are reproducible.

Intervals grow by decades, so that a log and its plots grow with the digits of a run's length.
"""

EARLY = {0, 1, 2, 5, 10, 20, 50, 100, 200}
PROBE_EVERY = 500
UPDATE_RATIOS_EVERY = 50


def interval(step: int) -> int:
    """Steps between two samples of statistics: 1 below step 10,000, 10 below 100,000, ..."""
    return 1 if step < 10_000 else 10 ** (len(str(step)) - 4)


def is_probed(steps_done: int) -> bool:
    """Whether probes measure: early and often, then every 500 steps, every 5,000 from 10,000 on."""
    return steps_done in EARLY or steps_done % (PROBE_EVERY * interval(steps_done)) == 0


def is_sampled(step: int) -> bool:
    """Whether update ratios are recorded: early and often, then at every 50th step, every 500th
    from 10,000 on, ...

    Standard deviations of all weights cost about half a step, and so a hundredth of the time.
    """
    every = UPDATE_RATIOS_EVERY
    return step in EARLY or (step % every == 0 and step % (every * interval(step)) == 0)
