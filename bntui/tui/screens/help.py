"""Help: the current pane explained, its keys first, then every other key of the screen."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from bntui.tui.commands import KeyCommand
from bntui.tui.panes.base import Part


class Topic(Protocol):
    """What help explains: a pane, or a screen without panes."""

    TITLE: ClassVar[str]
    COMMANDS: ClassVar[tuple[KeyCommand, ...]]
    RELATED: ClassVar[tuple[KeyCommand, ...]]

    @property
    def about(self) -> str:
        """Plain words; then formula, source and what to try, a line each that begins so."""
        ...


class HelpScreen(ModalScreen[None]):
    """Help on `pane` and `commands`, the keys of the screen below; `findings` hold right now.

    What there is to try needs a run that trains, which a `recorded` one is not.
    """

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll {
        width: 84; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,q,enter", "dismiss", "Close"),
    ]

    def __init__(
        self,
        pane: Topic,
        commands: Sequence[KeyCommand],
        findings: Sequence[str] = (),
        recorded: bool = False,
    ) -> None:
        super().__init__()
        self._recorded = recorded
        self._pane, self._commands, self._findings = pane, commands, findings

    def compose(self) -> ComposeResult:
        """The pane's text and keys, the findings, then all other keys by group."""
        offered = {command.name: command for command in self._commands}
        of_pane = [*self._pane.COMMANDS, *self._pane.RELATED]
        own = [offered.pop(command.name) for command in of_pane if command.name in offered]
        others = list(offered.values())
        with VerticalScroll() as page:
            page.border_title = "Help"
            page.border_subtitle = "Esc: close"
            yield Static(
                Content.assemble(
                    *_about(self._pane, self._recorded),
                    *_lines(own),
                    *_now(self._findings),
                    *_keys(others),
                )
            )


def _about(pane: Topic, recorded: bool) -> list[Part]:
    """Its help text; a label that begins a line, such as `Try:`, stands out."""
    parts: list[Part] = [(f"{pane.TITLE}\n", "bold")]
    for line in pane.about.splitlines():
        label, colon, rest = line.partition(": ")
        is_label = bool(colon) and label.istitle() and " " not in label
        said = "Try in a run that trains" if recorded and label == "Try" else label
        parts += [(f"{said}: ", "bold $primary"), f"{rest}\n"] if is_label else [f"{line}\n"]
    return parts


def _now(findings: Sequence[str]) -> list[Part]:
    if not findings:
        return []
    return [("\nNow\n", "bold"), *(f"● {finding}\n" for finding in findings)]


def _keys(commands: Iterable[KeyCommand]) -> list[Part]:
    parts: list[Part] = []
    for group, members in groupby(commands, key=lambda command: command.group):
        parts += [(f"\n{group}\n", "bold"), *_lines(members)]
    return parts


def _lines(commands: Iterable[KeyCommand]) -> list[Part]:
    return [f"  {command.key_text:<12}{command.help}\n" for command in commands]
