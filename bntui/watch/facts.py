"""From what was counted and sampled to the facts that the doctor's rules decide on."""

from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from bntui.protocol import Event, Histogram, LayerFacts, LayerSamples, ModelFacts, Statistics
from bntui.watch import statistics
from bntui.watch.layers import buffer, dtype_name, is_frozen_kind, tensors
from bntui.watch.monitor import MONITOR
from bntui.watch.observer import (
    BACKWARD,
    FROZEN,
    GRAD,
    PASSES,
    RECALIBRATING,
    ROOT,
    TRAIN,
    EvalPhase,
    LayerObserver,
    ModelObserver,
    Pass,
    Side,
    usual,
)
from bntui.watch.readout import Readout
from bntui.watch.statistics import ENOUGH, FEW, Moments, Sample

SMALL_GAMMA = 0.01
NO_VARIANCE = 1e-7

CAUGHT_UP = 30
"""Steps after which lag is measured: at momentum 0.1 the start weighs 4 % then."""

EVALUATED = 8
"""Evaluations of a layer over which its inputs are averaged."""

LEAST_VALUES = 16
"""Values a channel below which an evaluation's variance says nothing."""

Numbers = dict[object, list[float | None]]


class LayerSummary:
    """A layer's facts, from its observer, cumulative from the start of watching."""

    def __init__(self, layer: LayerObserver, index: int) -> None:
        self.layer = layer
        self.index = index
        self.facts = LayerFacts(index, 0, momentum=layer.described.momentum)
        self._passes: Counter[int] = Counter()
        self._sizes: Counter[int] = Counter()
        self._examples: Counter[int] = Counter()
        self._drifted = 0
        self._recalibrated_frozen = 0
        self._moments = [Moments() for _ in range(PASSES)]
        self._missed = Moments()
        self._evaluations: list[tuple[float | None, float | None]] = []
        self._eval_initial = 0
        self._changed: float | None = None
        self._padding: list[float] = []
        self._scales: list[float] = []
        self._rows: list[Sample] = []
        self._histograms: list[tuple[Side, int, Tensor, Tensor, Tensor]] = []
        self._initial: bool | None = None
        self._phases: list[EvalPhase] = []
        self._held = tensors(layer.ref())
        self._start = {name: value.detach().clone() for name, value in self._held.items()}

    # Before the numbers come

    def ask(self, readout: Readout) -> None:
        """Fold in what came since the last time, and put what is to be read into the readout."""
        self._count()
        module = self.layer.ref()
        self._sampled(readout)
        self._evaluated(readout)
        self._looked_at(readout)
        if module is not None:
            self._held = tensors(module)
        self._ask_state(readout)

    def _count(self) -> None:
        layer = self.layer
        counts, before = dict(layer.counts), layer.counts_before
        layer.counts.clear()
        layer.counts_before = Counter()
        for (flags, shape), times in chain(before.items(), counts.items()):
            self._passes[flags] += times
            if not flags & TRAIN or flags & BACKWARD:
                continue
            if flags & RECALIBRATING:
                self._recalibrated_frozen += times if flags & FROZEN else 0
                continue
            n = shape.numel() // max(shape[1], 1)
            self._sizes[_rounded(n)] += times
            self._examples[shape[0]] += times
        if before or layer.frozen is None:
            self._drifted = 0
        if layer.frozen is not None:
            self._drifted += sum(
                times
                for (flags, _), times in counts.items()
                if flags & TRAIN and not flags & (BACKWARD | RECALIBRATING)
            )

    def _sampled(self, readout: Readout) -> None:
        samples, self.layer.samples = self.layer.samples, []
        rows: list[Sample] = []
        last = -1
        for sample, graded, record in samples:
            if not graded or _was_missed(record):
                self._missed.add(sample.mean, sample.var, sample.examples)
                continue
            caught_up = sample.step >= CAUGHT_UP
            running = (sample.running_mean, sample.running_var) if caught_up else None
            self._moments[sample.index].add(
                sample.mean, sample.var, sample.examples, running, self.layer.eps
            )
            if sample.step > last:
                rows.append(sample)
                last = sample.step
        self._rows = rows
        if rows:
            statistics.summarise(self.index, rows, self.layer.eps, readout)
        self._ask_moments(readout)

    def _ask_moments(self, readout: Readout) -> None:
        first = self._moments[0].settled
        if first.count >= ENOUGH:
            ratio, share = first.scatter()
            readout.add((self.index, "scatter"), torch.stack([ratio, share]))
        if first.lags >= (ENOUGH if self.facts.momentum is not None else FEW):
            readout.add((self.index, "lag"), first.lag())
            readout.add((self.index, "var_lag"), first.var_lag())
        streams = [m.settled for m in self._moments if m.settled.count >= FEW]
        pairs = [
            torch.stack(statistics.apart(a, b))
            for place, a in enumerate(streams)
            for b in streams[place + 1 :]
        ]
        if pairs:
            readout.add((self.index, "domains"), torch.stack(pairs).amax(0))
        trained = max((moments.settled for moments in self._moments), key=lambda m: m.count)
        if self._missed.count >= 2 and trained.count >= FEW:
            apart = statistics.apart(self._missed, trained)
            readout.add((self.index, "missed"), torch.stack(apart))

    def _evaluated(self, readout: Readout) -> None:
        samples, self.layer.eval_samples = self.layer.eval_samples, []
        eps = self.layer.eps
        self._phases = []
        for place, (sample, phase) in enumerate(samples):
            initial = (sample.running_mean == 0).all() & (sample.running_var == 1).all()
            known = sample.running_var.float()
            var = ((sample.var + eps) / (known + eps)).median()
            mean = (
                (sample.mean - sample.running_mean.float()).abs() / (known + eps).sqrt()
            ).median()
            enough = torch.tensor(float(sample.n >= LEAST_VALUES), device=var.device)
            readout.add(
                (self.index, "eval", place), torch.stack([var, mean, initial.float(), enough])
            )
            self._phases.append(phase)

    def _looked_at(self, readout: Readout) -> None:
        layer = self.layer
        for name in ("paddings", "scales"):
            if values := getattr(layer, name):
                readout.add((self.index, name), torch.stack(values))
                setattr(layer, name, [])
        self._histograms, layer.histograms = layer.histograms, []
        for place, (_, _, low, high, counts) in enumerate(self._histograms):
            readout.add(
                (self.index, "histogram", place), torch.cat([low[None], high[None], counts])
            )

    def _ask_state(self, readout: Readout) -> None:
        """Of a model that is gone, what its buffers were in the end."""
        poll = self.layer.poll
        if poll.needed and (updates := poll.updates()) is not None:
            readout.add((self.index, "updates"), updates)
        mean, var = self._held.get("running_mean"), self._held.get("running_var")
        if mean is not None and var is not None:
            finite = mean.isfinite() & var.isfinite()
            drift = torch.zeros(())
            frozen = self.layer.frozen or {}
            if "running_mean" in frozen and self._drifted:
                then = frozen["running_mean"].float()
                scale = (frozen["running_var"].float() + self.layer.eps).sqrt()
                drift = ((mean.float() - then).abs() / scale).amax() * ~_is_initial(frozen)
            found = [~finite, var < NO_VARIANCE, var.float().amin(), drift]
            parts = [part.sum() if part.dim() else part for part in found]
            readout.add(
                (self.index, "buffers"), torch.stack([p.float().to(mean.device) for p in parts])
            )
        weight = self._held.get("weight")
        if weight is not None:
            before = self._start.get("weight")
            small = (weight.abs() < SMALL_GAMMA).sum().float()
            then = small if before is None else (before.abs() < SMALL_GAMMA).sum().float()
            same = [
                torch.ones_like(small) if held is None else (weight == held).all().float()
                for held in (before, (self.layer.frozen or {}).get("weight"))
            ]
            readout.add((self.index, "gamma"), torch.stack([small, then, *same]))
        if "running_mean" in self._start and self._initial is None:
            readout.add((self.index, "initial"), _is_initial(self._start))

    # When they are there

    def learn(self, numbers: Numbers, model: ModelObserver, step: int) -> list[Event]:
        """The facts as of now, and the events that are new."""
        module = self.layer.ref()
        get: Callable[..., list[float | None]] = lambda *key: numbers.get((self.index, *key), [])  # noqa: E731
        events = self._sample_events(get)
        for place, (side, at, *_) in enumerate(self._histograms):
            low, high, *counts = (v or 0.0 for v in get("histogram", place))
            events.append(Histogram(self.index, at, side, low, high, [int(c) for c in counts]))
        values: dict[str, Any] = {"step": step}
        values |= self._pass_facts(model)
        values |= self._input_facts(get, model)
        if buffers := get("buffers"):
            nonfinite, empty, least, drift = buffers
            values |= {"nonfinite": int(nonfinite or 0), "no_variance": int(empty or 0)}
            values |= {"min_var": least, "drift": drift if self._drifted else None}
        if initial := get("initial"):
            self._initial = bool(initial[0])
        if gamma := get("gamma"):
            small, then, still, held = (v or 0.0 for v in gamma)
            values |= {"small_gammas": int(small), "small_gammas_at_start": int(then)}
            # A teacher whose weights are averages is not frozen.
            values |= {} if still else {"recalibrated_frozen": 0}
            values |= {} if held else {"drifted": 0}
        if module is not None:
            values |= self._settings(module)
        if counted := get("updates"):
            values |= {"updates": int(counted[0] or 0), "trained": int(counted[0] or 0)}
        updates = values["updates"]
        momentum = self.facts.momentum
        if self._initial and momentum is not None and updates:
            values["initial_weight"] = max(0.0, 1 - momentum) ** updates
        if values.get("drifted"):
            values["unfollowed"] = values["unfollowed_steps"] = 0
        new = msgspec.structs.replace(self.facts, **values)
        if msgspec.structs.replace(new, step=self.facts.step) != self.facts or not self.facts.step:
            self.facts = new
            events.append(new)
        return events

    def _sample_events(self, get: Callable[..., list[float | None]]) -> list[Event]:
        rows = self._rows
        if not rows:
            return []
        steps = [row.step for row in rows]
        names = ("mean_distance", "mean_distance_worst", "var_ratio", "var_ratio_worst")
        samples = LayerSamples(self.index, steps, [row.n for row in rows], *(get(n) for n in names))
        width = len(rows)
        traces = [
            [column[at : at + width] for at in range(0, len(column), width)]
            for column in map(get, ("batch_mean", "running_mean", "batch_var", "running_var"))
        ]
        units = list(range(len(traces[0])))
        return [samples, Statistics(self.layer.model.name, self.index, units, steps, *traces)]

    def _pass_facts(self, model: ModelObserver) -> dict[str, Any]:
        def passes(wanted: int, unwanted: int = 0) -> int:
            return sum(
                times
                for flags, times in self._passes.items()
                if flags & wanted == wanted and not flags & unwanted
            )

        module = self.layer.ref()
        tracked = self.layer.described.tracked
        if module is not None:
            tracked = module._buffers.get("running_mean") is not None
        evaluated = passes(0, TRAIN)
        trained = passes(TRAIN | GRAD, BACKWARD)
        ran = passes(TRAIN, BACKWARD | RECALIBRATING | FROZEN)
        usual_n = usual(self._sizes)
        ragged = sum(times for n, times in self._sizes.items() if n <= usual_n / 4)
        return {
            "trained": trained,
            "unfollowed": min(model.counts.unfollowed, ran) if ran else model.counts.unfollowed,
            "unfollowed_steps": model.counts.unfollowed_steps,
            "recomputed": passes(TRAIN | BACKWARD),
            "evaluated": evaluated,
            "untracked": 0 if tracked else passes(0, TRAIN | ROOT),
            "moved_in_eval": passes(TRAIN, ROOT | BACKWARD | RECALIBRATING),
            "stuck": model.counts.stuck,
            "drifted": self._drifted,
            "recalibrated_frozen": self._recalibrated_frozen,
            "usual_n": usual_n,
            "usual_examples": usual(self._examples),
            "smallest_n": min(self._sizes, default=0),
            "ragged": ragged,
            "updates": passes(TRAIN),
            "dead_bias": self.layer.dead_bias,
            "dropout": self.layer.dropout,
            "weight_decay": self.layer.weight_decay,
        }

    def _settings(self, module: nn.Module) -> dict[str, Any]:
        running = buffer(module, "running_mean")
        weight = module._parameters.get("weight")
        momentum = getattr(module, "momentum", None)
        found: dict[str, Any] = {
            "training": module.training and not is_frozen_kind(module),
            "trainable": weight is None or weight.requires_grad,
            "dtype": "" if running is None else dtype_name(running),
        }
        if not self.layer.model.recalibrating:
            found["momentum"] = None if momentum is None else float(momentum)
            if self.facts.step and found["momentum"] != self.facts.momentum:
                found["momentum_before"] = self.facts.momentum
        return found

    def _input_facts(
        self, get: Callable[..., list[float | None]], model: ModelObserver
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first = self._moments[0].settled
        if scatter := get("scatter"):
            found |= {
                "scatter": scatter[0],
                "scatter_share": scatter[1],
                "scatter_batches": first.count,
            }
        if lag := get("lag"):
            found |= {"lag": lag[0], "lag_noise": first.lag_noise(self.facts.momentum)}
            found["var_lag"] = get("var_lag")[0]
        if domains := get("domains"):
            streams = [m.settled.count for m in self._moments if m.settled.count >= FEW]
            found |= {"domains": len(streams), "domain_samples": min(streams)}
            found |= {"domain_mean": domains[0], "domain_var": domains[1]}
            found["domains_within"] = model.domains_within
        if missed := get("missed"):
            found |= {"unfollowed_mean": missed[0], "unfollowed_var": missed[1]}
        found |= self._eval_facts(get, model)
        self._padding += [v for v in get("paddings") if v is not None]
        if self._padding:
            found |= {
                "padding": sum(self._padding) / len(self._padding),
                "padding_range": max(self._padding) - min(self._padding),
                "padding_samples": len(self._padding),
            }
        self._scales += [v for v in get("scales") if v is not None]
        if self._scales:
            middle = sorted(self._scales)[len(self._scales) // 2]
            found |= {"axis_scales": middle, "axis_samples": len(self._scales)}
        return found

    def _eval_facts(
        self, get: Callable[..., list[float | None]], model: ModelObserver
    ) -> dict[str, Any]:
        for place, phase in enumerate(self._phases):
            var, mean, initial, enough = get("eval", place)
            changed = _changed(phase)
            if changed is not None:
                self._changed = changed
            self._eval_initial += bool(initial and model.weights.changed(phase.now))
            if enough:
                self._evaluations = [*self._evaluations[1 - EVALUATED :], (var, mean)]
        found: dict[str, Any] = {
            "eval_initial": self._eval_initial,
            "changed_outside": self._changed,
        }
        known = [(v, m) for v, m in self._evaluations if v is not None and m is not None]
        if known:
            latest = known[-PASSES:]
            found |= {
                "eval_var": sum(v for v, _ in latest) / len(latest),
                "eval_mean": sum(m for _, m in latest) / len(latest),
                "eval_samples": len(known),
            }
        return found


def ask_model(observer: ModelObserver, readout: Readout) -> None:
    """What is to be read of the model and its inputs."""
    batches, observer.input_batches = observer.input_batches, []
    for mean, var, examples in batches:
        observer.inputs.add(mean, var, examples)
    settled = observer.inputs.settled
    if settled.count >= FEW and observer.has_inputs:
        readout.add((observer.name, "inputs"), torch.stack(settled.scatter()))
    observer.classes.ask((observer.name, "classes"), readout)
    model = observer.ref()
    if isinstance(model, AveragedModel) and not model.use_buffers:
        readout.add((observer.name, "averaged"), model.n_averaged)


def model_facts(observer: ModelObserver, numbers: Numbers) -> ModelFacts:
    """A model's facts as of now."""
    model = observer.ref()
    ratio, share = numbers.get((observer.name, "inputs"), [None, None])
    classes = observer.classes.facts(numbers.get((observer.name, "classes"), []))
    averaged = numbers.get((observer.name, "averaged"), [0])
    world = torch.distributed.get_world_size() if _is_distributed() else 1
    plain = [
        x for layer in observer.layers if (x := layer.ref()) and not isinstance(x, nn.SyncBatchNorm)
    ]
    return ModelFacts(
        observer.name,
        observer.interval,
        training=model is None or model.training,
        optimizer_steps=observer.interval,
        hidden=sorted(_hidden(observer)),
        input_scatter=ratio,
        input_scatter_share=share,
        input_scatter_batches=observer.inputs.settled.count,
        class_scatter=classes[0],
        class_scatter_share=classes[1],
        class_scatter_batches=classes[2],
        averaged=int(averaged[0] or 0),
        processes=world,
        unsynchronized=len(plain) if world > 1 else 0,
    )


def _hidden(observer: ModelObserver) -> list[str]:
    """Hidden layers that were trained, and are none of another watched model's."""
    others = {id(layer.ref()) for each in MONITOR.observers() for layer in each.layers}
    return [
        name
        for name, hidden in observer.hidden.items()
        if hidden.trained and id(hidden.ref()) not in others
    ]


def replicas(some: ModelObserver, other: ModelObserver) -> float | None:
    """How far the running means of two models with equal weights are apart: root mean square over
    channels, in sd, of the worst layer. None if they are no replicas.
    """
    a, b = some.ref(), other.ref()
    if a is None or b is None or not some.layers or len(some.layers) != len(other.layers):
        return None
    pairs = list(zip(a.parameters(), b.parameters(), strict=False))
    if not pairs or any(p.shape != q.shape or p.dtype != q.dtype for p, q in pairs):
        return None
    if not all(each.weights.changed(each.weights.fingerprint()) for each in (some, other)):
        return None
    with torch.no_grad():
        for p, q in pairs:
            if not torch.allclose(p, q.to(p.device), rtol=1e-4, atol=1e-6):
                return None
        worst = 0.0
        for one, two in zip(some.layers, other.layers, strict=True):
            m, n = one.ref(), two.ref()
            if m is None or n is None:
                continue
            x, y = buffer(m, "running_mean"), buffer(n, "running_mean")
            v, w = buffer(m, "running_var"), buffer(n, "running_var")
            if x is None or y is None or v is None or w is None or x.shape != y.shape:
                continue
            sd = torch.minimum(v, w.to(v.device)).clamp_min(1e-12).sqrt()
            worst = max(worst, float(((x - y.to(x.device)) / sd).square().mean().sqrt()))
    return worst


def _is_initial(held: dict[str, Tensor]) -> Tensor:
    """Whether statistics are exactly 0 and 1."""
    return (held["running_mean"] == 0).all() & (held["running_var"] == 1).all()


def _was_missed(record: Pass | None) -> bool:
    return record is not None and not record.followed and record.closed > 0


def _changed(phase: EvalPhase) -> float | None:
    """Relative change of the weights by something other than their optimizer."""
    if phase.now is None or phase.before is None:
        return None
    moved = phase.now - phase.before
    if phase.trained:
        moved = moved * (phase.now == 0)  # no optimizer makes exact zeros
    return float(moved.norm() / (phase.before.norm() + 1e-12))


def _rounded(n: int) -> int:
    """A number of values to 3 binary digits, so that lengths that vary stay few; exact below 64."""
    shift = max(0, n.bit_length() - 6)
    return n >> shift << shift


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
