"""One run: a trainer, its pace, its state, and what it tells."""

from collections.abc import Callable, Container
from math import isfinite
from time import monotonic
from typing import Literal

from bntui.config.settings import SETTINGS
from bntui.core.engine.pacing import Pacer
from bntui.core.telemetry.on_demand import Looking
from bntui.core.telemetry.recorder import Telemetry
from bntui.core.telemetry.schedule import is_probed
from bntui.core.training.interventions import Done, Interventions
from bntui.core.training.trainer import Trainer
from bntui.errors import InputError
from bntui.protocol import (
    AnyCommand,
    Change,
    Changed,
    Diverged,
    Event,
    Fork,
    Forked,
    Look,
    Pause,
    Recalibrate,
    Recalibrated,
    Refused,
    Resume,
    SetPace,
    State,
    Step,
    Undo,
    Watch,
)

Tell = Callable[[Event], None]


class Run:
    """Trains when `advance` is called, and tells `tell` everything there is to know of it.

    What is measured only because someone looks goes to `show`.
    """

    def __init__(self, trainer: Trainer, tell: Tell, show: Tell) -> None:
        self._trainer, self._tell, self._show = trainer, tell, show
        self._pacer = Pacer(trainer.config.pace)
        self._telemetry = Telemetry(trainer)
        self._looking = Looking(trainer)
        self._interventions = Interventions(trainer)
        self._state: Literal["running", "paused", "finished"] = "running"
        self._seconds = 0.0
        self._tell_state()
        self._probe(thorough=False)
        self._pacer.run()

    def wait(self) -> float | None:
        """Seconds until there is something to do: a step, or else a look; None when nothing is."""
        return self._pacer.wait() if self._state == "running" else self._looking.wait()

    def advance(self, deadline: float) -> None:
        """Make the steps that are due, until `deadline` on the monotonic clock."""
        while self._is_due() and (left := deadline - monotonic()) > 0:
            affordable = int(left / self._seconds) if self._seconds else 1
            most = min(max(affordable, 1), self._trainer.ahead)
            self._train(self._until_probe(self._pacer.due(most)))
        self._look()

    def flush(self) -> None:
        """Tell of the steps made since the last time."""
        for event in self._telemetry.drain(self._pacer.elapsed):
            self._tell(event)

    def obey(self, command: AnyCommand) -> None:
        """Do as told; what makes no sense in this state is let pass."""
        match command:
            case Pause() if self._state == "running":
                self._pause(thorough=True)
            case Resume() if self._state == "paused":
                self._resume()
            case Step() if self._state != "finished":
                self._single_step()
            case SetPace(pace):
                self._pacer.set_pace(pace)
                self._tell_state()
            case Watch(layer, units):
                self._watch(layer, units)
            case Look():
                self._looking.at(command)
            case Change() | Fork() if self._state == "finished":
                self._tell(Refused("The run is finished: no step is left to turn a knob for."))
            case Change() | Fork() | Recalibrate() | Undo():
                self._turn(command)
            case _:
                pass

    def _turn(self, command: Change | Fork | Recalibrate | Undo) -> None:
        """Change the run between two steps, and measure at once what is another for it."""
        self.flush()
        try:
            done = self._interventions.handle(command)
        except InputError as refusal:
            self._tell(Refused(str(refusal)))
            return
        for event in done:
            self._telemetry.note(event)
            self._tell(event)
        if altered := {event.arm for event in done if _alters_measurements(event)}:
            self._probe(self._state != "running", altered)

    def _is_due(self) -> bool:
        return self._state == "running" and self._pacer.wait() == 0

    def _until_probe(self, most: int) -> int:
        """How many steps to make in one go: none may pass a probe or the end."""
        done = self._trainer.steps_done
        most = min(most, max(self._trainer.config.steps - done, 1))
        return next((n for n in range(1, most) if is_probed(done + n)), most)

    def _train(self, steps: int) -> None:
        for event in self._interventions.scheduled():
            self.flush()
            self._tell(event)
        begun = monotonic()
        made = self._trainer.advance(steps, self._telemetry.sample)
        self._telemetry.record(made)
        self._seconds = (monotonic() - begun) / made
        self._pacer.stepped(made)
        self._tell_divergence(made)
        if self._is_over():
            self._finish()
        elif is_probed(self._trainer.steps_done):
            self._probe(thorough=False)

    def _is_over(self) -> bool:
        alive = any(arm.alive for arm in self._trainer.arms)
        return self._trainer.steps_done >= self._trainer.config.steps or not alive

    def _finish(self) -> None:
        self._pacer.rest()
        self._probe(thorough=True)
        self._state = "finished"
        self._tell_state()

    def _pause(self, thorough: bool) -> None:
        self._pacer.rest()
        self._state = "paused"
        self._tell_state()
        self._probe(thorough)

    def _resume(self) -> None:
        self._state = "running"
        self._tell_state()
        self._pacer.run()

    def _single_step(self) -> None:
        if self._state == "running":
            self._pacer.rest()
        self._pacer.run()
        self._train(1)
        if self._state != "finished":
            self._pause(thorough=False)

    def _look(self) -> None:
        if self._looking.wait() == 0:
            self.flush()
            for event in self._looking.measure():
                self._show(event)

    def _watch(self, layer: int, units: list[int]) -> None:
        self.flush()
        if self._telemetry.watch(layer, units):
            for event in self._telemetry.recall():
                self._tell(event)

    def _tell_state(self) -> None:
        self.flush()
        diverged = [arm.name for arm in self._trainer.arms if arm.diverged_at is not None]
        self._tell(State(self._state, self._trainer.steps_done, self._pacer.pace, diverged))

    def _tell_divergence(self, made: int) -> None:
        """Name each arm that diverged in the steps just made."""
        first = self._trainer.steps_done - made
        for arm in self._trainer.arms:
            if arm.diverged_at is not None and arm.diverged_at >= first:
                loss = arm.losses[arm.diverged_at - first]
                self.flush()
                self._tell(Diverged(arm.name, arm.diverged_at, loss if isfinite(loss) else None))

    def _probe(self, thorough: bool, arms: Container[str | None] = (None,)) -> None:
        """Measure these arms; None among them stands for all."""
        self.flush()
        for event in self._telemetry.probe(thorough, arms):
            self._tell(event)
        if thorough and None in arms:
            self._looking.all_told()


def _alters_measurements(event: Done) -> bool:
    """Whether an arm's outputs are others than before, though no step was made."""
    turned = isinstance(event, Changed) and SETTINGS[event.knob].alters_outputs
    return turned or isinstance(event, Forked | Recalibrated)
