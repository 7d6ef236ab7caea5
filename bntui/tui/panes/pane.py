"""Base class of the panes that draw a history: the lab's, and those of a comparison."""

import re
from collections.abc import Iterable, Sequence
from math import isfinite, isnan
from typing import ClassVar

from bntui.history.history import History
from bntui.protocol import Command, Probe
from bntui.text import clean
from bntui.tui.messages import SendCommand
from bntui.tui.panes.arms import Arm, arms_of, choose
from bntui.tui.panes.base import BasePane, Part, width_of
from bntui.tui.plotting.figure import Mark
from bntui.tui.plotting.marks import marks
from bntui.tui.plotting.plot import ARM_SHAPES

WAITING = "not measured yet"
DECIMALS = 3
"""Of losses in a table."""

NO_BATCHNORM = "no network here has BatchNorm"


class Pane(BasePane[History]):
    """Draws a history.

    Its owner sets `history`, the run as it is now; `arm`, the name of the network that was chosen
    for all panes; `hidden_layer`, which counts from 0; and `cursor`, the step at which plots over
    steps are read, if any. `shown` replaces the history's networks where several runs are compared.
    `draw` gets the run as of the step that is shown.
    """

    PROBES: ClassVar[tuple[Probe, ...]] = ()
    """What the engine measures only while this pane is shown."""
    BN_ONLY: ClassVar[bool] = False
    """Whether it shows only networks with BatchNorm."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.history = History()
        self.arm = ""
        self.hidden_layer = 0
        self.cursor: int | None = None
        self.shown: Sequence[Arm] = ()

    def send(self, command: Command) -> None:
        """Send a command to the engine."""
        self.post_message(SendCommand(command))

    def arms(self, history: History) -> list[Arm]:
        """The networks that this pane can show."""
        every = self.shown or arms_of(history)
        return [arm for arm in every if arm.has_bn or not self.BN_ONLY]

    def chosen(self, history: History) -> Arm | None:
        """The chosen network, or another if this pane cannot show that one."""
        return choose(self.arms(history), self.arm)

    def name_part(self, history: History, arm: Arm) -> Part:
        """The shown network's name, where it could be another."""
        if len(self.arms(history)) < 2:
            return ""
        return f"{ARM_SHAPES[arm.place]} {arm.name}  ", f"$ink-arm-{arm.place}"

    def layer_part(self, history: History) -> str:
        """Which hidden layer is shown, where there are several."""
        depth = history.config.depth
        return f"layer {self.hidden_layer + 1} of {depth} · " if depth > 1 else ""

    def headline_waiting(self, history: History, *before: Part) -> None:
        """Say that nothing is measured yet, or that this pane has no network to show."""
        never = bool(history.arms) and not self.arms(history)
        self.headline(*before, (NO_BATCHNORM if never else WAITING, "dim"))


def as_of(history: History, step: int) -> str:
    """When a measurement was made: now, or the step that it is of."""
    return "now" if step >= history.steps else f"as of step {step:,}"


def marked(history: History, start: int, stop: int) -> list[Mark]:
    """What was done to the run between two steps, as upright lines of a plot.

    On a log scale of steps the first has no step before it: a change before any step stands at 1.
    """
    steps, texts = marks(history, start, stop)
    return [Mark(max(step, 1.0), clean(text)) for step, text in zip(steps, texts, strict=True)]


def arm_part(index: int, name: str, text: str) -> tuple[str, str]:
    """An arm's shape, name and a number, in the arm's colour."""
    words = (ARM_SHAPES[index], clean(name), text)
    return " ".join(filter(None, words)) + "  ", f"$ink-arm-{index}"


def arm_parts(history: History, texts: list[str], width: int) -> Sequence[Part]:
    """All networks in `width` columns, by name, forks by their difference, or by shape alone.

    Where even these have no room they stand closer together.
    """
    names = list(history.arms)
    forks = [
        name.removeprefix(arm.origin).strip() if arm.origin else name
        for name, arm in history.arms.items()
    ]
    parts: list[tuple[str, str]] = []
    for called in (names, forks, [""] * len(names)):
        parts = [
            arm_part(i, name, text)
            for i, (name, text) in enumerate(zip(called, texts, strict=True))
        ]
        if width_of(parts) <= width:
            return parts
    return [(text.rstrip() + " ", ink) for text, ink in parts]


def value(number: float | None, digits: int = 4) -> str:
    """A number for people: four significant digits, or a dash where there is none."""
    if number is None or number != number:  # noqa: PLR0124 (NaN)
        return "–"
    return f"{number:.{digits}g}" if abs(number) < 1e5 else f"{number:.1e}"


def brief(number: float | None, width: int, sign: str = "-") -> str:
    """A number in at most `width` characters, with as many digits as they hold."""
    if number is None or isnan(number):
        return "–"
    texts = [f"{number:{sign}.{digits}g}" for digits in (4, 3, 2, 1)]
    bare = [text.replace("0.", ".", 1) if abs(number) < 1 else text for text in texts]
    by_digits = [text for pair in zip(texts, bare, strict=True) for text in pair]
    power = f"{number:{sign}.0e}".replace("e-0", "e-").replace("e+0", "e")
    return next((text for text in [*by_digits, power] if len(text) <= width), "*")


def form_for(values: Iterable[float | None], form: str) -> str:
    """The format `form`, or one with powers of ten where it would make numbers of many digits."""
    largest = max(
        (abs(value) for value in values if value is not None and isfinite(value)), default=0.0
    )
    return form if largest < 1e4 else re.sub(r"\.\d+f", ".1e", form)


def power(number: float | None, width: int) -> str:
    """A number of any size with two digits, or one where `width` has no room, and a power of ten.

    So numbers of a column can be compared that are powers of ten apart.
    """
    if number is None or isnan(number):
        return "–"
    texts = [re.sub(r"e([+-])0?", r"e\1", f"{number:z.{digits}e}") for digits in (1, 0)]
    short = [text.replace("e+", "e") for text in texts] if number else ["0"]
    return next((text for text in short if len(text) <= width), "*")


def fixed(number: float | None, width: int, sign: str = "-", decimals: int = DECIMALS) -> str:
    """A number with so many decimals, or as many as fit into `width` characters.

    One that they would show as zero has significant digits instead.
    """
    if number is None or isnan(number):
        return "–"
    for places in range(decimals, -1, -1):
        text = f"{number:{sign}.{places}f}"
        if number and not float(text):
            break
        texts = (text, text.replace("0.", ".", 1) if abs(number) < 1 else text)
        if fitting := next((each for each in texts if len(each) <= width), None):
            return fitting
    return brief(number, width, sign)
