"""`bntui.watch(model)`: what the user holds."""

import atexit
import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from statistics import median
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, Self

import torch
from msgspec.structs import replace
from torch import Tensor, nn

import bntui
from bntui.doctor.examination import examine
from bntui.doctor.finding import Finding
from bntui.errors import InputError
from bntui.history.watched import LayerHistory, WatchedRun
from bntui.logs.writer import LogWriter, directory, watched_path
from bntui.protocol import (
    LOG_BY_DEFAULT,
    PROTOCOL,
    Event,
    Failed,
    ModelFacts,
    Scalars,
    State,
    Statistics,
    ThreeLosses,
    Timing,
    WatchedLayer,
    Watching,
)
from bntui.protocol.codec import encode
from bntui.text import clean
from bntui.watch import command
from bntui.watch.facts import LayerSummary, ask_model, model_facts, replicas
from bntui.watch.layers import describe
from bntui.watch.losses import Batch, three_losses
from bntui.watch.monitor import MONITOR
from bntui.watch.observer import ModelObserver
from bntui.watch.readout import Readout
from bntui.watch.sampling import Budget, Sampling

LEAST_WAIT = 0.5
"""Seconds between two writings of the log; they grow to 1/50 of the run."""
MOST_WAIT = 10.0
"""Seconds that a costly writing waits at most, to stay within its part of the budget."""

WRITING = 0.3
PROBING = 0.15
"""Of the budget that writing, and a probe, may take."""

READ_FROM_LOG = (Statistics, Scalars)
"""Kept in the log alone: they grow with the run, and no rule of the doctor reads them."""

FIRST_PROBE = 32
"""The step after which the probe is measured whatever it costs: before, no gap is judged. A run
that is over sooner is probed at its end."""

Probe = tuple[Any, Any, Callable[..., Tensor]]
"""Inputs, targets, and a loss of the model's output and the targets."""


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection inside: the many lists of numbers would set off a search through all
    objects of the training, some 0.2 s.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Watch:
    """Watches models until it is closed or they are gone; see `watch`.

    `path` is the log, or None without one. `problem` says why watching stopped early.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        *,
        name: str,
        log: str | Path | None,
        every: int | None,
        budget: float,
        probe: Probe | None,
        script: str = "",
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.observers: list[ModelObserver] = []
        self.problem: str | None = None
        self.closed = False
        self._end: State | Failed | None = State("finished", 0, None)
        self._name, self._script = name, script
        self._every, self._probe = every, probe
        self.budget = Budget(budget, clock)
        self._started = datetime.now().astimezone().isoformat(timespec="seconds")
        self._run = WatchedRun()
        self._summaries: list[LayerSummary] = []
        self._layers: list[WatchedLayer] = []
        self._unavailable: list[str] = []
        self._scalars: dict[str, list[tuple[int, Any]]] = {}
        self._next = LEAST_WAIT
        self._step_ends: deque[float] = deque(maxlen=50)
        self._inflight: Readout | None = None
        self._writing = 0.0
        """Seconds that the last writing took."""
        self._next_probe = FIRST_PROBE
        self._probe_due = 0.0
        self._writer = _open(log, name)
        self.path = self._writer.path if self._writer else None
        try:
            for key, model in models.items():
                self._observe(model, key)
            self._greet()
            MONITOR.add(self)
        except Exception as error:
            self.give_up(error)

    # For the user

    def add(self, model: nn.Module, name: str | None = None) -> None:
        """Watch one more model; one that is watched already stays as it is."""
        if any(observer.ref() is model for observer in self.observers):
            return
        self._observe(
            model, _free_name(name or type(model).__name__, [o.name for o in self.observers])
        )
        self._greet()
        MONITOR.add(self)

    def log(self, **scalars: float | Tensor) -> None:
        """Log named numbers for the step that was just made, such as `loss=loss`.

        A tensor may have one element; it is read later, so that nothing waits for it.
        """
        if self.closed:
            return
        try:
            for name, value in scalars.items():
                kept = value.detach().clone() if isinstance(value, Tensor) else value
                self._scalars.setdefault(clean(name, limit=80), []).append((self._steps, kept))
        except Exception as error:
            self.give_up(error)

    @property
    def layers(self) -> list[LayerHistory]:
        """What is known of each layer but its traced channels, which are in the log alone, in the
        order in which they were met.
        """
        return self._run.layers

    def findings(self) -> list[Finding]:
        """What the doctor's rules say of everything seen so far, the worst first."""
        try:
            self._conclude()
        except Exception as error:
            self.give_up(error)
        return examine(self._run)

    def close(self) -> None:
        """Stop watching: the modules are as they were, and the log is complete."""
        if self.closed:
            return
        try:
            self._conclude()
            match self._end:
                case State() as end:
                    self._emit([replace(end, step=self._steps)])
                case Failed() as end:
                    self._emit([end])
        except Exception as error:
            self.give_up(error)
        self._leave()

    def fail(self, error: BaseException | type[BaseException]) -> None:
        """Have `close` log that the training ended with an error.

        Of the error only its type or exit code is logged: its message may hold data. After ctrl+c
        the run is cut off, neither finished nor failed.
        """
        self._end = _ending(error, self._script or self._name)

    def __enter__(self) -> Self:
        """The watch itself; leaving closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; an error is the training's end."""
        if error is not None:
            self.fail(error)
        self.close()

    def announce(self) -> None:
        """Print where the log is, and how to open it."""
        if self.path is not None and not self.closed and _rank() == 0:
            log = self.path.stem if self.path.parent == directory() else str(self.path)
            line = f"bntui: watching {self._name}; see it with: bntui open {clean(log)}"
            print(line, file=sys.stderr)  # noqa: T201

    # For the monitor

    def stepped(self, owned: Sequence[ModelObserver]) -> None:
        """After a step of the optimizer that moves these models: now and then, write what came."""
        clock = self.budget.clock()
        moved = False
        for observer in self.observers:
            own = observer in owned
            if own or not observer.owned:
                moved = True
                sampling = observer.sampling
                if sampling.timed:
                    observer.time(observer.stepped, own, clock)
                else:
                    observer.stepped(own, clock)
                if sampling.decide(observer.interval, clock):
                    observer.prepare()
        if not moved:
            return
        now = clock - self.budget.began
        self._step_ends.append(now)
        if self._inflight is not None and self._inflight.ready():
            self._arrive()
        if now >= self._next:
            self._flush()
            needed = self.budget.spacing(self._writing, WRITING)
            self._next = now + max(LEAST_WAIT, now / 50, min(needed, MOST_WAIT))
        if self._probe is not None and self._steps >= self._next_probe and now >= self._probe_due:
            self._measure_probe()

    def give_up(self, error: Exception) -> None:
        """A fault of ours: report it once, stop watching, and let the training go on."""
        if self.closed:
            return
        self.problem = clean(f"{type(error).__name__}: {error}", limit=300)
        print(f"bntui: watching stopped: {self.problem}", file=sys.stderr)  # noqa: T201
        try:
            self._emit([Failed("watching", f"Watching stopped: {self.problem}")])
        except Exception:
            self._writer = None
        self._leave()

    # Inside

    @property
    def _steps(self) -> int:
        return max((observer.interval for observer in self.observers), default=0)

    def _observe(self, model: nn.Module, name: str) -> None:
        sampling = Sampling(self.budget, self._every)
        observer = ModelObserver(model, name, sampling, self.give_up, self.stepped)
        self.observers.append(observer)
        for layer in observer.layers:
            self._summaries.append(LayerSummary(layer, len(self._summaries)))

    def _greet(self) -> None:
        others: dict[str, int] = {}
        for observer in self.observers:
            for kind, count in observer.others.items():
                others[kind] = others.get(kind, 0) + count
        self._layers = self._described()
        names = [observer.name for observer in self.observers]
        first = Watching(
            PROTOCOL, bntui.__version__, self._started, self._name, names, self._layers, others,
            str(torch.__version__), self._script, self._unavailable,
        )  # fmt: skip
        self._emit([first, State("running", self._steps, None)])

    def _described(self) -> list[WatchedLayer]:
        """The layers as they are now: a lazy one knows its channels after its first pass."""
        found = []
        for summary in self._summaries:
            module = summary.layer.ref()
            old = summary.layer.described
            found.append(describe(old.name, module, old.model) if module is not None else old)
        return found

    def _conclude(self) -> None:
        """Everything that is known by now, with what only a look at all models shows."""
        if not self.closed:
            for observer in self.observers:
                observer.conclude()
            if self._next_probe == FIRST_PROBE and self._steps:
                self._measure_probe()
            self._flush(wait=True, replica=True)

    @uncollected()
    def _flush(self, wait: bool = False, replica: bool = False) -> None:
        """Everything that has come since the last time: to plain numbers, to events, to the log."""
        if self._inflight is not None:
            if not wait and not self._inflight.ready():
                return
            self._arrive()
        began = self.budget.clock()
        unavailable = [text for observer in self.observers if (text := observer.unavailable)]
        lazy = any(layer.channels == 0 for layer in self._layers)
        if unavailable != self._unavailable or (lazy and self._described() != self._layers):
            self._unavailable = unavailable
            self._greet()
        readout = Readout()
        with torch.no_grad(), torch.inference_mode(False), torch.autocast("cpu", enabled=False):
            for observer in self.observers:
                ask_model(observer, readout)
            for summary in self._summaries:
                summary.ask(readout)
            for name, pairs in self._scalars.items():
                for place, (_, value) in enumerate(pairs):
                    if isinstance(value, Tensor):
                        readout.add((name, place), value.reshape(-1)[:1])
            readout.send()
        self._inflight = readout
        self._sent = self._scalars
        self._scalars = {}
        self._writing = self.budget.charge(began)
        if wait or readout.ready():
            self._arrive(replica)

    @uncollected()
    def _arrive(self, replica: bool = False) -> None:
        began = self.budget.clock()
        readout, self._inflight = self._inflight, None
        if readout is None:
            return
        readout.wait()
        numbers = readout.numbers()
        events: list[Event] = []
        for summary in self._summaries:
            events += summary.learn(numbers, summary.layer.model, summary.layer.model.interval)
        for observer in self.observers:
            facts = model_facts(observer, numbers)
            events.append(_with_replica(facts, observer) if replica else facts)
        events += self._scalar_events(numbers)
        events.append(self._timing())
        self._emit(events)
        self._writing += self.budget.charge(began)

    def _scalar_events(self, numbers: Mapping[object, list[float | None]]) -> Iterable[Event]:
        for name, pairs in self._sent.items():
            steps = [step for step, _ in pairs]
            values = [
                numbers[name, place][0] if isinstance(value, Tensor) else _finite(value)
                for place, (_, value) in enumerate(pairs)
            ]
            yield Scalars(steps, {name: values})

    def _timing(self) -> Timing:
        ends = list(self._step_ends)
        gaps = [after - before for before, after in pairwise(ends)]
        memory = torch.cuda.memory_allocated() if torch.cuda.is_initialized() else None
        now = self.budget.clock() - self.budget.began
        share = self.budget.total / max(now, 1e-9)
        return Timing(self._steps, now, median(gaps) if gaps else None, share, memory)

    def _measure_probe(self) -> None:
        self._next_probe = max(self._steps + 1, self._steps * 5 // 4)
        model = self.observers[0].ref() if self.observers else None
        if model is None or self._probe is None:
            return
        inputs, targets, loss = self._probe
        batch = Batch(inputs, targets)
        began = self.budget.clock()
        found = three_losses(model, [batch], loss)
        cost = self.budget.charge(began)
        due = self.budget.clock() + self.budget.spacing(cost, PROBING)
        self._probe_due = due - self.budget.began
        name = self.observers[0].name
        losses = (found.batch, found.running, found.recalibrated)
        self._emit([ThreeLosses(name, self._steps, *losses)])

    def _emit(self, events: Sequence[Event]) -> None:
        for event in events:
            if not isinstance(event, READ_FROM_LOG):
                self._run.fold(event)
            if self._writer is not None:
                self._writer.write(encode(event))
        if self._writer is not None and self._writer.problem is not None:
            problem, self._writer = self._writer.problem, None
            raise OSError(f"the log cannot be written: {problem}")

    def _leave(self) -> None:
        self.closed = True
        for observer in self.observers:
            observer.close()
        MONITOR.remove(self)
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def watch_of(*models: nn.Module) -> Watch | None:
    """The watch that is open on all of these models, if there is one."""
    for listener in MONITOR.listeners:
        watched = [observer.ref() for observer in listener.observers]
        if all(any(each is other for other in watched) for each in models):
            return listener  # type: ignore[no-any-return]  # every listener is a watch
    return None


def watch(
    model: nn.Module,
    *more: nn.Module,
    name: str | None = None,
    log: str | Path | None = LOG_BY_DEFAULT,
    every: int | Literal["auto"] = "auto",
    budget: float = 0.02,
    probe: Probe | None = None,
) -> Watch:
    """Watch what the BatchNorm layers of a model do while it is trained.

    Nothing changes: weights, buffers, losses and random states are bit for bit what they would be.
    Any `nn.Module` will do; its BatchNorm1d, 2d and 3d, SyncBatchNorm, lazy and frozen layers are
    watched, other normalization layers are counted and left alone.

    Args:
        model: The model.
        *more: Others of the same training, such as a discriminator.
        name: The run's name; the model's class if not given.
        log: Where to write, "auto" for a new file where runs live, None for no log.
        every: Measure every so many steps; "auto" spaces measurements by `budget`.
        budget: Share of the time that watching may take. Where the hooks alone take more,
            measurements still get a quarter of it; and whenever the run has doubled a step is
            measured, unless that takes longer than two steps.
        probe: (inputs, targets, loss_fn): now and then the loss of this batch by the batch's, the
            running and recalibrated statistics.

    Returns:
        A `Watch`: a context manager with `log`, `findings` and `close`. The models' own watch if
        they are watched already.

    Raises:
        InputError: An argument cannot be used; the sentence says which.
    """
    models = (model, *more)
    _check(models, every, budget)
    if (known := watch_of(*models)) is not None:
        return known  # watching twice is watching once
    names: list[str] = []
    for each in models:
        names.append(_free_name(type(each).__name__, names))
    watch = Watch(
        dict(zip(names, models, strict=True)),
        name=clean(name or names[0], limit=80),
        log=log,
        every=None if every == "auto" else every,
        budget=budget,
        probe=probe,
    )
    watch.announce()
    return watch


def _check(models: Sequence[object], every: int | Literal["auto"], budget: float) -> None:
    for place, each in enumerate(models, 1):
        if not isinstance(each, nn.Module):
            raise InputError(
                f"Model {place} is of type {type(each).__name__}, but it takes an nn.Module."
            )
    if every != "auto" and every < 1:
        raise InputError(
            f'every is {every!r}, but it takes a number of steps from 1 on, or "auto".'
        )
    if not 0 < budget <= 1:
        raise InputError(f"budget is {budget!r}, but it takes a share above 0, up to 1.")


def _open(log: str | Path | None, name: str) -> LogWriter | None:
    if log is None:
        return None
    if log != LOG_BY_DEFAULT:
        path, rank = Path(log), _rank()
        return LogWriter(path.with_stem(f"{path.stem}-rank{rank}") if rank else path)
    wanted = command.log
    if wanted not in {None, LOG_BY_DEFAULT} and not os.path.lexists(wanted):
        return LogWriter(Path(wanted))
    while True:
        try:
            return LogWriter(watched_path(f"{name}-rank{_rank()}" if _rank() else name))
        except InputError:
            continue  # another run took the name just now


def _rank() -> int:
    """This process's among those that train together."""
    group = torch.distributed
    if group.is_available() and group.is_initialized():
        return group.get_rank()
    rank = os.environ.get("RANK", "")  # by torchrun, to processes that have not met yet
    return int(rank) if rank.isdecimal() else 0


def _free_name(name: str, taken: Sequence[str]) -> str:
    name = clean(name, limit=80)
    others = (f"{name}-{n}" for n in range(2, len(taken) + 3))
    return next(each for each in (name, *others) if each not in taken)


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if isfinite(number) else None


def _with_replica(facts: ModelFacts, observer: ModelObserver) -> ModelFacts:
    for other in MONITOR.observers():
        if other is not observer and (apart := replicas(observer, other)) is not None:
            return replace(facts, replica=other.name, replica_apart=apart)
    return facts


def _ending(error: BaseException | type[BaseException], name: str) -> State | Failed | None:
    """What an error at the end of a training is in its log; None for ctrl+c."""
    kind = error if isinstance(error, type) else type(error)
    if issubclass(kind, KeyboardInterrupt):
        return None
    reason = clean(kind.__name__, limit=80)
    if isinstance(error, SystemExit):
        if not error.code:
            return State("finished", 0, None)
        reason = f"exit code {error.code if isinstance(error.code, int) else 1}"
    return Failed("crash", f"{name} ended with {reason}.")


def _close_all() -> None:
    """At the interpreter's end, which an error may have brought about."""
    error = None if hasattr(sys, "ps1") else getattr(sys, "last_type", None)
    for listener in MONITOR.listeners:
        if error is not None:
            listener.fail(error)
        listener.close()


atexit.register(_close_all)
