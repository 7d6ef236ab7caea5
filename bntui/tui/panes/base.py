"""A pane of any screen: a headline with numbers, a body, its own keys, and drawing a run."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from bntui.text import clean
from bntui.tui.commands import KeyCommand
from bntui.tui.plotting.cursor import readings
from bntui.tui.plotting.figure import Figure

Part = tuple[str, str] | str

RunT = TypeVar("RunT")
"""What a pane draws: the lab's history, or a watched run."""

PaneT = TypeVar("PaneT", bound="AnyPane")


class BasePane(Widget, Generic[RunT], can_focus=True):
    """Draws a run; does not know where it comes from."""

    DEFAULT_CSS = """
    BasePane { layout: vertical; }
    BasePane > .headline {
        height: 1; padding: 0 1; background: $panel; color: $foreground;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    BasePane:focus > .headline, BasePane.-pointed > .headline {
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

    class Resized(Message, namespace="pane"):
        """The pane has a new size: draw it again."""

        def __init__(self, pane: "AnyPane") -> None:
            super().__init__()
            self.pane = pane

    class Changed(Message, namespace="pane"):
        """One of the pane's keys changed what it shows: draw it; show it where it is hidden."""

        def __init__(self, pane: "AnyPane") -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._headline = Static(self.TITLE, classes="headline", markup=False)
        self._headline_parts: tuple[Part, ...] = ()

    @property
    def about(self) -> str:
        """What the help screen says of the pane."""
        return self.HELP

    def compose(self) -> ComposeResult:
        """The headline, then the pane's own body."""
        yield self._headline
        yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """The widgets below the headline."""
        raise NotImplementedError

    def draw(self, run: RunT, /) -> None:
        """Show `run`; called by the frame clock while the pane is visible."""
        raise NotImplementedError

    def redraw(self, run: RunT, /) -> None:
        """Draw `run`; a fault of drawing is named in the headline and ends nothing."""
        try:
            self.draw(run)
        except Exception as error:
            fault = f"this cannot be drawn ({type(error).__name__}: {error})"
            self.headline((fault, "bold $error"))

    def on_resize(self) -> None:
        """Ask to be drawn again."""
        self.post_message(self.Resized(self))

    def changed(self) -> None:
        """Ask to be drawn after one of the pane's own keys."""
        self.post_message(self.Changed(self))

    def read_at_cursor(self, figure: Figure | None) -> list[Part]:
        """The cursor's step and each curve's value there, as the headline; nothing without one."""
        found = readings(figure) if figure and figure.cursor is not None else []
        if not found or figure is None:
            return []
        room = self.size.width - len(self.TITLE) - 4
        step = f"{figure.cursor:,}"
        loose: list[Part] = [(f"step {step}  ", "bold")]
        loose += [(f"{r.name} {r.text}  ", f"$ink-{r.ink}") for r in found]
        close: list[Part] = [(f"{step} ", "bold")]
        close += [(f"{r.name}{_bare(r.text)} ", f"$ink-{r.ink}") for r in found]
        are_signs = not any(r.name.isalnum() for r in found)
        return close if are_signs and width_of(loose) > room >= width_of(close) else loose

    def turn(self, by: int) -> None:
        """Next or previous page, where not everything fits."""

    def headline(self, *parts: Part) -> None:
        """Set the text after the title, as many parts as fit; unchanged text is not redrawn."""
        shown = _fitting(tuple(map(_cleaned, parts)), self.size.width - len(self.TITLE) - 4)
        if shown != self._headline_parts:
            self._headline_parts = shown
            content = Content.assemble((self.TITLE, "bold"), "  ", *shown)
            self._headline.update(content, layout=False)


AnyPane = BasePane[Any]


def owner(action: str, panes: Iterable[PaneT]) -> PaneT:
    """The first of `panes` that declares a key with that action."""
    return next(pane for pane in panes if any(c.action == action for c in pane.COMMANDS))


def _bare(text: str) -> str:
    """A number without the zero before its point."""
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.", "+0.")) else text


def _fitting(parts: tuple[Part, ...], width: int) -> tuple[Part, ...]:
    """The first parts that fit into `width` columns: half a number says another number.

    The first part with any text is shown in any case, and so is everything before there is a size.
    """
    count = len(parts)
    first = next((i for i, part in enumerate(parts) if width_of([part])), 0)
    while width > 0 and count > first + 1 and width_of([*parts[:count]]) > width:
        count -= 1
    while count > 1 and not width_of([parts[count - 1]]):
        count -= 1
    *before, last = parts[:count] or ("",)
    kept = last.rstrip(" ·") if isinstance(last, str) else (last[0].rstrip(" ·"), last[1])
    return (*before, kept)


def width_of(parts: Sequence[Part]) -> int:
    """Terminal columns that the parts take, without trailing blanks."""
    return cell_len(
        "".join(part if isinstance(part, str) else part[0] for part in parts).rstrip(" ·")
    )


def _cleaned(part: Part) -> Part:
    return clean(part) if isinstance(part, str) else (clean(part[0]), part[1])
