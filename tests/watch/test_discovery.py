"""Which models of a script are found, and when nothing is looked for any more."""

import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as modules
from torch.optim import optimizer as optimizers

from bntui.watch import discovery
from bntui.watch.discovery import Discovery


class Looking:
    """A discovery of this process, and what it found."""

    def __init__(self, steps: int | None = None) -> None:
        self.found: list[nn.Module] = []
        self.faults: list[Exception] = []
        self.discovery = Discovery(self.found.append, self.faults.append, steps, self.done)

    def done(self) -> None:
        raise StopIteration

    @property
    def looks(self) -> bool:
        return bool(modules._global_forward_pre_hooks)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)  # the test process stays as it is
    made = Looking()
    yield made
    made.discovery.stop()
    assert made.faults == []
    assert not modules._global_forward_pre_hooks
    assert not modules._global_buffer_registration_hooks
    assert not optimizers._global_optimizer_pre_hooks


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4), nn.ReLU()))


def step(*models: Any) -> None:
    """One optimizer step that moves all of them."""
    parameters = [p for model in models for p in model.parameters()]
    optimizer = torch.optim.SGD(parameters, 0.1)
    sum((model(torch.randn(8, 3)).sum() for model in models), torch.zeros(())).backward()
    optimizer.step()


def test_the_outermost_module_is_found_once(looking: Looking) -> None:
    class Around(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = net()
            self.hidden = [nn.BatchNorm1d(4)]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.hidden[0](self.inner(x))  # type: ignore[no-any-return]  # a module's call

    model = Around()
    for _ in range(2):
        model(torch.randn(8, 3))
    nn.CrossEntropyLoss()(torch.randn(8, 3), torch.zeros(8, dtype=torch.long))
    assert looking.found == [model]


def test_wrappers_are_looked_through(looking: Looking) -> None:
    model = net()
    compiled = torch.compile(nn.DataParallel(model), backend="eager")
    compiled(torch.randn(8, 3))
    assert looking.found == [model]


def test_looking_ends_when_nothing_new_runs(looking: Looking) -> None:
    first, second = net(), net()
    assert looking.looks
    step(first)
    step(first)
    assert not looking.looks
    step(first, second)
    assert looking.found == [first]
    late = net()
    assert looking.looks
    step(second, late)
    assert looking.found == [first, second, late]
    step(late)
    assert not looking.looks


def test_copies_are_found_at_a_later_look(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "LOOK_EVERY", 0.0)
    model = net()
    step(model)
    step(model)
    average = copy.deepcopy(model)
    assert not looking.looks
    step(model)
    average.eval()(torch.randn(8, 3))
    assert looking.found == [model, average]


def test_steps_are_counted_over_all_optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)
    made = Looking(steps=3)
    model = net()
    try:
        for _ in range(3):
            step(model)
        with pytest.raises(StopIteration):
            step(model)
    finally:
        made.discovery.stop()


def test_a_model_is_freed_when_the_script_drops_it(looking: Looking) -> None:
    from weakref import ref

    model = net()
    step(model)
    looking.found.clear()
    gone = ref(model)
    del model
    assert gone() is None
