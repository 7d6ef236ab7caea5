"""Update ratios at sampled steps."""

from math import log10

import pytest

from bntui.core.telemetry.schedule import is_sampled
from bntui.core.telemetry.update_ratios import UpdateRatios
from tests.core.trained import trained


def test_ratios_thin_out_by_decades() -> None:
    weighed = [step for step in range(20_001) if is_sampled(step)]
    assert weighed[:9] == [0, 1, 2, 5, 10, 20, 50, 100, 150]
    assert weighed[-2:] == [19_500, 20_000]
    assert len(weighed) < 230


def test_the_ratios_of_each_sampled_step_are_told_once() -> None:
    run = trained(0)
    arm = run.arms[1]
    weighing = UpdateRatios(arm)
    wanted = []
    for step in range(6):
        run.step()
        weighing.sample(step)
        param, grad = arm.model.layers[1].params[0], arm.model.layers[1].param_grads[0]
        wanted.append(log10(0.1 * grad.std() / param.std()))
    event = weighing.drain()
    assert event.names == ["C", "W1", "W2"]
    assert event.steps == [0, 1, 2, 5]
    assert event.update_ratio[1] == pytest.approx([wanted[i] for i in event.steps], rel=1e-5)
    for update, data in zip(event.update_ratio[1], event.grad_ratio[1], strict=True):
        assert update is not None
        assert data is not None
        assert update - data == pytest.approx(-1, abs=1e-5)
    assert weighing.steps == []


def test_a_turned_learning_rate_is_that_of_its_step_and_zero_has_no_logarithm() -> None:
    run = trained(0)
    arm = run.arms[0]
    weighing = UpdateRatios(arm)
    for step, lr in enumerate([1e-3, 1e-4, 0.0]):
        arm.lr = lr
        run.step()
        weighing.sample(step)
    first, second, none = weighing.drain().update_ratio[2]
    assert first is not None
    assert second == pytest.approx(first - 1, abs=0.3)
    assert none is None
