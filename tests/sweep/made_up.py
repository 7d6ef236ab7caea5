"""Plans and outcomes for tests that train nothing."""

from collections.abc import Mapping

from bntui.config import RunConfig
from bntui.protocol import Machine
from bntui.sweep.events import Outcome
from bntui.sweep.plan import Job, Plan, Vary, make_plan

HERE = Machine("host", "0.1.0", "2.13.0", 1)


def plan(seeds: int = 8, **base: object) -> Plan:
    """Two learning rates."""
    config = RunConfig(steps=10, **base)  # type: ignore[arg-type]  # any setting, by name
    return make_plan(config, [Vary("lr", [0.1, 1.0])], seeds)


def outcome(job: Job, losses: Mapping[str, float | None]) -> Outcome:
    return Outcome(job.key, dict(losses), None, {}, 10, 0.1, HERE)
