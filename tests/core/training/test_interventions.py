"""Knobs turned between steps, forks, recalibration, and all of it taken back."""

from collections.abc import Callable
from time import monotonic

import msgspec
import pytest
import torch

from bntui.config.schema import NOTEBOOK_WORDS, Norm, RunConfig
from bntui.core.engine import session
from bntui.core.engine.session import Session
from bntui.core.nn.precise import precise_statistics
from bntui.core.training.dataset import Dataset
from bntui.core.training.trainer import Arm, Trainer
from bntui.history.history import folded
from bntui.protocol import (
    PROTOCOL,
    AnyCommand,
    Change,
    Changed,
    Event,
    Fork,
    Forked,
    Hello,
    ModeLosses,
    Recalibrate,
    Recalibrated,
    Refused,
    Removed,
    Statistics,
    Step,
    Steps,
    TraceUnits,
    Undo,
)

SMALL = RunConfig(hidden=8, emb=3, batch_size=4, depth=2, pace=None, steps=40, groups=2)


class Bench:
    """A run that is stepped and commanded, and everything that it told."""

    def __init__(self, **settings: object) -> None:
        config = msgspec.structs.replace(SMALL, **settings)
        self.trainer = Trainer(config, Dataset(NOTEBOOK_WORDS, 3, "inside"))
        self.told: list[Event] = []
        self.run = Session(self.trainer, self.told.append, self.told.append)

    def step(self, count: int) -> None:
        for _ in range(count):
            self.run.handle(Step())

    def obey(self, *commands: AnyCommand) -> list[Event]:
        """What is told of these commands, but for measurements."""
        count = len(self.told)
        for command in commands:
            self.run.handle(command)
        self.run.advance(monotonic())  # without a step
        kinds = (Changed, Forked, Removed, Recalibrated, Refused)
        return [event for event in self.told[count:] if isinstance(event, kinds)]

    def losses(self) -> dict[str, list[float | None]]:
        """Every arm's, from the step on at which it began."""
        columns: dict[str, list[float | None]] = {}
        for event in self.told:
            for name, column in event.loss.items() if isinstance(event, Steps) else ():
                columns.setdefault(name, []).extend(column)
        return columns

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.trainer.arms if arm.name == name)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured at a single step: most of its time, where losses are the subject."""
    monkeypatch.setattr(session, "measured", lambda *_: ())


@pytest.mark.usefixtures("unmeasured")
def test_a_knob_turned_before_the_first_step_is_as_if_the_run_had_begun_so() -> None:
    turned = Bench()
    told = turned.obey(Change("lr", 0.3), Change("momentum", 0.5), Change("eps", 0.01))
    told += turned.obey(Change("batch_size", 6), Change("weight_decay", 0.02))
    assert told == [
        Changed(0, "lr", 0.3, 0.1),
        Changed(0, "momentum", 0.5, 0.1),
        Changed(0, "eps", 0.01, 1e-5),
        Changed(0, "batch_size", 6, 4),
        Changed(0, "weight_decay", 0.02, 0),
    ]
    other = Bench(lr=0.3, momentum=0.5, eps=0.01, batch_size=6, weight_decay=0.02)
    for bench in (turned, other):
        bench.step(20)
    assert turned.losses() == other.losses()
    for one, two in zip(
        turned.arm("BN").model.batchnorms, other.arm("BN").model.batchnorms, strict=True
    ):
        assert torch.equal(one.statistics(), two.statistics())


@pytest.mark.usefixtures("unmeasured")
def test_a_knob_of_one_arm_leaves_the_other_alone() -> None:
    turned, other = Bench(), Bench()
    for bench in (turned, other):
        bench.step(5)
    assert turned.obey(Change("lr", 0.0, "BN")) == [Changed(5, "lr", 0.0, 0.1, "BN")]
    weights = [param.clone() for x in turned.arm("BN").model.layers for param in x.params]
    for bench in (turned, other):
        bench.step(5)
    assert turned.losses()["no BN"] == other.losses()["no BN"]
    now = [param for x in turned.arm("BN").model.layers for param in x.params]
    assert all(torch.equal(one, two) for one, two in zip(weights, now, strict=True))


def test_batches_of_another_size_go_on_in_the_same_stream_of_random_numbers() -> None:
    bench = Bench(arms=("none", "bn", "ln"))
    bench.step(3)
    assert bench.obey(Change("batch_size", 7, "BN")) == [Changed(3, "batch_size", 7, 4)]
    bench.step(2)
    first, *others = (arm.model.layers[0] for arm in bench.trainer.arms)
    assert all(torch.equal(first.x, other.x) for other in others)
    stream = Trainer(bench.trainer.config, bench.trainer.dataset).generator
    for size in (4, 4, 4, 7, 7):
        ix = torch.randint(0, len(bench.trainer.dataset), (size,), generator=stream)
    assert torch.equal(first.x, bench.trainer.dataset.batch(ix)[0])


def test_a_bypassed_network_is_the_one_without() -> None:
    bench = Bench()
    assert bench.obey(Change("norm", 0)) == [Changed(0, "norm", 0, 1)]
    bench.step(10)
    losses = bench.losses()
    assert losses["BN"] == losses["no BN"]
    statistics = [event for event in bench.told if isinstance(event, Statistics)]
    assert statistics[-1].batch_mean[0] == [None]
    assert statistics[-1].running_mean[0] == [0.0]
    bench.obey(Change("norm", 1))
    bench.step(1)
    losses = bench.losses()
    assert losses["BN"][-1] != losses["no BN"][-1]


def test_normalization_is_bypassed_layer_by_layer_and_put_back_as_it_was() -> None:
    bench = Bench()
    assert bench.obey(Change("norm", 0, "BN", 1)) == [Changed(0, "norm", 0, 1, "BN", 1)]
    assert [layer.on for layer in bench.arm("BN").model.normalizations] == [True, False]
    assert bench.obey(Change("norm", 0, "BN")) == [Changed(0, "norm", 0, None, "BN")]
    assert bench.obey(Undo()) == [
        Changed(0, "norm", 1, 0, "BN", 0),
        Changed(0, "norm", 0, 0, "BN", 1),
    ]
    assert bench.obey(Undo()) == [Changed(0, "norm", 1, 0, "BN", 1)]
    assert all(layer.on for layer in bench.arm("BN").model.normalizations)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Change("lr", -1), "lr is -1, but it takes a number from 0 to 1,000,000."),
        (Change("batch_size", 0), "batch_size is 0, but it takes a whole number from 1 to 65,536."),
        (Change("lr", 0.1), "lr is 0.1 already."),
        (Change("lr", 0.2, "GN"), "There is no network named GN."),
        (
            Change("eps", 0.2, "no BN"),
            "eps needs a normalization, and no BN has none.",
        ),
        (
            Fork("LN", "momentum", 0.2),
            "momentum needs running statistics, and LN has none.",
        ),
        (Change("norm", 0, "BN", 2), "There is no layer 2 with a normalization."),
        (Change("lr", 1, "BN", 0), "lr cannot be set for one layer: it holds for all of them."),
        (Fork("BN", "lr", -1), "lr is -1, but it takes a number from 0 to 1,000,000."),
        (
            Fork("BN", "batch_size", 8),
            "batch_size cannot differ in a fork: all networks share it.",
        ),
        (Recalibrate("LN"), "LN has no running statistics to recalibrate."),
        (Undo(), "There is nothing left to undo."),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    command: AnyCommand, reason: str
) -> None:
    bench, other = Bench(arms=("none", "bn", "ln")), Bench(arms=("none", "bn", "ln"))
    assert bench.obey(command) == [Refused(reason)]
    bench.step(3)
    other.step(3)
    assert bench.losses() == other.losses()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("norm", ["none", "bn", "bn-lecture", "ln", "gn"])
def test_two_forks_without_a_change_give_the_origins_curve_bit_for_bit(norm: Norm) -> None:
    bench = Bench(arms=(norm,), ghost=3, activation="relu", init="fan-in")
    bench.step(7)
    (origin,) = (arm.name for arm in bench.trainer.arms)
    told = bench.obey(Fork(origin), Fork(origin))
    names = [f"{origin} copy", f"{origin} copy 2"]
    assert told == [Forked(name, origin, 7) for name in names]
    bench.run.handle(Change("batch_size", 9))
    bench.step(20)
    losses = bench.losses()
    assert len(losses[names[0]]) == 20
    assert losses[names[0]] == losses[names[1]] == losses[origin][7:]
    assert len(set(losses[origin])) > 20


@pytest.mark.usefixtures("unmeasured")
def test_a_fork_goes_its_own_way_by_one_knob_and_leaves_its_origin_alone() -> None:
    bench, alone = Bench(), Bench()
    for each in (bench, alone):
        each.step(5)
    assert bench.obey(Fork("BN", "lr", 0.5)) == [
        Forked("BN lr=0.5", "BN", 5),
        Changed(5, "lr", 0.5, 0.1, "BN lr=0.5"),
    ]
    for each in (bench, alone):
        each.step(5)
    losses = bench.losses()
    assert losses["BN"] == alone.losses()["BN"]
    assert losses["BN lr=0.5"][0] == losses["BN"][5]
    assert losses["BN lr=0.5"][2:] != losses["BN"][7:]


def test_forks_are_named_by_how_they_differ_and_there_are_four_arms_at_most() -> None:
    bench = Bench(arms=("bn",))
    told = bench.obey(Fork("BN", "eps", 0.001), Fork("BN eps=0.001", "eps", 0.5), Fork("BN"))
    forks = [event.arm for event in told if isinstance(event, Forked)]
    assert forks == ["BN eps=0.001", "BN eps=0.5", "BN copy"]
    assert bench.obey(Fork("BN")) == [
        Refused("There are 4 networks already, the most there can be.")
    ]
    assert bench.obey(Undo()) == [Removed("BN copy", 0)]
    assert bench.obey(Fork("BN", "eps", 0.5))[0] == Forked("BN eps=0.5 2", "BN", 0)


def test_everything_is_taken_back_newest_first() -> None:
    bench = Bench()
    bench.obey(Change("lr", 0.5, "BN"), Change("lr", 0.2), Fork("BN", "momentum", 1))
    bench.step(2)
    assert bench.obey(Undo(), Undo(), Undo(), Undo()) == [
        Removed("BN momentum=1", 2),
        Changed(2, "lr", 0.1, 0.2, "no BN"),
        Changed(2, "lr", 0.5, 0.2, "BN"),
        Changed(2, "lr", 0.1, 0.5, "BN"),
        Refused("There is nothing left to undo."),
    ]
    assert [arm.lr for arm in bench.trainer.arms] == [0.1, 0.1]


def test_recalibration_puts_precise_statistics_in_and_undo_takes_them_out() -> None:
    bench = Bench()
    bench.step(6)
    arm, contexts = bench.arm("BN"), bench.trainer.dataset.first(90)[0]
    wanted = precise_statistics(arm.model, contexts)
    before = [layer.statistics() for layer in arm.model.batchnorms]
    assert bench.obey(Recalibrate("BN")) == [Recalibrated("BN", 6)]
    for layer, (mean, var) in zip(arm.model.batchnorms, wanted, strict=True):
        assert torch.equal(layer.running_mean, mean)
        assert torch.equal(layer.running_var, var)
    newest = [event for event in bench.told if isinstance(event, ModeLosses)][-1]
    assert newest.step == 6
    assert newest.eval[-1] == pytest.approx(newest.train[-1] or 0, rel=1e-4)
    again: list[AnyCommand] = [
        Fork("BN"),
        Recalibrate("BN copy"),
        Recalibrate("BN"),
        Recalibrate("BN copy"),
    ]
    refused = [
        Refused(f"{name} was recalibrated at this step already.") for name in ("BN", "BN copy")
    ]
    assert bench.obey(*again[1:2]) == [Refused("There is no network named BN copy.")]
    assert bench.obey(Recalibrate("BN")) == refused[:1]
    done = [Recalibrated(name, 6) for name in ("BN copy", "BN")]  # said once it is measured
    assert bench.obey(*again)[1:] == [refused[1], *done]
    assert bench.obey(*[Undo()] * 3)[0] == Recalibrated("BN", 6, undone=True, since=6)
    assert bench.obey(Undo()) == [Recalibrated("BN", 6, undone=True, since=6)]
    assert all(map(torch.equal, before, (x.statistics() for x in arm.model.batchnorms)))


@pytest.mark.usefixtures("unmeasured")
def test_the_learning_rate_drops_on_schedule_and_says_so() -> None:
    bench = Bench(lr_drop=4)
    bench.obey(Change("lr", 0.5, "BN"))
    bench.step(4)
    assert [arm.lr for arm in bench.trainer.arms] == [0.1, 0.5]
    bench.step(1)
    assert [arm.lr for arm in bench.trainer.arms] == [0.01, 0.05]
    assert [event for event in bench.told if isinstance(event, Changed)][1:] == [
        Changed(4, "lr", 0.01, 0.1, "no BN"),
        Changed(4, "lr", 0.05, 0.5, "BN"),
    ]
    assert bench.obey(Undo()) == [Changed(5, "lr", 0.01, 0.05, "BN")]
    plain = Bench(lr_drop=4)
    plain.step(6)
    assert [event for event in plain.told if isinstance(event, Changed)] == [
        Changed(4, "lr", 0.01, 0.1)
    ]


def test_a_learning_rate_changed_at_the_step_of_the_drop_is_taken_back_on_either_side() -> None:
    bench = Bench(lr_drop=4)
    bench.step(4)
    bench.obey(Change("lr", 0.5, "BN"))
    assert bench.obey(Undo()) == [Changed(4, "lr", 0.1, 0.5, "BN")]
    bench.obey(Change("lr", 0.5, "BN"))
    bench.step(1)
    assert bench.obey(Undo()) == [Changed(5, "lr", 0.01, 0.05, "BN")]
    bench.obey(Change("lr", 0.5, "BN"))
    bench.step(1)
    assert bench.obey(Undo()) == [Changed(6, "lr", 0.01, 0.5, "BN")]


def test_a_finished_run_takes_changes_for_when_it_is_trained_on() -> None:
    bench = Bench(steps=3)
    bench.step(3)
    changed, forked, *_ = bench.obey(Change("lr", 0.5), Fork("BN"))
    assert changed == Changed(3, "lr", 0.5, 0.1)
    assert isinstance(forked, Forked)
    assert bench.obey(Recalibrate("BN"), Undo()) == [
        Recalibrated("BN", 3),
        Recalibrated("BN", 3, undone=True, since=3),
    ]


def script(bench: Bench, flush: Callable[[], None]) -> list[Event]:
    """The same commands at the same steps, flushed now and then; losses and traces joined."""
    commands: dict[int, AnyCommand] = {
        3: Change("lr", 0.4),
        5: Fork("BN", "lr", 0.05),
        8: Change("batch_size", 5),
        11: Change("norm", 0, "BN", 0),
        14: Recalibrate("BN"),
        17: Undo(),
    }
    for step in range(25):
        if step in commands:
            bench.run.handle(commands[step])
        bench.step(1)
        flush()
    return [e for e in bench.told if not isinstance(e, Steps | Statistics)]


def test_the_same_commands_at_the_same_steps_tell_the_same() -> None:
    one, two = Bench(), Bench()
    assert script(one, one.run.flush) == script(two, lambda: None)
    assert one.losses() == two.losses()


def test_what_is_told_of_a_fork_fits_a_history_and_reaches_back() -> None:
    bench = Bench()
    bench.step(4)
    bench.obey(Fork("BN"))
    bench.step(4)
    bench.obey(TraceUnits(1, [2, 3]))
    told = [e for e in bench.told if isinstance(e, Statistics) and e.arm == "BN copy"]
    assert told[0].steps == [4]
    assert told[-1].units == [2, 3]
    assert told[-1].steps == list(range(8))
    bench.obey(Undo())
    bench.step(1)
    config = bench.trainer.config
    history = folded([Hello(PROTOCOL, "", "", config, config.arm_names), *bench.told])
    assert history.skipped == []
    assert list(history.arms) == ["no BN", "BN"]
    assert history.marks == []


def test_what_a_command_alters_is_measured_at_once_and_nothing_else() -> None:
    bench = Bench()

    def measured(*commands: AnyCommand) -> list[str]:
        count = len(bench.told)
        bench.obey(*commands)
        return [event.arm for event in bench.told[count:] if isinstance(event, ModeLosses)]

    assert measured(Fork("BN")) == ["BN copy"]
    assert measured(Change("lr", 0.3)) == []
    assert measured(Change("norm", 0, "BN")) == ["BN"]
    assert measured(Change("batch_size", 2)) == ["no BN", "BN", "BN copy"]
    assert measured(Undo(), Undo(), Undo()) == ["no BN", "BN", "BN copy"]


@pytest.mark.usefixtures("unmeasured")
def test_steps_made_in_one_go_do_not_pass_the_learning_rates_drop() -> None:
    cut, whole = Bench(lr_drop=13, steps=30), Bench(lr_drop=13, steps=30)
    cut.step(30)
    whole.run.advance(monotonic() + 60)
    assert cut.losses() == whole.losses()
    assert [e for e in cut.told if isinstance(e, Changed)] == [Changed(13, "lr", 0.01, 0.1)]
    assert [e for e in whole.told if isinstance(e, Changed)] == [Changed(13, "lr", 0.01, 0.1)]
