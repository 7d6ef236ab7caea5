"""What every pane has: a headline with its numbers, a body, and a way to be told to draw."""

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from bntui.history import History
from bntui.tui.plot import CROSSED, PLUSED, THICK, THIN

ARM_SHAPES = ("▞", "⠒", "×", "+")
"""How each arm's curve looks without colour, as a legend shows it."""

ARM_STROKES = (THICK, THIN, CROSSED, PLUSED)
"""The same, as a plot draws it."""

Part = tuple[str, str] | str


class Pane(Widget, can_focus=True):
    """One of the lab's panes: it knows how to draw a history, not where the history comes from."""

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
    HELP: ClassVar[str]
    """Plain words; then formula, source and what to try, a line each that begins so."""
    KEYS: ClassVar[tuple[str, ...]] = ()
    """Those of the commands that are about this pane."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
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

    def headline(self, *parts: Part) -> None:
        """Set the text after the title; unchanged text is not sent again."""
        if parts != self._headline_parts:
            self._headline_parts = parts
            content = Content.assemble((self.TITLE, "bold"), "  ", *parts)
            self._headline.update(content, layout=False)


def arm_part(index: int, name: str, text: str) -> Part:
    """An arm's shape, name and a number, in the arm's colour."""
    called = f"{ARM_SHAPES[index]} {name}" if name else ARM_SHAPES[index]
    return f"{called} {text}  ", f"$ink-arm-{index}"


def arm_parts(history: History, texts: list[str], width: int) -> list[Part]:
    """All arms in `width` columns: by name, a fork by its difference alone, or by shape alone."""
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
        if cells(parts) <= width:
            break
    return parts


def cells(parts: list[Part]) -> int:
    """How many columns the parts take, blanks at the end left out."""
    return cell_len("".join(part if isinstance(part, str) else part[0] for part in parts).rstrip())


def value(number: float | None, digits: int = 4) -> str:
    """A number for people: four significant digits, or a dash where there is none."""
    if number is None or number != number:  # noqa: PLR0124 (NaN)
        return "–"
    return f"{number:.{digits}g}" if abs(number) < 1e5 else f"{number:.1e}"
