"""What one model's BatchNorm layers do, noted from light hooks and, at sampled steps, measured.

The hooks run in the user's training: all they do in every pass is to count. A pass is known by its
flags; statistics are taken at sampled steps alone, and stay tensors until the log is written.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from math import inf
from statistics import median_high
from typing import Any, Literal
from weakref import ref

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle, unserializable_hook

from bntui.protocol import WatchedLayer
from bntui.watch import statistics
from bntui.watch.classes import Classes
from bntui.watch.hooks import Hook, put, put_after
from bntui.watch.layers import (
    batchnorms,
    buffer,
    describe,
    hidden_batchnorms,
    other_norms,
    tensors,
)
from bntui.watch.polling import FLOATS, LEAST_MOMENTUM, Poll
from bntui.watch.sampling import Sampling
from bntui.watch.statistics import Moments, Sample
from bntui.watch.weights import Weights

TRAIN, GRAD, BACKWARD, ROOT, NEEDS_GRAD, FROZEN, RECALIBRATING = (1 << bit for bit in range(7))
"""Flags of a pass: the layer's mode, grad mode, inside a backward pass, the root module's mode,
whether the input requires a gradient, whether gamma does not, in a recalibration."""

SCANNED_STEPS = 20
"""Steps at which every module's call is looked at: for hidden layers, and Dropout upstream."""

WATCHFUL = 256
SPACED = 7
"""Passes for which every backward pass is awaited, at first and after one that did not come; of
the others one in seven, since waiting costs as much as all the rest of the hooks."""

UNSTEPPED = 64
"""Training passes without an optimizer's step after which backward passes count as steps."""

PASSES = 4
"""Passes of a step that are sampled, and of an evaluation."""

CHECKED = 24
"""Samples in which padding is looked for; a quarter of them look for a mistaken axis."""

GRAPH = 24
"""Nodes before a layer that are looked at for a dropout without a module."""

WHOLE = frozenset({torch.int64, torch.int32})

TRANSPARENT = frozenset({"TransposeBackward0", "PermuteBackward0", "ToCopyBackward0"})
BIAS_PLACE = {"AddmmBackward0": 0, "ConvolutionBackward0": 2}
"""Which input of these autograd nodes is the bias."""

Side = Literal["input", "output"]

_backward_id = torch._C._current_graph_task_id
_is_grad_enabled = torch.is_grad_enabled
_is_compiling = torch.compiler.is_dynamo_compiling
"""Exporting without Dynamo calls hooks with tensors of another type, which they leave alone."""


class Pass:
    """A pass of the leading layer in train mode: whether a backward pass has followed."""

    __slots__ = ("closed", "followed", "graded")

    def __init__(self, graded: bool) -> None:
        self.graded = graded
        self.followed = False
        self.closed = 0

    def follow(self, _: Tensor) -> None:
        """Called with a gradient when the backward pass comes through."""
        self.followed = True


FOLLOWED = Pass(True)
FOLLOWED.followed = True
"""Stands for every pass whose backward pass is not awaited."""


@dataclass(slots=True)
class Pending:
    """A sampled pass whose update of the buffers is yet to be read."""

    step: int
    index: int
    shape: torch.Size
    graded: bool
    pass_: Pass | None
    before: tuple[Tensor, Tensor]
    buffers: tuple[Tensor, Tensor]
    """The very buffers that the pass updates, even where functional_call put others in place."""
    momentum: float


class Passes(dict[tuple[int, torch.Size], int]):
    """How often a layer ran, by flags and shape; what is not yet in it goes to `new` first.

    So changes of kind are seen while passes are only counted.
    """

    def __init__(self, new: Callable[[int], None]) -> None:
        super().__init__()
        self._new = new

    def __missing__(self, key: tuple[int, torch.Size]) -> int:
        self._new(key[0])
        return 0


class LayerObserver(Hook):
    """One BatchNorm layer, and the hook before its forward passes; keeps no reference to it."""

    def __init__(self, module: nn.Module, described: WatchedLayer, model: "ModelObserver") -> None:
        self.ref = ref(module)
        self.model = model
        self.described = described
        self.eps = described.eps
        self.counts = Passes(self._counts_new)
        self.counts_before: Counter[tuple[int, torch.Size]] = Counter()
        """Of passes before the layer was frozen or thawed."""
        self.frozen: dict[str, Tensor] | None = None
        """Gamma and buffers as they were when the layer was frozen, while it is."""
        self._left_alone = False
        self.interval = -1
        self.index = 0
        self.eval_phase = 0
        self.eval_left = 0
        self.pending: Pending | None = None
        self.samples: list[tuple[Sample, bool, Pass | None]] = []
        """Of train mode: whether a gradient was recorded, and the leading layer's pass."""
        self.eval_samples: list[tuple[Sample, EvalPhase]] = []
        self.paddings: list[Tensor] = []
        self.scales: list[Tensor] = []
        self.checked = 0
        self.histograms: list[tuple[Side, int, Tensor, Tensor, Tensor]] = []
        self.dead_bias = ""
        self.dropout = 0.0
        self.weight_decay = 0.0
        self.poll = Poll(module)
        self.handle = module.register_forward_pre_hook(self)
        self._leaving: RemovableHandle | None = None
        self._awaiting: list[Callable[[Tensor], None]] = []

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Before every forward pass of the layer; never raises."""
        x = args[0] if args else None
        if _is_compiling() or type(x) is not Tensor or module is not self.ref():
            return  # a replica of DataParallel shares our hook
        if len(shape := x.shape) < 2:
            return
        model = self.model
        sampling = model.sampling
        if sampling.timed:
            model.time(self, module, args)
            return
        try:
            if self._leaving is not None:
                self.await_nothing()
            grad = _is_grad_enabled()
            inside = _backward_id() != -1
            training = module.training
            root = model.ref()
            weight = module._parameters.get("weight")
            flags = (
                (TRAIN if training else 0)
                | (GRAD if grad else 0)
                | (BACKWARD if inside else 0)
                | (ROOT if root is None or root.training else 0)
                | (NEEDS_GRAD if x.requires_grad else 0)
                | (FROZEN if weight is not None and not weight.requires_grad else 0)
                | (RECALIBRATING if model.recalibrating else 0)
            )
            self.counts[flags, shape] += 1
            if self.interval != model.interval:
                self.interval = model.interval
                self.index = 0
            if not training:
                self._evaluate(module, x, flags)
                return
            if self.pending is not None:
                self.finish()
            if inside:
                if model.leader is self:
                    model.recomputed()
                return
            index = self.index
            self.index += 1
            if model.leader is self or model.choosing:
                model.passes_through(self, module, x, flags)
            self.dropout = max(self.dropout, model.dropout)
            if sampling.now and index < PASSES and _is_plain(x):
                self._sample_train(module, x, index, grad)
        except Exception as error:
            model.give_up(error)

    def _counts_new(self, flags: int) -> None:
        if flags & TRAIN and not flags & (BACKWARD | RECALIBRATING):
            self._freeze(self._left_alone or flags & (FROZEN | NEEDS_GRAD) == FROZEN)

    def leave_alone(self, alone: bool) -> None:
        """No optimizer moves the layer, or anything before it."""
        self._left_alone = alone
        if alone:
            self._freeze(True)

    def _freeze(self, frozen: bool) -> None:
        """From here on training leaves it as it is, or no longer does."""
        if frozen == (self.frozen is not None):
            return
        self.counts_before.update(self.counts)
        self.counts.clear()
        held = tensors(self.ref())
        if self.pending is not None:  # the step has updated them already
            held |= zip(("running_mean", "running_var"), self.pending.before, strict=True)
        self.frozen = {k: v.detach().clone() for k, v in held.items()} if frozen else None

    def await_output(self, module: nn.Module, seen: Callable[[Tensor], None]) -> None:
        """Have `seen` called with the output of the pass that has just begun."""
        if self._leaving is None:
            self._leaving = put_after(module, self._leave)
        self._awaiting.append(seen)

    def _leave(self, module: nn.Module, args: object, output: object) -> None:
        if module is not self.ref():
            return
        try:
            awaiting = self._awaiting
            self.await_nothing()
            if isinstance(output, Tensor):
                for seen in awaiting:
                    seen(output)
        except Exception as error:
            self.model.give_up(error)

    def await_nothing(self) -> None:
        """Take the hook off that awaits an output, also one that never came."""
        if self._leaving is not None:
            self._leaving.remove()
        self._leaving, self._awaiting = None, []

    def _evaluate(self, module: nn.Module, x: Tensor, flags: int) -> None:
        model = self.model
        if flags & ROOT:
            return
        model.evaluates(self, flags)
        if self.eval_phase != model.phase.number:
            self.eval_phase = model.phase.number
            self.eval_left = PASSES if model.sampling.affords_evaluation() else 1
        if self.eval_left and model.phase.sampled and _is_plain(x):
            self.eval_left -= 1
            self._sample_eval(module, x)

    def _sample_train(self, module: nn.Module, x: Tensor, index: int, graded: bool) -> None:
        model = self.model
        began = model.budget.work()
        with torch.no_grad():
            mean, var = buffer(module, "running_mean"), buffer(module, "running_var")
            momentum = getattr(module, "momentum", None)
            record = model.last_pass
            if mean is not None and var is not None:
                before = (mean.clone(), var.clone())
                waiting = Pending(
                    model.interval,
                    index,
                    x.shape,
                    graded,
                    record,
                    before,
                    (mean, var),
                    momentum or 0,
                )
                if LEAST_MOMENTUM <= waiting.momentum <= 1 and mean.dtype in FLOATS:
                    self.pending = waiting
                else:
                    self._keep(waiting, statistics.from_input(x))
            if graded and self.checked < CHECKED * PASSES:
                self._check(module, x)
        model.budget.charge_step(began)

    def finish(self) -> None:
        """Read the update of a sampled pass."""
        waiting, self.pending = self.pending, None
        if waiting is not None:
            with torch.no_grad():
                batch = statistics.from_update(waiting.before, waiting.buffers, waiting.momentum)
                self._keep(waiting, batch)

    def end_step(self, own: bool) -> None:
        """After a step that is measured, of the model's `own` optimizer: updates of the buffers.

        Without a step of its own, as in an average of another model, they may have been copied.
        """
        self.finish()
        if own and self.interval != self.model.interval and self.poll.moved():
            self.poll.needed = True
            with torch.no_grad():
                if batch := self.poll.batch():
                    sample = Sample(self.model.interval, 0, 0, 0, *batch)
                    self.samples.append((sample, True, None))

    def _keep(self, taken: Pending, batch: tuple[Tensor, Tensor]) -> None:
        n = taken.shape.numel() // max(taken.shape[1], 1)
        sample = Sample(taken.step, taken.index, taken.shape[0], n, *taken.before, *batch)
        self.samples.append((sample, taken.graded, taken.pass_))

    def _check(self, module: nn.Module, x: Tensor) -> None:
        """What can only be seen in the input itself, in the first samples."""
        self.checked += 1
        if self.checked <= 2:
            self.dead_bias = self.model.bias_before(x) or self.dead_bias
            self.dropout = max(self.dropout, dropout_before(x))
        if self.checked in {1, 8, 64}:
            self._bin("input", x)
            self.await_output(module, self._bin_output)
        sequence = x.dim() == 3 or (x.dim() > 3 and self is self.model.layers[0])
        if sequence and self.checked <= CHECKED:
            self.paddings.append(statistics.constant_tail(x))
        if x.dim() == 3 and x.shape[1] == x.shape[2] > 2 and self.checked <= CHECKED // 4:
            self.scales.append(statistics.axis_scales(x))

    def _bin_output(self, y: Tensor) -> None:
        began = self.model.budget.work()
        with torch.no_grad():
            self._bin("output", y)
        self.model.budget.charge_step(began)

    def _bin(self, side: Side, x: Tensor) -> None:
        self.histograms.append((side, self.model.interval, *statistics.histogram(x)))

    def _sample_eval(self, module: nn.Module, x: Tensor) -> None:
        began = self.model.budget.work()
        mean, var = buffer(module, "running_mean"), buffer(module, "running_var")
        if mean is not None and var is not None:
            with torch.no_grad():
                n = x.shape.numel() // max(x.shape[1], 1)
                batch = statistics.from_part(x)
                sample = Sample(
                    self.model.interval, 0, x.shape[0], n, mean.clone(), var.clone(), *batch
                )
            self.eval_samples.append((sample, self.model.phase))
        self.model.budget.charge_evaluation(began)


@dataclass(slots=True)
class EvalPhase:
    """Passes in eval mode between two steps, and how the weights stood then."""

    number: int = 0
    interval: int = -1
    versions: list[int] = field(default_factory=list)
    sampled: bool = False
    now: Tensor | None = None
    before: Tensor | None = None
    """Fingerprints of the weights now, and as their own training left them; None if not known."""
    trained: bool = False
    """Whether training may have moved them since `before`."""


class Hidden:
    """A BatchNorm layer that is held where no train() or eval() of the model reaches it."""

    def __init__(self, module: nn.Module) -> None:
        self.ref = ref(module)
        self.trained = 0
        self.handle = put(module, self._enter)

    def _enter(self, module: nn.Module, _: object) -> None:
        self.trained += module.training and torch.is_grad_enabled()


@dataclass
class ModelCounts:
    """What is counted of the model as a whole."""

    steps: int = 0
    unfollowed: int = 0
    unfollowed_steps: int = 0
    stuck: int = 0


class ModelObserver(Hook):
    """One watched model: its layers, its steps, its passes, and the hook before its forward passes;
    keeps no reference to the model.
    """

    def __init__(
        self,
        model: nn.Module,
        name: str,
        sampling: Sampling,
        give_up: Callable[[Exception], None],
        stepped: Callable[[list["ModelObserver"]], None],
    ) -> None:
        self.ref = ref(model)
        self._report_step = stepped
        self.by_passes = False
        """Whether backward passes count as steps, since no optimizer's was seen."""
        self.name = name
        self.sampling = sampling
        self.budget = sampling.budget
        self.give_up = give_up
        self.counts = ModelCounts()
        self.interval = 0
        """Steps of whatever optimizer moves this model, or of any while none is known to."""
        self.recalibrating = False
        self.leader: LayerObserver | None = None
        self.choosing = 3
        self.passes: list[Pass] = []
        self.last_pass: Pass | None = None
        self.phase = EvalPhase()
        self.dropout = 0.0
        self._scan_left = SCANNED_STEPS
        self._scanned: list[RemovableHandle] = []
        self.hidden: dict[str, Hidden] = {}
        self.ever_trained = False
        self.owned = False
        self._graded_eval = False
        self._leader_flags = 0
        self._leader_version = -1
        self._leader_bump = 0
        self._leader_passes = 0
        self._awaited, self._alert = 0, WATCHFUL
        self.inputs = Moments()
        self.input_batches: list[tuple[Tensor, Tensor, int]] = []
        self._next_input: float = 0
        self._words = 0
        """When a batch of inputs is looked at next; the length of its rows, if these are words."""
        self.classes = Classes()
        self._leaving: RemovableHandle | None = None
        self._root_passes = self._root_calls = 0
        self.domains_within = False
        self.weights = Weights(model, self.budget)
        self._handles = [model.register_forward_pre_hook(self)]
        self.layers = [
            LayerObserver(module, describe(path, module, name), self)
            for path, module in batchnorms(model)
        ]
        self.others = other_norms(model)
        for module in model.modules():
            if "Dropout" in type(module).__name__:
                self._scanned.append(put(module, self._drops))
        self._scan_hidden()
        self.prepare()

    # Passes

    def _scan_hidden(self) -> None:
        """Look again: lists are often filled in the first forward pass."""
        model = self.ref()
        for name, module in hidden_batchnorms(model) if model is not None else ():
            if name not in self.hidden:
                self.hidden[name] = Hidden(module)

    def _drops(self, module: nn.Module, _: object) -> None:
        if module.training:
            self.dropout = max(self.dropout, float(getattr(module, "p", 0)))

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Before every forward pass of the whole model; never raises."""
        if _is_compiling():
            return
        if self.sampling.timed:
            self.time(self, module, args)
            return
        try:
            self.dropout = 0.0
            if not module.training or _backward_id() != -1:
                return
            self._root_calls += 1
            if not _is_grad_enabled():
                return
            if self.by_passes and self.last_pass is not None and self.last_pass.followed:
                self._report_step([self])
            elif self._root_passes == UNSTEPPED and not self.interval:
                self.by_passes = True
            self._root_passes += 1
            due = self.sampling.now or self.interval >= self._next_input
            # Before the first step it may be another pass of the step: of a critic, the real one.
            if due and self._root_passes == 1 and self.interval and args:
                self._sample_input(args[0])
                self._await_gradient(module, args[0])
        except Exception as error:
            self.give_up(error)

    def time(self, hook: Callable[..., None], *args: object) -> None:
        """Call a hook, and add what it took to the time of all hooks in this step."""
        sampling, measured = self.sampling, self.budget.measured
        sampling.timed = False
        began = self.budget.work()
        hook(*args)
        took = self.budget.work() - began
        sampling.hook_seconds += took - (self.budget.measured - measured)
        sampling.timed = True

    def _sample_input(self, x: object) -> None:
        if type(x) is not Tensor or x.dim() < 2 or not x.numel() or not _is_plain(x):
            self._next_input = inf
            return
        began = self.budget.work()
        with torch.no_grad():
            if x.is_floating_point():
                found = statistics.from_part(x)
                self.input_batches.append((*found, x.shape[0]))
            elif x.dim() == 2 and x.dtype in WHOLE and self._words in {0, x.shape[1]}:
                self._words = x.shape[1]
                self.input_batches.append((*statistics.from_words(x), x.shape[0]))
            else:  # padded to lengths of their own: how much padding there is says nothing
                self._words = -1
        cost = self.budget.charge_step(began)
        self._next_input = self.sampling.next_input(self.interval, cost, self.budget.clock())

    def _await_gradient(self, module: nn.Module, x: object) -> None:
        """Have the gradient at the output of this pass read, where its rows are examples."""
        if type(x) is not Tensor or not _is_plain(x):
            return
        rows = len(x)

        def seen(_: nn.Module, __: object, output: object) -> None:
            leaving.remove()
            if type(output) is not Tensor or not output.requires_grad or not _is_plain(output):
                return
            if output.shape[:1] == (rows,):
                output.register_hook(unserializable_hook(read))

        def read(gradient: Tensor) -> None:
            try:
                began = self.budget.work()
                self.classes.read(gradient)
                self.budget.charge_step(began)
            except Exception as error:
                self.give_up(error)

        if self._leaving is not None:  # of a pass that did not end
            self._leaving.remove()
        self._leaving = leaving = put_after(module, seen)

    def passes_through(
        self, layer: LayerObserver, module: nn.Module, x: Tensor, flags: int
    ) -> None:
        """A pass of a layer in train mode, outside of a backward pass: does it lead?"""
        if self.choosing and layer is not self.leader:
            if self.leader is None or _worth(flags) > _worth(self._leader_flags):
                self.leader, self._leader_flags = layer, flags
                self._leader_version = -1
            else:
                return
        elif self.choosing:
            self._leader_flags |= flags & (NEEDS_GRAD | GRAD)
        graded = bool(flags & GRAD)
        if graded:
            self.recalibrating = False
            self.ever_trained = True
        elif not self.recalibrating:
            self.recalibrating = self._recalibrates(layer, module)
        self._leader_passes += 1
        if self.recalibrating:
            return
        self._awaited += 1
        if graded and self._awaited > self._alert and self._awaited % SPACED:
            self.last_pass = FOLLOWED  # one in seven will do while all were followed
            return
        self.last_pass = Pass(graded)
        self.passes.append(self.last_pass)
        if graded and _is_plain(x):
            self._await_backward(layer, module, x, self.last_pass)

    def _recalibrates(self, layer: LayerObserver, module: nn.Module) -> bool:
        """Whether statistics are being made anew: something other than a pass has written them, or
        they are averaged from here on.
        """
        running = module._buffers.get("running_mean")
        if running is None:
            return False
        expected = self._leader_version + self._leader_bump * self._leader_passes
        written = self._leader_version >= 0 and running._version != expected
        return written or (module.momentum is None and layer.described.momentum is not None)

    def _await_backward(
        self, layer: LayerObserver, module: nn.Module, x: Tensor, record: Pass
    ) -> None:
        if x.requires_grad:
            x.register_hook(record.follow)
            return
        weight = module._parameters.get("weight")
        if weight is None or not weight.requires_grad:
            record.followed = True  # no gradient ever comes here, and none is missed
            return

        def seen(output: Tensor) -> None:
            if output.requires_grad:
                output.register_hook(record.follow)

        layer.await_output(module, seen)

    def recomputed(self) -> None:
        """The leading layer ran again inside a backward pass: its first pass is followed."""
        for record in reversed(self.passes):
            if not record.followed:
                record.followed = True
                return

    def evaluates(self, layer: LayerObserver, flags: int) -> None:
        """A pass in eval mode, the root's too.

        Passes up to the next step are one evaluation, unless the weights moved in between.
        """
        self._graded_eval |= bool(flags & GRAD and not flags & FROZEN)
        known = self.phase.interval == self.interval
        if not known or (layer is self.layers[0] and self.weights.moved(self.phase.versions)):
            versions = self.weights.versions()
            self.phase = EvalPhase(self.phase.number + 1, self.interval, versions)
            if self.sampling.affords_evaluation():
                began = self.budget.work()
                self.phase.sampled = True
                self.phase.now = self.weights.fingerprint()
                if (self.interval and not self.by_passes) or not self.ever_trained:
                    self.phase.before, self.phase.trained = self.weights.left(self.owned)
                self.budget.charge_evaluation(began)

    def moved_by(self, ids: Container[int]) -> None:
        """These are the parameters that optimizers move: layers with a gamma that were registered
        before the first of them are left alone.
        """
        model = self.ref()
        if model is None:
            return
        layers = {id(layer.ref()): layer for layer in self.layers}
        reached = False
        for module in model.modules():
            reached = reached or any(id(p) in ids for p in module._parameters.values())
            layer = layers.get(id(module))
            if layer is not None and module._parameters.get("weight") is not None:
                layer.leave_alone(not reached)

    # Steps

    def own(self) -> None:
        """An optimizer is known to move this model: the few steps before it were another's."""
        if not self.owned and 0 < self.interval <= SCANNED_STEPS:
            for layer in self.layers:
                layer.interval = 0 if layer.interval == self.interval else -1
            self.interval = 0
        self.owned, self.by_passes = True, False

    def stepped(self, own: bool, now: float) -> None:
        """After an optimizer's step, this model's `own` or, while none is known, any; `now` is the
        budget's clock.
        """
        if self._scan_left:
            self._scan_left -= 1
            if self._scan_left == SCANNED_STEPS - 1:
                self._scan_hidden()
            elif not self._scan_left:
                _remove(self._scanned)
        if self.passes:
            self._count_unfollowed()
        if own:
            self.counts.steps += 1
            if self.choosing:
                self.choosing -= 1
            self.weights.stepped(now)
            if self._leader_passes:
                self.counts.stuck = 0
            elif self._graded_eval and self.ever_trained:
                self.counts.stuck += 1
        if self.sampling.now:
            began = self.budget.work()
            for layer in self.layers:
                layer.end_step(own)
            self.budget.charge_step(began)
        self._close_interval()

    def prepare(self) -> None:
        """Before a step that is measured."""
        began = self.budget.work()
        with torch.no_grad():
            for layer in self.layers:
                layer.poll.prepare()
        self.budget.charge_step(began)

    def _close_interval(self) -> None:
        leader, module = self.leader, None
        if leader is not None:
            module = leader.ref()
            if leader.interval == self.interval > 0:  # found in its first pass: no root then
                self.domains_within |= leader.index > self._root_calls == 1
        self._root_passes = self._root_calls = 0
        self.interval += 1
        self.recalibrating = self._graded_eval = False
        running = module._buffers.get("running_mean") if module is not None else None
        if running is not None:
            version, before = running._version, self._leader_version
            if before >= 0 and self._leader_passes:
                self._leader_bump = (version - before) // self._leader_passes
            self._leader_version = version
        self._leader_passes = 0
        self.last_pass = self.passes[-1] if self.passes else None

    def _count_unfollowed(self) -> None:
        """Passes that no backward pass followed; one that recorded a graph may wait a step."""
        waiting = [p for p in self.passes if not p.followed and p.graded and not p.closed]
        missed = sum(not p.followed for p in self.passes) - len(waiting)
        for record in waiting:
            record.closed = 1
        self.passes = waiting
        self._miss(missed)
        if missed:
            self._alert = self._awaited + WATCHFUL

    def conclude(self) -> None:
        """Before findings are asked for: what is known of the passes since the last step."""
        for layer in self.layers:
            layer.finish()
        missed = [p for p in self.passes if not p.followed and (not p.graded or p.closed)]
        self.passes = [p for p in self.passes if p not in missed and not p.followed]
        self._miss(len(missed))

    def _miss(self, passes: int) -> None:
        """Count passes of a step that no backward pass followed."""
        self.counts.unfollowed += passes
        self.counts.unfollowed_steps += passes > 0

    @property
    def unavailable(self) -> str:
        """What cannot be seen of this model, and why; "" if nothing."""
        if self.by_passes:
            return (
                f"{self.name}: no step of a torch optimizer was seen, so every training pass that "
                "a backward pass followed counts as one."
            )
        if not self.interval:
            return (
                f"{self.name}: no step of a torch optimizer was seen, and little is known without. "
                "Other optimizers, and a training step that is compiled as a whole, call no hook."
            )
        count = sum(layer.poll.needed for layer in self.layers)
        if not count:
            return ""
        which = "its layers" if count == len(self.layers) else f"{count} of its layers"
        return (
            f"{self.name}: {which} call no hooks, as in a compiled model. Updates, running and "
            "batch statistics are read from the buffers at optimizer steps; the modes of passes, "
            "evaluations, batch sizes and histograms cannot be seen."
        )

    # What is around a layer

    def bias_before(self, x: Tensor) -> str:
        """The trainable bias of the Linear or convolution that returned this very x, or "".

        A transposition in between changes nothing, since it is still one bias a channel.
        """
        node = x.grad_fn
        while node is not None and node.name() in TRANSPARENT:
            node = node.next_functions[0][0]
        if node is not None and node.name() == "ViewBackward0" and x.dim() == 3:
            node = node.next_functions[0][0]  # Linear on (N, L, F)
        if node is None or node.name() not in BIAS_PLACE:
            return ""
        leaf = node.next_functions[BIAS_PLACE[node.name()]][0]
        bias = getattr(leaf, "variable", None)
        model = self.ref()
        if bias is None or bias.dim() != 1 or len(bias) != x.shape[1] or model is None:
            return ""
        names = (name for name, parameter in model.named_parameters() if parameter is bias)
        return next(names, "bias")

    @property
    def has_inputs(self) -> bool:
        """Whether batches of its inputs can be compared."""
        return self._words >= 0

    def close(self) -> None:
        """Take every hook off again."""
        _remove(self._handles + self._scanned + ([self._leaving] if self._leaving else []))
        for layer in self.layers:
            layer.await_nothing()
            layer.handle.remove()
        _remove([hidden.handle for hidden in self.hidden.values()])


def dropout_before(x: Tensor) -> float:
    """The largest p of torch's fused dropout that x has come through since the layer before.

    On a CPU a dropout without a module is a product with a mask, which cannot be read: inside of
    activation checkpointing that would run the forward pass again.
    """
    nodes, seen, most = [x.grad_fn], 0, 0.0
    while nodes and seen < GRAPH:
        node = nodes.pop(0)
        if node is None or "BatchNorm" in node.name():
            continue
        seen += 1
        nodes += [before for before, _ in node.next_functions]
        if node.name() == "NativeDropoutBackward0":
            most = max(most, float(getattr(node, "_saved_p", 0)))
    return most


def usual(values: Counter[int]) -> int:
    """The median of counted values; 0 of none."""
    return median_high(values.elements()) if values else 0


def _is_plain(x: Tensor) -> bool:
    """Not a tensor inside of vmap, grad, a tracer or a fake mode."""
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(x)
    return not wrapped and torch._C._get_tracing_state() is None and x.device.type != "meta"


def _worth(flags: int) -> int:
    """How much a layer's passes say of the model's: trained, with a gradient at its input."""
    return 0 if flags & FROZEN else 1 + bool(flags & NEEDS_GRAD and flags & GRAD)


def _remove(handles: Iterable[RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()
