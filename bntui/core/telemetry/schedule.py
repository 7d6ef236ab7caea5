"""Which steps are told of: their numbers decide, so that a config and seed always tell the same.

All thin out by decades, so that a log and its plots grow with the run's digits, not its length.
"""

EARLY = {0, 1, 2, 5, 10, 20, 50, 100, 200}
PROBE_EVERY = 500
WEIGH_EVERY = 50


def stride(step: int) -> int:
    """Statistics are told of every step below 10,000, every 10th below 100,000, and so on."""
    return 1 if step < 10_000 else 10 ** (len(str(step)) - 4)


def is_probed(steps_done: int) -> bool:
    """Probes measure early and often, then every 500 steps, every 5,000 from 10,000 on, ..."""
    return steps_done in EARLY or steps_done % (PROBE_EVERY * stride(steps_done)) == 0


def is_weighed(step: int) -> bool:
    """Updates are told early and often, then of every 50th step, every 500th from 10,000 on, ...

    Standard deviations of all weights cost about half a step, and so a hundredth of the time.
    """
    return step in EARLY or (step % WEIGH_EVERY == 0 and step % (WEIGH_EVERY * stride(step)) == 0)
