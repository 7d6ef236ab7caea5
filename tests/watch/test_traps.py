"""What goes wrong with hooks elsewhere, and must not here."""

import copy
import gc
import io
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import bntui
from bntui.errors import InputError
from bntui.history.watched import LayerHistory, watched
from bntui.logs.reader import read_log
from bntui.watch import handle
from bntui.watch.monitor import MONITOR
from tests import forking

STEPS = 60
"""Of a model that is compiled."""


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


def train(model: nn.Module, steps: int = 5, rows: int = 32) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(rows, 4)).square().mean().backward()
        optimizer.step()


def hooks(model: nn.Module) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]


def test_close_leaves_the_module_as_it_was() -> None:
    model = net()
    before = [set(vars(m)) for m in model.modules()]
    with bntui.watch(model, log=None):
        assert sum(hooks(model)) == 2
        train(model)
    assert sum(hooks(model)) == 0
    assert [set(vars(m)) for m in model.modules()] == before
    assert not MONITOR.observers()


def test_a_copy_is_not_watched_and_can_be_trained() -> None:
    model = net()
    with bntui.watch(model, log=None) as watch:
        other = copy.deepcopy(model)
        train(other)
        watch.findings()
        assert watch.observers[0].counts.steps == 0
        assert watch._run.layers[0].facts.trained == 0


def test_saved_whole_it_loads_where_bntui_is_not(tmp_path: Path) -> None:
    model = net()
    with bntui.watch(model, log=None):
        torch.save(model, tmp_path / "model.pt")
        assert b"bntui" not in pickle.dumps(model)
    code = (
        "import sys, torch\n"
        "ours = [name for name in sys.modules if name.split('.')[0] == 'bntui']\n"
        "sys.modules.update(dict.fromkeys([*ours, 'bntui']))\n"
        f"m = torch.load({str(tmp_path / 'model.pt')!r}, weights_only=False)\n"
        "print(m(torch.zeros(2, 4)).shape)"
    )
    main = forking.python(code)
    with forking.Popen(["load"], main=main, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "[2, 2]" in process.stdout.read()


def test_watching_twice_is_watching_once() -> None:
    model = net()
    with bntui.watch(model, log=None) as watch:
        assert bntui.watch(model, log=None) is watch
        assert sum(hooks(model)) == 2


def test_a_notebook_cell_that_is_run_again_leaves_no_second_set_of_hooks() -> None:
    cell = "model = net(); watch = bntui.watch(model, log=None); train(model)"
    names: dict[str, Any] = {"net": net, "bntui": bntui, "train": train}
    for _ in range(2):
        exec(cell, names)
    gc.collect()
    assert sum(hooks(names["model"])) == 2
    assert [observer.ref() for observer in MONITOR.observers()] == [names["model"]]
    names["watch"].close()


def test_a_model_that_is_let_go_is_freed() -> None:
    model: nn.Module | None = net()
    assert model is not None
    bntui.watch(model, log=None)
    train(model)
    gone = weakref.ref(model)
    model = None
    gc.collect()
    assert gone() is None


def test_the_crash_of_a_batch_of_one_is_the_users_and_is_seen() -> None:
    model = net()
    with bntui.watch(model, log=None) as watch:
        with pytest.raises(ValueError, match="more than 1 value"):
            model(torch.randn(1, 4))
        watch.findings()
        assert watch._run.layers[0].facts.smallest_n == 1
    assert sum(hooks(model)) == 0  # nor one that awaited the output


def test_no_number_is_read_in_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read waits for a GPU. Only the writing of the log reads, by copies that have arrived."""
    reads: list[str] = []

    def counted(name: str) -> Any:
        plain = getattr(Tensor, name)

        def read(self: Tensor, *values: Any) -> Any:
            reads.append(name)
            return plain(self, *values)

        return read

    model = net()
    watch = bntui.watch(model, log=None, every=1)
    watch._next = float("inf")  # the log is not due
    with monkeypatch.context() as patched:
        for name in ("item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__"):
            patched.setattr(Tensor, name, counted(name))
        train(model)
        assert reads == []
        watch.findings()
        assert reads != []
    watch.close()
    assert watch.problem is None


def test_a_fault_of_ours_is_reported_once_and_ends_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = net()
    watch = bntui.watch(model, log=None)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(watch.observers[0].weights, "stepped", broken)
    train(model)
    assert watch.closed
    assert capsys.readouterr().err.count("watching stopped: ZeroDivisionError: ours") == 1
    assert sum(hooks(model)) == 0


def test_a_full_disk_ends_watching_and_not_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = net()
    watch = bntui.watch(model, log=tmp_path / "x.jsonl")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    watch._next = 0
    train(model)
    monkeypatch.undo()
    assert watch.closed
    assert "No space left on device" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_not_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = net()
    watch = bntui.watch(model, log=tmp_path / "nowhere" / "x.jsonl")
    assert watch.closed
    assert sum(hooks(model)) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert "the log cannot be written: No such file or directory" in said


def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    model = net()
    path = tmp_path / "x.jsonl"
    with bntui.watch(model, log=path) as watch:
        train(model)
        size = path.stat().st_size
        if (child := os.fork()) == 0:
            watch._next = 0
            train(model)
            os._exit(sum(hooks(model)))
        assert os.waitpid(child, 0)[1] == 0
        assert path.stat().st_size == size


def test_compiled_before_and_after_gives_the_same_bits_and_updates_are_seen() -> None:
    """Compiled code calls no hooks: the layer's buffers tell, at every step but the first."""

    def trained(order: str) -> tuple[list[Tensor], LayerHistory | None, list[str]]:
        torch.manual_seed(0)
        torch.compiler.reset()
        model = net()
        watch = bntui.watch(model, log=None, every=1) if order in {"before", "eager"} else None
        run: Any = (
            model if order == "eager" else torch.compile(model, backend="eager", fullgraph=True)
        )
        run(torch.randn(32, 4))
        if order == "after":
            watch = bntui.watch(model, log=None, every=1)
        train(run, STEPS)
        state = list(model.state_dict().values())
        if watch is None:
            return state, None, []
        watch.findings()
        watch.close()
        assert watch.problem is None
        assert watch._run.watching
        return state, watch.layers[0], watch._run.watching.unavailable

    plain, _, _ = trained("never")
    _, eager, unavailable = trained("eager")
    assert eager
    assert unavailable == []
    for order, passes in (("before", STEPS + 1), ("after", STEPS)):
        state, layer, said = trained(order)
        assert all(map(torch.equal, plain, state))
        assert layer
        assert layer.facts.updates == passes
        assert "its layers call no hooks, as in a compiled model" in said[0]
        assert list(layer.samples["mean_distance"].steps) == list(range(1, STEPS))
        for name, series in layer.samples.items():
            wanted = list(eager.samples[name].values)[1 - STEPS :]
            assert list(series.values) == pytest.approx(wanted, abs=1e-4)


def test_a_step_that_is_compiled_as_a_whole_stays_one_graph_and_is_said_not_to_be_seen() -> None:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    torch.compiler.reset()
    with bntui.watch(model, log=None) as watch:

        @torch.compile(backend="eager", fullgraph=True)
        def step(x: Tensor) -> Tensor:
            MONITOR._after_step(optimizer, (), {})  # as torch does within optimizer.step()
            return model(x)  # type: ignore[no-any-return]

        step(torch.randn(8, 4))
        assert watch.findings() == []
        assert watch._run.watching
        (said,) = watch._run.watching.unavailable
        assert "no step of a torch optimizer was seen" in said
        assert "a training step that is compiled as a whole, call no hook" in said


def test_the_first_step_of_another_models_optimizer_is_no_step_of_this_one() -> None:
    """Until a model's own optimizer steps, any may be the one that moves it."""
    model, critic = net(), nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    optimizers = [torch.optim.SGD(each.parameters(), lr=0.05) for each in (critic, model)]
    with bntui.watch(model, critic, log=None, every=1) as watch:
        for _ in range(6):
            for optimizer in optimizers:
                optimizer.zero_grad()
                critic(model(torch.randn(32, 4))).square().mean().backward()
                optimizer.step()
        watch.findings()
        assert watch._run.watching
        assert watch._run.watching.unavailable == []
    assert [facts.optimizer_steps for facts in watch._run.models.values()] == [6, 6]
    for layer in watch.layers:
        assert list(layer.samples["mean_distance"].steps)[:6] == list(range(6))


def test_what_is_copied_into_a_models_buffers_is_no_update() -> None:
    model, average = net(), net()
    with bntui.watch(model, average, log=None, every=1) as watch:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(4):
            model(torch.randn(32, 4)).square().mean().backward()
            optimizer.step()
            average.load_state_dict(model.state_dict())
        watch.findings()
        assert watch._run.watching
        assert watch._run.watching.unavailable == []


def test_a_log_holds_statistics_and_no_inputs_or_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "--token=secret"])
    model = net()
    path = tmp_path / "x.jsonl"
    with bntui.watch(model, log=path, name="a run", every=1) as watch:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for step in range(40):
            optimizer.zero_grad()
            loss = model(torch.randn(32, 4)).square().mean()
            loss.backward()
            optimizer.step()
            watch.log(loss=loss, step_number=step)
    assert b"secret" not in path.read_bytes()
    run = watched(read_log(path))
    assert run.skipped == 0
    assert run.watching is not None
    assert run.watching.name == "a run"
    assert len(run.scalars["loss"]) == 40
    assert len(run.layers[0].samples["mean_distance"]) == 40
    inputs, outputs = run.layers[0].histograms.values()
    assert [each.step for each in outputs] == [each.step for each in inputs] == [0, 7]
    for each in outputs:  # normalized, gamma 1 and beta 0
        width = (each.high - each.low) / 50
        places = [each.low + (place + 0.5) * width for place in range(50)]
        total = sum(each.counts)
        assert total == 32 * 8
        mean = sum(n * at for n, at in zip(each.counts, places, strict=True)) / total
        square = sum(n * at * at for n, at in zip(each.counts, places, strict=True)) / total
        assert abs(mean) < 0.05
        assert abs(square - 1) < 0.1
    assert run.state is not None
    assert run.state.state == "finished"


def test_a_log_ends_as_its_training_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a `with` block, and as the interpreter ends after an error; ctrl+c is no failure."""

    def ended(log: Path) -> str:
        run = watched(read_log(log))
        return run.failed.message if run.failed else run.state.state if run.state else ""

    for error, said in (
        (ValueError("secret"), "a run ended with ValueError."),
        (SystemExit(3), "a run ended with exit code 3."),
        (SystemExit(0), "finished"),
        (KeyboardInterrupt(), "running"),
    ):
        log = tmp_path / f"{type(error).__name__}-{error}.jsonl"
        with pytest.raises(type(error)), bntui.watch(net(), log=log, name="a run"):
            raise error
        assert ended(log) == said
        assert b"secret" not in log.read_bytes()
    for interactive, said in ((True, "finished"), (False, "a run ended with KeyError.")):
        model = net()
        bntui.watch(model, log=tmp_path / f"{interactive}.jsonl", name="a run")
        monkeypatch.setattr(sys, "last_type", KeyError, raising=False)
        monkeypatch.setattr(sys, "ps1", ">>>", raising=False)
        if not interactive:
            monkeypatch.delattr(sys, "ps1")
        handle._close_all()
        assert ended(tmp_path / f"{interactive}.jsonl") == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"every": 0}, "every is 0"),
        ({"budget": 0.0}, "budget is 0.0"),
        ({"log": "/proc/version"}, "already exists"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        bntui.watch(net(), **arguments)


def test_what_is_no_module_is_named() -> None:
    with pytest.raises(InputError, match="Model 2 is of type int"):
        bntui.watch(net(), 3)  # type: ignore[arg-type]


def test_other_norms_are_counted_and_frozen_ones_said_to_be() -> None:
    class FrozenBatchNorm2d(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in ("weight", "bias", "running_mean", "running_var"):
                self.register_buffer(name, torch.ones(3))

    model = nn.Sequential(
        nn.LayerNorm(4), nn.GroupNorm(1, 4), FrozenBatchNorm2d(), nn.BatchNorm1d(4)
    )
    with bntui.watch(model, log=None) as watch:
        hello = watch._run.watching
        assert hello is not None
        assert hello.others == {"LayerNorm": 1, "GroupNorm": 1}
        assert [layer.frozen for layer in hello.layers] == [True, False]


def test_a_scripted_copy_of_the_state_loads(tmp_path: Path) -> None:
    model = net()
    with bntui.watch(model, log=None):
        buffer = io.BytesIO()
        torch.save(model.state_dict(), buffer)
        buffer.seek(0)
        net().load_state_dict(torch.load(buffer, weights_only=True))
