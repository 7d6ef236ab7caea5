"""The plan of a sweep: a grid of cells, each a config, times seeds."""

from collections.abc import Iterator
from itertools import product
from math import prod

import msgspec
from msgspec import Struct

from bntui.config import RunConfig
from bntui.config.limits import check
from bntui.config.settings import SETTINGS
from bntui.errors import InputError
from bntui.text import clean

Value = bool | int | float | str | None
"""What a setting may be varied over."""

NOT_VARIED = {"arms", "data", "device", "pace", "preset", "seed", "steps"}
"""Settings that a cell cannot differ in: they say what is compared, where, and for how long."""

VARIED = [name for name, one in SETTINGS.items() if one.is_field and name not in NOT_VARIED]

MAX_JOBS = 100_000
MOST_SEEDS = 32
"""Seeds up to which the permutation p-value is exact: 2**16 sums a half are sorted."""

LARGEST_SEED = 2**63 - 1


class Vary(Struct, frozen=True):
    """A setting and the values that the cells take in turn."""

    name: str
    values: list[Value]


class Cell(Struct, frozen=True):
    """One point of the grid: a value for each varied setting."""

    settings: dict[str, Value]

    @property
    def label(self) -> str:
        """As in `lr=0.1 depth=5`; a sweep that varies nothing has one cell, `all`."""
        return " ".join(assignment(n, v) for n, v in self.settings.items()) or "all"


class Job(Struct, frozen=True):
    """One run: a cell and a seed."""

    cell: Cell
    seed: int

    @property
    def key(self) -> str:
        """Names the job and its log file."""
        return job_key(self.cell.label, self.seed)


def job_key(label: str, seed: int) -> str:
    """As in `lr=0.1_depth=5_seed=42`."""
    return f"{label.replace(' ', '_')}_seed={seed}"


def label_of(key: str) -> str:
    """The label of the cell of a job's key."""
    return key.rpartition("_seed=")[0].replace("_", " ")


class Plan(Struct, frozen=True):
    """Everything that decides a sweep.

    Without `against` a cell's number is the second network's loss minus the first's, of the same
    run. With it, it is the last network's loss minus that of the cell in which the setting
    `against` has its first value, at the same seed.

    `reach` is the loss whose first step is looked for, if any. `words` is a digest of the data, so
    that a file that has changed is another sweep.
    """

    base: RunConfig
    vary: list[Vary]
    seeds: int
    against: str | None = None
    claim: str | None = None
    reach: float | None = None
    words: str | None = None

    @property
    def seed_numbers(self) -> range:
        """The seeds of each cell."""
        return range(self.base.seed, self.base.seed + self.seeds)

    @property
    def cells(self) -> list[Cell]:
        """Every combination of values, the last setting fastest."""
        names = [one.name for one in self.vary]
        combined = product(*(one.values for one in self.vary))
        return [Cell(dict(zip(names, values, strict=True))) for values in combined]

    @property
    def compared(self) -> list[Cell]:
        """The cells that have a difference: with `against`, those off its first value."""
        if self.against is None:
            return self.cells
        return [cell for cell in self.cells if cell != self.reference(cell)]

    def reference(self, cell: Cell) -> Cell:
        """The cell that `cell` is compared with."""
        first = {one.name: one.values[0] for one in self.vary if one.name == self.against}
        return Cell({**cell.settings, **first})

    @property
    def job_count(self) -> int:
        """Runs in all."""
        return self.seeds * prod(len(one.values) for one in self.vary)

    def jobs(self) -> Iterator[Job]:
        """Every cell's first seed, then every cell's second, ...: all cells fill up together."""
        cells = self.cells
        for seed in self.seed_numbers:
            for cell in cells:
                yield Job(cell, seed)

    def config(self, job: Job) -> RunConfig:
        """The job's run, at full speed."""
        changes = {**job.cell.settings, "seed": job.seed, "pace": None}
        return msgspec.structs.replace(self.base, **changes)


def parse_vary(text: str) -> Vary:
    """`lr=0.01,0.1` as a setting and its values.

    Raises:
        InputError: The setting is unknown or cannot be varied, or a value is impossible or given
            twice.
    """
    key, _, rest = text.partition("=")
    name = key.replace("-", "_")
    if name not in VARIED:
        possible = ", ".join(SETTINGS[one].key for one in VARIED)
        shown = clean(key, limit=60) or "empty"
        raise InputError(f"--vary: the setting is {shown}, but it takes one of {possible}.")
    values: list[Value] = []
    for part in rest.split(","):
        try:
            value = SETTINGS[name].accepted.parse(part.strip())
        except ValueError:
            raise InputError(f"--vary: {SETTINGS[name].accepted.refusal(key, part)}") from None
        if not isinstance(value, Value):
            raise InputError(f"--vary: {key} cannot be varied.")
        if value in values:
            raise InputError(f"--vary: {key} has {clean(part, limit=60)} twice.")
        values.append(value)
    return Vary(name, values)


def make_plan(
    base: RunConfig,
    vary: list[Vary],
    seeds: int,
    against: str | None = None,
    claim: str | None = None,
    *,
    reach: float | None = None,
    words: str | None = None,
) -> Plan:
    """A plan whose every cell is possible.

    Raises:
        InputError: A setting is varied twice, a cell's settings do not go together, there are too
            many jobs, there are not two networks to compare, or `against` is not varied.
    """
    plan = Plan(base, vary, seeds, against, claim, reach, words)
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Check a plan, which may come from a file.

    Raises:
        InputError: As in `make_plan`; or it has no seeds, or a setting that is none, or a value
            that the setting does not take.
    """
    base, seeds, against = plan.base, plan.seeds, plan.against
    names = [one.name for one in plan.vary]
    for one in plan.vary:
        _check_varied(one, base)
        if names.count(one.name) > 1:
            raise InputError(f"--vary {SETTINGS[one.name].key} is given twice.")
    if seeds < 1:
        raise InputError(f"--seeds is {seeds}, but it takes a whole number from 1.")
    if against is not None and against not in names:
        raise InputError(
            f"--claim {plan.claim} compares values of --{against.replace('_', '-')}: "
            "it cannot be fixed."
        )
    if against is None and len(base.arms) != 2:
        raise InputError(
            f"--arms has {len(base.arms)} networks, but a sweep takes 2:"
            " the second is compared with the first."
        )
    if plan.job_count > MAX_JOBS:
        raise InputError(
            f"The grid has {plan.job_count:,} runs, but a sweep takes at most {MAX_JOBS:,}."
        )
    largest = base.seed + seeds - 1
    if largest > LARGEST_SEED:
        raise InputError(
            f"--seed is {base.seed}, but with {seeds} seeds a cell it takes at most"
            f" {LARGEST_SEED - seeds + 1}."
        )
    for cell in plan.cells:
        try:
            check(plan.config(Job(cell, base.seed)))
        except InputError as error:
            raise InputError(f"In the cell {cell.label}: {error}") from None


def _check_varied(one: Vary, base: RunConfig) -> None:
    if one.name not in VARIED or not one.values:
        shown = clean(one.name, limit=60)
        raise InputError(f"--vary {shown} is no setting with values that can be varied.")
    fields = msgspec.to_builtins(base)
    for value in one.values:
        try:
            msgspec.convert({**fields, one.name: value}, RunConfig)
        except msgspec.ValidationError as error:
            raise InputError(f"--vary {SETTINGS[one.name].key}: {error}.") from None


def assignment(name: str, value: Value) -> str:
    """As in `batch-size=32`."""
    return f"{SETTINGS[name].key}={SETTINGS[name].write(value)}"
