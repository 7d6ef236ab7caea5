"""The guided tour: three acts that drive the lab, a card after the other."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from bntui.config.schema import BN, NO_BN, RunConfig
from bntui.history.findings import findings
from bntui.history.history import History
from bntui.protocol import Command, Layers, Recalibrate, Resume, Start
from bntui.text import number, percent


class Card(Struct, frozen=True):
    """A card: its text, with what the run has measured; the pane to show; commands to send.

    At 80 columns the text has two rows: with a third the small panes would lose theirs.
    """

    title: str
    text: Callable[[History], str]
    pane: str
    commands: Sequence[Command] = ()


def _waiting(history: History) -> str:
    return (
        "Two networks, with BatchNorm and without: the same weights at the start, the same "
        "batches. The run waits at step 0 until card 3."
    )


def _saturated(history: History) -> str:
    arms = ((name, history.arms.get(name)) for name in (NO_BN, BN))
    starts = [(name, arm.activations[0][0]) for name, arm in arms if arm and arm.activations.get(0)]
    shares = [f"{name} {percent(e.saturation)}" for name, e in starts if e.saturation is not None]
    return (
        "Beyond ±0.97 tanh is flat and passes almost no gradient. Share of the hidden outputs "
        f"there at the start: {', '.join(shares) or 'not measured yet'}."
    )


def _learning(history: History) -> str:
    return (
        "Now they learn, each decade of steps as long as the one before. BN need not end lower: "
        "the line above the keys says what the numbers say. x: full speed."
    )


def _deep(history: History) -> str:
    race = next((f for f in findings(history) if f.topic == "race"), None)
    found = race.sentence() if race else "Wait until both are below a loss of 1 (250 steps, 20 s)."
    return f"Five hidden layers, a new run: here BN learns sooner. {found}"


def _dead(history: History) -> str:
    counts = []
    for name, arm in history.arms.items():
        if health := arm.latest(Layers):
            counts.append(f"{name} {sum(layer.dead for layer in health.layers):,}")
    return (
        "Page 5: the layers. A unit that is flat for every example of a batch is dead: it gets "
        f"almost no gradient. Dead now: {', '.join(counts) or 'not measured yet'}."
    )


def _apart(history: History) -> str:
    return (
        "A third run: the running statistics, which evaluation uses, follow slowly. "
        f"{_losses(history)}"
    )


def _back(history: History) -> str:
    return (
        "R has recomputed the running statistics; no weight has changed. "
        f"{_losses(history)} u takes it back."
    )


def _losses(history: History) -> str:
    """BN's newest losses in both modes, on the most examples."""
    arm = history.arms.get(BN)
    if not arm or not arm.modes:
        return "Not measured yet."
    last = arm.modes[-1]
    return (
        f"BN at step {last.step:,}: loss {number(last.eval[-1])} in evaluation, "
        f"{number(last.train[-1])} in training mode."
    )


def _yours(history: History) -> str:
    return (
        "k changes settings while they train, f forks a network, o lists your runs, ? explains "
        "the pane you are in. bntui --tour shows this again."
    )


DEEP = RunConfig(depth=5, hidden=100)
"""BN reaches a loss of 1 in 48 steps, no BN in 226 (means of 25)."""

SLOW = RunConfig(momentum=0.001, steps=500, pace=None)
"""Ends with a loss of 0.56 in evaluation and 0.22 in training mode; after 5,000 steps the running
statistics have caught up.
"""

CARDS = (
    Card("The notebook", _waiting, "loss"),
    Card("Saturation", _saturated, "activations"),
    Card("Learning", _learning, "loss", (Resume(),)),
    Card("Depth 5", _deep, "loss", (Start(DEEP),)),
    Card("Dead units", _dead, "layers"),
    Card("Momentum 0.001", _apart, "modes", (Start(SLOW),)),
    Card("Recalibrated", _back, "modes", (Recalibrate(BN),)),
    Card("Yours", _yours, ""),
)


class Tour(Static, can_focus=True):
    """A strip under the panes. It handles its own keys; all others work as usual."""

    DEFAULT_CSS = """
    Tour { height: auto; max-height: 6; padding: 0 1; background: $primary 15%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter,right", "walk(1)", "Next"),
        ("left", "walk(-1)", "Back"),
        ("escape", "leave", "Skip"),
    ]

    class At(Message):
        """The tour reached a card; `commands` are to be sent."""

        def __init__(self, card: Card, commands: Sequence[Command]) -> None:
            super().__init__()
            self.card, self.commands = card, commands

    class Over(Message):
        """The last card was passed, or the tour was skipped."""

    def __init__(self, history: History) -> None:
        super().__init__(markup=False)
        self._history = history
        self._place = self._furthest = 0
        self._shown = ""

    def on_mount(self) -> None:
        """Show the first card."""
        self.focus()
        self.action_walk(0)

    def action_walk(self, by: int) -> None:
        """Go to another card; a card's commands are sent once, the first time."""
        self._place = max(self._place + by, 0)
        if self._place == len(CARDS):
            self.action_leave()
            return
        card = CARDS[self._place]
        is_new = self._place > self._furthest
        self._furthest = max(self._place, self._furthest)
        self.post_message(self.At(card, card.commands if is_new else ()))
        self.draw()

    def draw(self) -> None:
        """Show the card with what is measured by now."""
        card = CARDS[min(self._place, len(CARDS) - 1)]
        text = card.text(self._history)
        if (shown := f"{self._place} {text}") != self._shown:
            self._shown = shown
            title = f"{self._place + 1}/{len(CARDS)} {card.title}"
            keys = "  →: next · ←: back · Esc: skip\n"
            self.update(Content.assemble((title, "bold"), (keys, "dim"), text))

    def action_leave(self) -> None:
        """Skip the rest of the tour."""
        self.post_message(self.Over())

    def on_click(self) -> None:
        """The next card."""
        self.action_walk(1)

    def on_blur(self) -> None:
        """End the tour when another widget is focused, but not when the terminal loses focus."""
        if self.app.app_focus:
            self.post_message(self.Over())
