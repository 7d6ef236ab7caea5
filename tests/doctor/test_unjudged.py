"""Where nothing is found, what could not be judged is said."""

from typing import Any

import pytest

from bntui.doctor.unjudged import unjudged
from bntui.protocol import ThreeLosses
from tests.doctor.test_rules import run_of

EARLY = "Too early to judge running statistics: 49 of 60 updates."


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({}, []),
        ({"updates": 59}, ["Too early to judge running statistics: 59 of 60 updates."]),
        ({"updates": 60}, []),
        ({"updates": 49, "momentum": 0.0}, []),
        ({"updates": 49, "drifted": 49}, []),
        ({"updates": 0, "trained": 0, "evaluated": 0}, []),
        (
            {"updates": 49, "eval_mean": 739.6, "eval_var": 2.9e7},
            [
                EARLY,
                "In eval mode the inputs of bn were 7.4e+02 sd from running_mean and had 2.9e+07 "
                "times running_var.",
            ],
        ),
        (
            {"lag": None, "lag_noise": None},
            ["Too few batches were measured to judge the running statistics of 1 layer."],
        ),
        ({"evaluated": 0}, ["It was not seen in eval mode."]),
    ],
)
def test_what_is_not_known_yet_is_said(layer: dict[str, Any], said: list[str]) -> None:
    assert unjudged(run_of(layer)) == said


def test_a_probe_is_a_look_at_eval_mode() -> None:
    assert unjudged(run_of({"evaluated": 0}, more=[ThreeLosses("net", 40, 0.4, 0.4, 0.4)])) == []
