"""What watching may cost: its share of the time, and no wait for an accelerator."""

import gc
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import bntui
from bntui.watch.observer import WATCHFUL
from bntui.watch.sampling import LEAST, SPENT, Budget, Sampling

MS = 1e-3


class Training:
    """Models that take turns, on a clock of their own.

    Args:
        sample: Seconds that measuring a step takes.
        hooks: Seconds that the hooks take in every step.
        probe: Seconds that a probe takes at every hundredth step.
        evaluation: Seconds that looking at an evaluation takes, at every hundredth step.
    """

    def __init__(
        self,
        sample: float,
        hooks: float = 0.0,
        models: int = 1,
        probe: float = 0.0,
        evaluation: float = 0.0,
    ) -> None:
        self.now = 0.0
        self.budget = Budget(0.02, lambda: self.now, lambda: self.now)
        self.models = [Sampling(self.budget) for _ in range(models)]
        self.sampled: list[int] = []
        self.evaluated: list[int] = []
        self._sample, self._hooks, self._probe = sample, hooks, probe
        self._evaluation = evaluation

    def run(self, steps: int) -> None:
        for step in range(1, steps + 1):
            for sampling in self.models:
                self.now += 10 * MS + self._hooks
                if sampling.timed:
                    sampling.hook_seconds += self._hooks
                if sampling.now:
                    self.sampled.append(step)
                    began, self.now = self.now, self.now + self._sample
                    self.budget.charge_step(began)
                sampling.decide(step, self.now)
            if self._probe and step % 100 == 0:
                began, self.now = self.now, self.now + self._probe
                self.budget.charge(began)
            if self._evaluation and step % 100 == 0 and self.models[0].affords_evaluation():
                self.evaluated.append(step)
                began, self.now = self.now, self.now + self._evaluation
                self.budget.charge_evaluation(began)


@pytest.mark.parametrize("models", [1, 3])
@pytest.mark.parametrize("sample", [0.1 * MS, 5 * MS, 200 * MS])
def test_measuring_stays_within_the_budget_the_first_steps_included(
    sample: float, models: int
) -> None:
    training = Training(sample, models=models)
    training.run(3000)
    allowed = 0.02 * training.now
    assert training.budget.measured < allowed + models * sample
    assert len(training.sampled) > 2


def test_first_steps_are_measured_and_then_paid_back() -> None:
    training = Training(6 * MS)
    training.run(1000)
    early = [step for step in training.sampled if step < 80]
    # 5 ms are over with the first; then the run doubles each time, unless 8 ms are overdrawn.
    assert early == [1, 3, 24, 59]


@pytest.mark.parametrize(("steps", "most"), [(50, 0.04), (100, 0.03), (200, 0.02)])
def test_a_short_run_is_measured_a_few_times_and_is_in_its_budget_soon(
    steps: int, most: float
) -> None:
    training = Training(4 * MS)
    training.run(steps)
    assert len(training.sampled) >= 4
    assert training.budget.measured / training.now <= most


@pytest.mark.parametrize("steps", [20, 50, 200])
def test_a_short_run_of_long_steps_is_in_its_budget_from_the_start(steps: int) -> None:
    training = Training(0.4 * MS)
    training.run(steps)
    assert len(training.sampled) > steps / 4
    assert training.budget.measured <= 0.02 * training.now + 2 * 0.4 * MS


def test_an_interruption_costs_a_short_run_no_samples() -> None:
    now = worked = 0.0
    budget = Budget(0.02, lambda: now, lambda: worked)
    sampling = Sampling(budget)
    sampled = []
    for step in range(1, 65):
        if sampling.now:
            sampled.append(step)
            began, worked = worked, worked + 0.4 * MS
            now += 0.4 * MS + (step == 2) * 100 * MS
            budget.charge_step(began)
        now += MS
        sampling.decide(step, now)
    assert len(sampled) > 12


@pytest.mark.parametrize(("cost", "least", "most"), [(0.0, 45, 75), (0.5 * MS, 3, 4)])
def test_inputs_are_looked_at_as_often_as_the_budget_allows(
    cost: float, least: int, most: int
) -> None:
    now, step, looks = 0.0, 0, 0
    sampling = Sampling(Budget(0.02, lambda: now, lambda: now))
    while step < 300:
        now = step * MS
        step, looks = sampling.next_input(step, cost, now), looks + 1
    assert least <= looks <= most


def test_hooks_leave_less_for_measurements_but_never_nothing() -> None:
    light, heavy, none = (Training(6 * MS, hooks) for hooks in (0.1 * MS, 0.5 * MS, 0.0))
    for training in (light, heavy, none):
        training.run(5000)
    shares = [t.budget.measured / t.now for t in (light, heavy, none)]
    spent = 0.02 * SPENT
    assert shares == pytest.approx([spent - 0.01, spent * LEAST, spent], rel=0.15)
    assert light.budget.total / light.now == pytest.approx(spent, rel=0.1)


def test_steps_are_measured_all_along_beside_probes_that_take_the_budget() -> None:
    training = Training(2 * MS, probe=100 * MS)
    training.run(2000)
    steps = training.budget.measured - 20 * 100 * MS
    assert steps / training.now == pytest.approx(0.02 * SPENT * LEAST, rel=0.15)
    assert max(training.sampled) > 1900


@pytest.mark.parametrize("steps", [400, 4000])
def test_evaluations_have_the_same_budget_but_for_the_first(steps: int) -> None:
    training = Training(0.1 * MS, evaluation=50 * MS)
    training.run(steps)
    assert training.evaluated[0] == 100
    assert training.budget.measured < 0.02 * training.now + 50 * MS
    beside = Training(0.1 * MS, evaluation=50 * MS, probe=200 * MS)
    beside.run(steps)
    assert len(beside.evaluated) >= steps // 2000 + 1  # a quarter is theirs


@pytest.mark.parametrize(("steps", "probed"), [(10, 10), (60, 32)])
def test_a_short_run_is_probed_once(steps: int, probed: int) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x = torch.randn(32, 4)
    probe = x, x[:, :2], nn.functional.mse_loss
    with bntui.watch(model, log=None, budget=1e-6, probe=probe) as watch:
        for _ in range(steps):
            model(x).square().mean().backward()
            optimizer.step()
    assert [losses.step for losses in watch._run.probes["Sequential"]] == [probed]


def test_a_step_that_was_interrupted_does_not_count_for_all_the_others() -> None:
    training = Training(MS, hooks=0.1 * MS)
    sampling = training.models[0]
    training.run(1000)
    before = training.budget.total
    sampling.timed, sampling.hook_seconds = True, 1.0
    sampling.decide(1001, training.now)
    assert training.budget.total - before < MS * 64


def test_a_step_that_is_not_measured_takes_few_python_calls() -> None:
    """What watching costs a small model is the calls, more than what is done in them."""
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.BatchNorm1d(8))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    calls: list[str] = []

    def train(steps: int) -> None:
        for _ in range(steps):
            model(torch.randn(32, 4)).square().mean().backward()
            optimizer.step()

    def profile(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and "/bntui/watch/" in frame.f_code.co_filename:
            calls.append(frame.f_code.co_qualname)

    with bntui.watch(model, log=None, every=10**9) as watch:
        watch._next = float("inf")
        watch.observers[0].weights._next = float("inf")
        train(WATCHFUL + 64)
        watch.observers[0]._next_input = float("inf")
        sys.setprofile(profile)
        train(14)
        sys.setprofile(None)
    assert len(calls) <= 14 * 14, Counter(calls)  # a step has 12; now and then its hooks are timed


class NoValueIsRead(TorchDispatchMode):
    """Refuses what makes the CPU wait for an accelerator."""

    WAITS = ("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "unique")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types here
        self.clones = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        assert name not in self.WAITS, f"{func} waits for the accelerator"
        self.clones += name == "clone"
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("every", [1, 10**9])
def test_no_step_reads_a_value(every: int) -> None:
    """Neither a sampled step nor another; in train mode, in eval mode, and while writing."""
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x = torch.randn(32, 4)
    with bntui.watch(model, log=None, every=every) as watch:
        with NoValueIsRead() as mode:
            for step in range(30):
                optimizer.zero_grad()
                loss = model(x).square().mean()
                loss.backward()
                if step == 20:
                    watch._next = 0.0  # the log is due
                optimizer.step()
                watch.log(loss=loss)
            with torch.no_grad():
                model.eval()
                model(x)
        assert watch.problem is None
        assert (mode.clones > 90) is (every == 1)  # the mode sees what a sample does
        assert watch._run.layers[0].facts.trained == 21


@pytest.mark.parametrize("enabled", [True, False])
def test_writing_sets_off_no_garbage_collection(enabled: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    collected: list[str] = []

    def collect(phase: str, _: dict[str, int]) -> None:
        collected.append(phase)

    with bntui.watch(model, log=None, every=1) as watch:
        for _ in range(20):
            model(torch.randn(32, 4)).square().mean().backward()
            optimizer.step()
        thresholds = gc.get_threshold()
        gc.callbacks.append(collect)
        try:
            gc.set_threshold(100)
            if not enabled:
                gc.disable()
            watch._flush(wait=True)
            assert collected.count("start") <= 1  # afterwards
            assert gc.isenabled() == enabled
        finally:
            gc.callbacks.remove(collect)
            gc.set_threshold(*thresholds)
            gc.enable()
