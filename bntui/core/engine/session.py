"""One run: a trainer, its pace, its state, and the events that it emits."""

from collections.abc import Callable, Iterable
from math import isfinite
from time import monotonic
from typing import Literal

from msgspec import UNSET

from bntui.config.settings import SETTINGS
from bntui.core.engine.memory import Size, check_growth
from bntui.core.engine.pacing import Pacer
from bntui.core.probes.registry import measured
from bntui.core.telemetry.on_demand import OnDemand
from bntui.core.telemetry.recorder import Recorder
from bntui.core.telemetry.schedule import is_probed
from bntui.core.training.interventions import Done, Interventions
from bntui.core.training.trainer import Arm, Trainer
from bntui.errors import InputError
from bntui.protocol import (
    TRAIN_ON,
    AnyCommand,
    Change,
    Changed,
    Diverged,
    Event,
    Fork,
    Forked,
    Pause,
    Recalibrate,
    Recalibrated,
    Recovered,
    Refused,
    Resume,
    SetPace,
    State,
    Step,
    Subscribe,
    TraceUnits,
    Undo,
)

Emit = Callable[[Event], None]


class Session:
    """Trains when `advance` is called, and emits what there is to know of the run.

    What is measured only while a screen shows it goes to `emit_unlogged`.
    """

    def __init__(self, trainer: Trainer, emit: Emit, emit_unlogged: Emit) -> None:
        self._trainer, self._emit, self._emit_unlogged = trainer, emit, emit_unlogged
        self._pacer = Pacer(trainer.config.pace)
        self._recorder = Recorder(trainer)
        self._on_demand = OnDemand(trainer)
        self._interventions = Interventions(trainer)
        self._state: Literal["running", "paused", "finished"] = "running"
        self._total = trainer.config.steps
        self._seconds_per_step = 0.0
        self._owed: dict[str, bool] = {}
        self._owes_past = False
        self._recalibrated: list[Recalibrated] = []
        self._emit_state()
        self._probe(trainer.arms, full=False)
        self._pacer.resume()

    def wait(self) -> float | None:
        """Seconds until `advance` has something to do; None when it has not."""
        if self._owed or self._owes_past:
            return 0.0
        return self._pacer.wait() if self._state == "running" else self._on_demand.wait()

    def advance(self, deadline: float) -> None:
        """Make the steps that are due, until `deadline` on the monotonic clock, and probe."""
        self._settle()
        while self._is_due() and (left := deadline - monotonic()) > 0:
            affordable = int(left / self._seconds_per_step) if self._seconds_per_step else 1
            max_n = min(max(affordable, 1), self._trainer.ahead)
            self._train(self._until_probe(self._pacer.due(max_n)))
        if self._on_demand.wait() == 0:
            self.flush()
            for event in self._on_demand.measure():
                self._emit_unlogged(event)

    def flush(self) -> None:
        """Emit the steps made since the last call."""
        for event in self._recorder.drain(self._pacer.elapsed):
            self._emit(event)

    def handle(self, command: AnyCommand) -> None:
        """Handle a command; one that does nothing in this state is ignored.

        What it alters is measured by the next `advance`, once for all commands before it.
        """
        match command:
            case Pause() if self._state == "running":
                self._pause(full=True)
            case Resume() if self._state == "paused":
                self._resume()
            case Resume() | Step() if self._state == "finished":
                self._train_on(command)
            case Step():
                self._single_step()
            case SetPace(pace):
                self._pacer.set_pace(pace)
                self._emit_state()
            case TraceUnits(layer, units):
                self._trace(layer, units)
            case Subscribe():
                self._on_demand.subscribe(command)
            case Change() | Fork() | Recalibrate() | Undo():
                self._intervene(command)
            case _:
                pass

    def _intervene(self, command: Change | Fork | Recalibrate | Undo) -> None:
        """Change the run between two steps; what that alters is to be measured."""
        self.flush()
        try:
            self._check_memory(command)
            done = self._interventions.handle(command)
        except InputError as refusal:
            self._emit(Refused(str(refusal)))
            return
        for event in done:
            self._recorder.follow(event)
            if isinstance(event, Recalibrated):
                self._recalibrated.append(event)
            else:
                self._emit_recalibrated()
                self._emit(event)
        altered = {event.arm for event in done if _alters_measurements(event)}
        arms = [arm for arm in self._trainer.arms if {None, arm.name} & altered]
        self._owe(arms, full=self._state != "running")

    def _emit_recalibrated(self) -> None:
        """Emit recalibrations, done or undone: after their numbers, which show nothing else."""
        for event in self._recalibrated:
            self._emit(event)
        self._recalibrated.clear()

    def _check_memory(self, command: Change | Fork | Recalibrate | Undo) -> None:
        """Check that there is memory for one network more, or for larger batches."""
        run, setting = self._trainer, SETTINGS["batch_size"]
        networks, batch = len(run.arms) + isinstance(command, Fork), run.batch_size
        if isinstance(command, Change) and command.knob == setting.name:
            batch = max(batch, 0 if setting.problem(command.value) else int(command.value))
        if isinstance(command, Undo):
            batch = max(batch, self._interventions.undone_batch_size() or 0)
        if (networks, batch) != (len(run.arms), run.batch_size):
            size = Size(len(run.dataset), len(run.dataset.vocabulary))
            check_growth(run.config, size, networks, batch, held=len(run.arms))

    def _is_due(self) -> bool:
        return self._state == "running" and self._pacer.wait() == 0

    def _until_probe(self, max_n: int) -> int:
        """How many steps to make at once: none may pass a probe or the end."""
        done = self._trainer.steps_done
        max_n = min(max_n, max(self._total - done, 1))
        return next((n for n in range(1, max_n) if is_probed(done + n)), max_n)

    def _train(self, steps: int) -> None:
        self._emit_recalibrated()
        for event in self._interventions.scheduled():
            self.flush()
            self._emit(event)
        self._recall()
        begun = monotonic()
        steps_done = self._trainer.advance(steps, self._recorder.sample)
        self._recorder.record(steps_done)
        self._seconds_per_step = (monotonic() - begun) / steps_done
        self._pacer.advance(steps_done)
        self._emit_turns()
        if self._is_over():
            self._finish()
        elif is_probed(self._trainer.steps_done):
            self._probe(self._trainer.arms, full=False)

    def _is_over(self) -> bool:
        return self._trainer.steps_done >= self._total or not self._is_alive()

    def _is_alive(self) -> bool:
        return any(arm.alive for arm in self._trainer.arms)

    def _train_on(self, command: Resume | Step) -> None:
        """Give a finished run more steps, and make one or all of them."""
        if not self._is_alive():
            self._emit(Refused("There is nothing to train on: no network's loss is finite."))
            return
        self._total, self._state = self._trainer.steps_done + TRAIN_ON, "paused"
        if isinstance(command, Step):
            self._single_step()
        else:
            self._resume()

    def _finish(self) -> None:
        self._pacer.pause()
        self._probe_at_rest()
        self._state = "finished"
        self._emit_state()

    def _pause(self, full: bool) -> None:
        self._pacer.pause()
        self._state = "paused"
        self._emit_state()
        self._owe(self._trainer.arms, full)

    def _resume(self) -> None:
        self._state = "running"
        self._emit_state()
        self._pacer.resume()

    def _single_step(self) -> None:
        if self._state == "running":
            self._pacer.pause()
        self._pacer.resume()
        self._train(1)
        if self._state != "finished":
            self._pause(full=False)

    def _trace(self, layer: int, units: list[int]) -> None:
        self.flush()
        self._owes_past |= self._recorder.trace(layer, units)

    def _emit_state(self) -> None:
        self.flush()
        diverged = [arm.name for arm in self._trainer.arms if arm.diverged_at is not None]
        total = UNSET if self._total == self._trainer.config.steps else self._total
        self._emit(State(self._state, self._trainer.steps_done, self._pacer.pace, diverged, total))

    def _emit_turns(self) -> None:
        """Name each network that was found diverged or recovered in the last steps."""
        for arm in self._trainer.arms:
            for step, loss, diverged in arm.turns:
                self.flush()
                value = loss if isfinite(loss) else None
                self._emit((Diverged if diverged else Recovered)(arm.name, step, value))

    def _owe(self, arms: Iterable[Arm], full: bool) -> None:
        """Have these networks measured by the next `advance`, in full only if it is at rest."""
        for arm in arms:
            self._owed[arm.name] = full or self._owed.get(arm.name, False)

    def _recall(self) -> None:
        """Emit the past of units that are newly traced."""
        if self._owes_past:
            self._owes_past = False
            for event in self._recorder.recall():
                self._emit(event)

    def _settle(self) -> None:
        """Measure and emit what the commands since the last call have altered."""
        self._recall()
        arms = [arm for arm in self._trainer.arms if arm.name in self._owed]
        full = any(self._owed.values()) and self._state != "running"
        self._owed.clear()
        if arms:
            self._probe(arms, full)
        self._emit_recalibrated()
        if full and len(arms) == len(self._trainer.arms):
            self._on_demand.mark_measured()

    def _probe_at_rest(self) -> None:
        """Measure everything of every network: no step waits for it."""
        self._owed.clear()
        self._probe(self._trainer.arms, full=True)
        self._emit_recalibrated()
        self._on_demand.mark_measured()

    def _probe(self, arms: Iterable[Arm], full: bool) -> None:
        """Emit the logged measurements of these networks."""
        self.flush()
        for event in measured(self._trainer, arms, full):
            self._emit(event)


def _alters_measurements(event: Done) -> bool:
    """Whether a network's outputs have changed without a step."""
    changed = isinstance(event, Changed) and SETTINGS[event.knob].alters_outputs
    return changed or isinstance(event, Forked | Recalibrated)
