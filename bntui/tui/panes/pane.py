"""Base class of panes: a headline with numbers, a body, its own keys, and drawing a history."""

from collections.abc import Iterable, Sequence
from math import isnan
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from bntui.history.history import History
from bntui.protocol import Command, Probe
from bntui.text import clean
from bntui.tui.commands import KeyCommand
from bntui.tui.messages import SendCommand
from bntui.tui.panes.arms import Arm, arms_of, choose
from bntui.tui.plotting.cursor import readings
from bntui.tui.plotting.figure import Figure, Mark
from bntui.tui.plotting.marks import marks
from bntui.tui.plotting.plot import ARM_SHAPES

Part = tuple[str, str] | str


WAITING = "waiting for the first measurement"
NO_BATCHNORM = "no network here has BatchNorm"


class Pane(Widget, can_focus=True):
    """Draws a history; does not know where it comes from.

    Its owner sets `history`, the run as it is now; `arm`, the name of the network that was chosen
    for all panes; `hidden_layer`, which counts from 0; and `cursor`, the step at which plots over
    steps are read, if any. `shown` replaces the history's networks where several runs are compared.
    `draw` gets the run as of the step that is shown.
    """

    DEFAULT_CSS = """
    Pane { layout: vertical; }
    Pane > .headline {
        height: 1; padding: 0 1; background: $panel; color: $foreground;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    Pane:focus > .headline, Pane.-pointed > .headline {
        background: $primary 35%; text-style: bold;
    }
    """

    TITLE: ClassVar[str]
    SHORT: ClassVar[str] = ""
    """The title where a tab has little room."""
    HELP: ClassVar[str]
    """Plain words; then formula, source and what to try, a line each that begins so."""
    COMMANDS: ClassVar[tuple[KeyCommand, ...]] = ()
    """Its own keys; each action is a method of the pane, and works wherever the focus is."""
    RELATED: ClassVar[tuple[KeyCommand, ...]] = ()
    """Keys of the screen that change what this pane shows."""
    PROBES: ClassVar[tuple[Probe, ...]] = ()
    """What the engine measures only while this pane is shown."""
    BN_ONLY: ClassVar[bool] = False
    """Whether it shows only networks with BatchNorm."""

    class Resized(Message):
        """The pane has a new size: draw it again."""

        def __init__(self, pane: "Pane") -> None:
            super().__init__()
            self.pane = pane

    class Changed(Message):
        """One of the pane's keys changed what it shows: draw it; show it where it is hidden."""

        def __init__(self, pane: "Pane") -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.history = History()
        self.arm = ""
        self.hidden_layer = 0
        self.cursor: int | None = None
        self.shown: Sequence[Arm] = ()
        self._headline = Static(self.TITLE, classes="headline", markup=False)
        self._headline_parts: tuple[Part, ...] = ()

    def compose(self) -> ComposeResult:
        """The headline, then the pane's own body."""
        yield self._headline
        yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """The widgets below the headline."""
        raise NotImplementedError

    def draw(self, history: History) -> None:
        """Show `history`; called by the frame clock while the pane is visible."""
        raise NotImplementedError

    def redraw(self, history: History) -> None:
        """Draw `history`; a fault of drawing is named in the headline and ends nothing."""
        try:
            self.draw(history)
        except Exception as error:
            fault = f"this cannot be drawn ({type(error).__name__}: {error})"
            self.headline((fault, "bold $error"))

    def on_resize(self) -> None:
        """Ask to be drawn again."""
        self.post_message(self.Resized(self))

    def changed(self) -> None:
        """Ask to be drawn after one of the pane's own keys."""
        self.post_message(self.Changed(self))

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

    def read_at_cursor(self, figure: Figure | None) -> list[Part]:
        """The cursor's step and each curve's value there, as the headline; nothing without one."""
        found = readings(figure) if figure and figure.cursor is not None else []
        if not found or figure is None:
            return []
        values: list[Part] = [(f"{r.name} {r.text}  ", f"$ink-{r.ink}") for r in found]
        return [(f"step {figure.cursor:,}  ", "bold"), *values]

    def turn(self, by: int) -> None:
        """Next or previous page, where not everything fits."""

    def headline_waiting(self, history: History, *before: Part) -> None:
        """Say that nothing is measured yet, or that this pane has no network to show."""
        never = bool(history.arms) and not self.arms(history)
        self.headline(*before, (NO_BATCHNORM if never else WAITING, "dim"))

    def headline(self, *parts: Part) -> None:
        """Set the text after the title, as many parts as fit; unchanged text is not redrawn."""
        shown = _fitting(tuple(map(_cleaned, parts)), self.size.width - len(self.TITLE) - 4)
        if shown != self._headline_parts:
            self._headline_parts = shown
            content = Content.assemble((self.TITLE, "bold"), "  ", *shown)
            self._headline.update(content, layout=False)


def owner(action: str, panes: Iterable[Pane]) -> Pane:
    """The first of `panes` that declares a key with that action."""
    return next(pane for pane in panes if any(c.action == action for c in pane.COMMANDS))


def _fitting(parts: tuple[Part, ...], width: int) -> tuple[Part, ...]:
    """The first parts that fit into `width` columns: half a number says another number.

    The first part with any text is shown in any case, and so is everything before there is a size.
    """
    count = len(parts)
    first = next((i for i, part in enumerate(parts) if width_of([part])), 0)
    while width > 0 and count > first + 1 and width_of([*parts[:count]]) > width:
        count -= 1
    return parts[:count]


def _cleaned(part: Part) -> Part:
    return clean(part) if isinstance(part, str) else (clean(part[0]), part[1])


def marked(history: History, start: int, stop: int) -> list[Mark]:
    """What was done to the run between two steps, as upright lines of a plot.

    On a log scale of steps the first has no step before it: a change before any step stands at 1.
    """
    steps, texts = marks(history, start, stop)
    return [Mark(max(step, 1.0), clean(text)) for step, text in zip(steps, texts, strict=True)]


def arm_part(index: int, name: str, text: str) -> Part:
    """An arm's shape, name and a number, in the arm's colour."""
    words = (ARM_SHAPES[index], clean(name), text)
    return " ".join(filter(None, words)) + "  ", f"$ink-arm-{index}"


def arm_parts(history: History, texts: list[str], width: int) -> list[Part]:
    """All networks in `width` columns, by name, forks by their difference, or by shape alone."""
    names = list(history.arms)
    forks = [
        name.removeprefix(arm.origin).strip() if arm.origin else name
        for name, arm in history.arms.items()
    ]
    parts: list[Part] = []
    for called in (names, forks, [""] * len(names)):
        parts = [
            arm_part(i, name, text)
            for i, (name, text) in enumerate(zip(called, texts, strict=True))
        ]
        if width_of(parts) <= width:
            break
    return parts


def width_of(parts: list[Part]) -> int:
    """Terminal columns that the parts take, without trailing blanks."""
    return cell_len(
        "".join(part if isinstance(part, str) else part[0] for part in parts).rstrip(" ·")
    )


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
    by_digits = (text for pair in zip(texts, bare, strict=True) for text in pair)
    return next((text for text in by_digits if len(text) <= width), "*")
