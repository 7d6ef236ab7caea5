"""Several runs side by side: grouped by config, what differs between them, and in their losses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan, sqrt
from pathlib import Path
from statistics import fmean, variance
from string import ascii_uppercase

import msgspec

from bntui.config.diff import differing
from bntui.config.schema import RunConfig, has_running_statistics
from bntui.config.settings import SETTINGS
from bntui.errors import InputError
from bntui.history.arm import LAST, ArmHistory
from bntui.history.findings import ERRORS, FEWEST, apart, final_loss, standard_error
from bntui.history.history import History
from bntui.history.watched import WatchedRun
from bntui.logs.index import summarise
from bntui.sources.base import Source
from bntui.text import clean

MOST = 4
"""Configs that are compared at most; of each there may be several seeds."""

MOST_RUNS = 40

EXAMPLES = ("data", "block_size", "context", "split", "split_seed")
"""Settings that decide on which examples losses are measured."""


@dataclass
class Entry:
    """One of the compared runs."""

    name: str
    recording: Source
    history: History = field(default_factory=History)


@dataclass
class WatchedEntry:
    """One of the compared watched runs."""

    name: str
    recording: Source
    history: WatchedRun = field(default_factory=WatchedRun)


@dataclass
class Group:
    """Runs that differ only in their seed, under one letter: one run, or several."""

    letter: str
    runs: list[Entry]

    @property
    def config(self) -> RunConfig:
        """The first run's config."""
        return self.runs[0].history.config

    @property
    def name(self) -> str:
        """The run's name, or how many there are."""
        name = self.runs[0].name
        return name if len(self.runs) == 1 else f"{len(self.runs)} seeds, as {name}"

    @property
    def networks(self) -> list[str]:
        """Names of the networks: those with running statistics first, then one without a norm."""
        norms = {name: arm.norm for name, arm in self.runs[0].history.arms.items()}

        def later(name: str) -> tuple[bool, bool]:
            return not has_running_statistics(norms[name]), norms[name] != "none"

        return sorted(norms, key=later)

    def members(self, network: str) -> list[ArmHistory]:
        """The network of that name in every run."""
        arms = (run.history.arms.get(network) for run in self.runs)
        return [arm for arm in arms if arm is not None]


def check_comparable(paths: Sequence[Path]) -> bool:
    """Refuse logs that cannot be compared; whether those that can are of watched runs.

    Raises:
        InputError: They hold more than `MOST` configs or watched runs, are more than `MOST_RUNS`,
            or are of both kinds.
    """
    if len(paths) > MOST_RUNS:
        raise InputError(f"{len(paths)} logs were given, but at most {MOST_RUNS} are compared.")
    found = [s for path in paths if (s := summarise(path))] if len(paths) > 1 else []
    watched = [s for s in found if s.preset == "watched"]
    if watched and len(watched) < len(found):
        name = clean(Path(watched[0].path).stem, limit=80)
        raise InputError(
            f"{name} is a watched run and others are of the lab; runs of one kind are compared."
        )
    if watched and len(paths) > MOST:
        raise InputError(f"{len(paths)} watched runs were given, but at most {MOST} are compared.")
    if len(paths) > MOST:
        of = {repr({**s.differs, "seed": 0, "preset": s.preset}) for s in found}
        if len(of) > MOST:
            raise InputError(
                f"{len(of)} configs that differ in more than the seed were given, but at most "
                f"{MOST} are compared."
            )
    return bool(watched)


def entries(recordings: Sequence[tuple[str, Source]]) -> list[Entry]:
    """The runs in their order."""
    return [Entry(name, recording) for name, recording in recordings]


def grouped(runs: Iterable[Entry]) -> list[Group]:
    """The runs that are read so far, those that differ only in their seed together.

    A run that was changed while it trained, or repeats a seed, stands for itself.
    """
    members: list[list[Entry]] = []
    for run in runs:
        if run.history.hello is None:
            continue
        like = (others for others in members if _differ_in_seed(run, others))
        if others := next(like, None):
            others.append(run)
        else:
            members.append([run])
    return [Group(letter, of) for letter, of in zip(ascii_uppercase, members[:MOST], strict=False)]


def _differ_in_seed(run: Entry, others: list[Entry]) -> bool:
    every = [run.history, *(other.history for other in others)]
    seeds = {history.config.seed for history in every}
    configs = [but_for_seed(history.config) for history in every]
    unchanged = not any(history.marks for history in every)
    return unchanged and len(seeds) == len(every) and all(c == configs[0] for c in configs)


def but_for_seed(config: RunConfig) -> RunConfig:
    """The config with neither seed nor pace: what runs of one group share."""
    return msgspec.structs.replace(config, seed=0, pace=None)


def differences(groups: Sequence[Group]) -> dict[str, list[str]]:
    """The settings in which not all groups agree, by their keys: each group's value as text."""
    several = any(len(group.runs) > 1 for group in groups)
    columns = differing(*(group.config for group in groups)) if groups else {}
    left_out = {"pace", "seed"} if several else {"pace"}
    return {
        SETTINGS[name].key: [SETTINGS[name].write(value) for value in values]
        for name, values in columns.items()
        if name not in left_out
    }


def common_steps(groups: Iterable[Group]) -> tuple[int, int]:
    """The last steps that every run has made, at most `LAST`: [first, stop)."""
    stop = min((run.history.steps for group in groups for run in group.runs), default=0)
    return max(stop - LAST, 0), stop


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and standard deviation over seeds; None for one seed."""
    return fmean(values), sqrt(variance(values)) if len(values) > 1 else None


def compared(groups: Sequence[Group]) -> list[str]:
    """A sentence for each group after the first and each network that it shares with the first."""
    sentences = []
    for other in groups[1:]:
        for network in (name for name in groups[0].networks if name in other.networks):
            pair = (groups[0], other)
            seeds = [{run.history.config.seed for run in group.runs} for group in pair]
            if not _agree(pair, EXAMPLES):
                clauses = ["measured on different examples, so their losses do not compare"]
            elif len(seeds[0] & seeds[1]) > 1:
                clauses = _over_seeds(pair, network, sorted(seeds[0] & seeds[1]))
            else:
                clauses = [*_evaluated(pair, network), *_trained(pair, network), "one seed"]
            sentences.append(f"{network} of {pair[0].letter} and {other.letter}: ")
            sentences[-1] += "; ".join(clauses) + "."
    return sentences


def _agree(pair: Sequence[Group], names: Sequence[str]) -> bool:
    return all(len({getattr(group.config, name) for group in pair}) == 1 for name in names)


def _evaluated(pair: tuple[Group, Group], network: str) -> list[str]:
    found = [final_loss(group.members(network)[0]) for group in pair]
    if found[0] is None or found[1] is None or found[0].on != found[1].on:
        return []
    ends = {group.runs[0].history.steps for group in pair}
    at = measured_at([each.step for each in found if each], ends)
    ranked = _ranked(pair, (found[0].loss, found[1].loss))
    return [f"{ranked} in evaluation mode ({found[0].on}{at})"]


def measured_at(steps: Sequence[int], ends: set[int]) -> str:
    """At which steps losses were measured, unless at the one end that all runs have."""
    every = sorted(set(steps), reverse=True)
    if set(every) == ends and len(ends) < 2:
        return ""
    return f", at step{'s' * (len(every) > 1)} {' and '.join(f'{step:,}' for step in every)}"


def _trained(pair: tuple[Group, Group], network: str) -> list[str]:
    """Their training losses step by step, where both drew the same batches."""
    first, stop = common_steps(pair)
    losses = [group.members(network)[0].loss.values[first:stop] for group in pair]
    both = [(a, b) for a, b in zip(*losses, strict=True) if not isnan(a + b)]
    draws = [name for name in RunConfig.__struct_fields__ if not SETTINGS[name].same_batches]
    changed = any(run.history.marks for group in pair for run in group.runs)
    if changed or not _agree(pair, draws) or len(both) < FEWEST:
        return []
    error = ERRORS * standard_error([a - b for a, b in both])
    means = fmean(a for a, _ in both), fmean(b for _, b in both)
    where = f"on the same batches of steps {first + 1:,} to {stop:,}"
    if abs(means[0] - means[1]) <= error:
        return [f"equal within noise {where} ({means[0]:.3g}, {means[1]:.3g}, ± {error:.1g})"]
    return [f"{_ranked(pair, means)} {where} (± {error:.1g})"]


def _over_seeds(pair: tuple[Group, Group], network: str, seeds: list[int]) -> list[str]:
    """In how many seeds one ends lower, and by how much."""
    ends: list[list[float]] = []
    steps: list[int] = []
    for group in pair:
        by_seed = {run.history.config.seed: run.history.arms[network] for run in group.runs}
        found = [final_loss(by_seed[seed]) for seed in seeds]
        ends.append([each.loss for each in found if each])
        steps += [each.step for each in found if each]
    if any(len(each) < len(seeds) for each in ends):
        return ["not every seed has a loss in evaluation mode"]
    apart_by = [a - b for a, b in zip(*ends, strict=True)]
    mean, spread = mean_and_spread(apart_by)
    lower = pair[1 if mean > 0 else 0].letter
    wins = sum(difference * mean > 0 for difference in apart_by)
    at = measured_at(steps, {run.history.steps for group in pair for run in group.runs})
    return [
        f"{lower} ends lower in {wins} of {len(seeds)} seeds in evaluation mode, "
        f"by {abs(mean):.3g} on average (standard deviation {spread or 0:.2g}{at})"
    ]


def _ranked(pair: tuple[Group, Group], losses: tuple[float, float]) -> str:
    """Which loss is higher, with as many digits as show it."""
    if losses[0] == losses[1]:
        return f"equal ({losses[0]:.3g})"
    above = 0 if losses[0] > losses[1] else 1
    return f"{pair[above].letter} is higher ({apart(losses[above], losses[1 - above])})"
