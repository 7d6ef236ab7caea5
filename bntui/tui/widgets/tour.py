"""The guided tour: a few words beside one part of the lab after the other."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


@dataclass(frozen=True)
class Stop:
    """A part of the lab by its name, and a few words on it; `pane` is the pane to bring forward."""

    name: str
    words: str
    pane: str = ""


STOPS = (
    Stop(
        "The run",
        "Two networks learn the same names from the same batches, one with BatchNorm. The line at "
        "the top says how far they are. space pauses, s makes one step, + and - set the pace.",
    ),
    Stop(
        "Loss",
        "How wrong each network is on each batch: faint every step, strong their mean. On this "
        "little data BN need not end lower; the line above the keys says what the numbers say.",
        "loss",
    ),
    Stop(
        "Activations",
        "What the hidden units put out. Near -1 and 1 tanh is flat and learning stalls: compare "
        "the two networks at the start.",
        "activations",
    ),
    Stop(
        "Running stats",
        "BN normalizes by each batch's mean and variance while it trains, and keeps slow averages "
        "of them for later. Here are both, and how far the averages lag.",
        "statistics",
    ),
    Stop(
        "Train / eval",
        "The same weights under the batch's statistics and under the running ones. n chooses the "
        "batch size: at n = 1 BN sees only itself.",
        "modes",
    ),
    Stop(
        "Knobs",
        "k turns learning rate, batch size, momentum and more while they train. f forks a network "
        "and turns one knob in the copy; u takes it back.",
    ),
    Stop(
        "Help",
        "? explains the pane you are in, and lists every key. bntui --tour shows this tour again.",
    ),
)


class Tour(Static, can_focus=True):
    """A box over the lab; its own keys walk, every other key does what it always does."""

    DEFAULT_CSS = """
    Tour {
        layer: top; dock: bottom; width: 58; max-width: 100%; height: auto; margin: 0 2 3 2;
        padding: 0 1; background: $panel; border: round $primary;
    }
    Tour.-high { dock: top; margin: 3 2 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter,right", "walk(1)", "Next"),
        ("left", "walk(-1)", "Back"),
        ("escape", "leave", "Skip"),
    ]

    class At(Message):
        """The tour reached a stop."""

        def __init__(self, place: Stop) -> None:
            super().__init__()
            self.place = place

    class Over(Message):
        """Its last stop is passed, or it was skipped."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._place = 0

    def on_mount(self) -> None:
        """Begin."""
        self.border_subtitle = "→ next · ← back · escape skips"
        self.focus()
        self.action_walk(0)

    def action_walk(self, by: int) -> None:
        """To another stop; past the last one the tour is over."""
        self._place = max(self._place + by, 0)
        if self._place == len(STOPS):
            self.action_leave()
            return
        stop = STOPS[self._place]
        self.border_title = Content(f"{self._place + 1}/{len(STOPS)} {stop.name}")
        self.update(stop.words)
        self.post_message(self.At(stop))

    def action_leave(self) -> None:
        """Skip the rest."""
        self.post_message(self.Over())

    def on_click(self) -> None:
        """The next stop."""
        self.action_walk(1)

    def on_blur(self) -> None:
        """Whoever goes elsewhere needs no guide; another window is not elsewhere."""
        if self.app.app_focus:
            self.post_message(self.Over())
