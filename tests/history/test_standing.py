"""How the knobs stand after changes, forks and their undoing."""

from bntui.config.schema import RunConfig
from bntui.history.history import History, folded
from bntui.history.standing import common, standing
from bntui.protocol import AnyEvent, Changed, Forked, Removed
from tests.scripted import beginning


def run(*events: AnyEvent) -> History:
    return folded([*beginning(RunConfig(depth=2)), *events])


def test_the_config_stands_until_a_change_is_confirmed() -> None:
    assert standing(run(), "lr") == {"no BN": 0.1, "BN": 0.1}
    assert standing(run(Changed(3, "lr", 0.5, 0.1)), "lr") == {"no BN": 0.5, "BN": 0.5}
    assert standing(run(Changed(3, "lr", 0.5, 0.1, "BN")), "lr") == {"no BN": 0.1, "BN": 0.5}


def test_a_fork_stands_where_its_origin_stood() -> None:
    before, after = Changed(3, "lr", 0.5, 0.1, "BN"), Changed(9, "lr", 2.0, 0.5, "BN")
    forked = run(before, Forked("BN copy", "BN", 5), after)
    assert standing(forked, "lr") == {"no BN": 0.1, "BN": 2.0, "BN copy": 0.5}


def test_a_removed_fork_leaves_nothing_to_another_of_its_name() -> None:
    fork, change = Forked("F", "BN", 5), Changed(5, "lr", 0.5, 0.1, "F")
    again = run(fork, change, Removed("F", 8), Forked("F", "BN", 9))
    assert standing(again, "lr")["F"] == 0.1


def test_normalization_is_known_by_layer() -> None:
    off = run(Changed(3, "norm", 0, 1, "BN", layer=1))
    assert standing(off, "norm", 0)["BN"] == 1
    assert standing(off, "norm", 1)["BN"] == 0
    assert standing(run(Changed(3, "norm", 0, 1)), "norm", 1) == {"BN": 0}
    assert common(off, "norm", None) is None
    assert common(off, "norm", "BN", 1) == 0


def test_an_arm_has_only_the_knobs_of_its_normalization() -> None:
    assert standing(run(), "momentum") == {"BN": 0.1}
    assert common(run(Changed(3, "momentum", 0.5, 0.1, "BN")), "momentum", None) == 0.5
    assert common(run(), "eps", "no BN") is None


def test_arms_in_common() -> None:
    differ = run(Changed(3, "lr", 0.5, 0.1, "BN"))
    assert common(differ, "lr", None) is None
    assert common(differ, "lr", "BN") == 0.5
    assert common(differ, "eps", None) == 1e-5
