"""What a watched script printed."""

import re

from textual.app import ComposeResult

from bntui.history.watched import WatchedRun
from bntui.text import clean
from bntui.tui.plotting.text_rows import Row, Rows
from bntui.tui.watched.pane import WatchedPane
from bntui.tui.watched.view import View

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Control sequences: colours, cursor movements, window titles."""

INKS = {"stdout": "plain", "stderr": "highish"}
LONGEST = 4000
"""Characters of a line that are looked at: more than a terminal is wide, escape codes and all."""

NOTHING = "nothing printed"
ELSEWHERE = "bntui watch SCRIPT shows here what the script prints."


class OutputPane(WatchedPane):
    """The last lines, or those `back` lines before."""

    TITLE = SHORT = "Output"
    HELP = (
        "What the script that bntui watch started wrote to standard output and standard error, "
        "without colours; a line that was written over (a progress bar) is shown as it was last. "
        "A run watched by bntui.watch(model) prints to its own terminal, and a log holds no output."
        "\nTry: up, down and the page keys scroll; End of the text is followed."
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = Rows()
        self._back = 0

    def compose_body(self) -> ComposeResult:
        """Rows of text."""
        yield self._rows

    def move(self, by: int) -> bool:
        """Scroll."""
        self._back -= by
        return True

    def draw(self, view: View, /) -> None:
        """Redraw the lines in sight."""
        written = lines(view.run)
        room = max(self.size.height - 1, 1)
        self._back = min(max(self._back, 0), max(len(written) - room, 0))
        stop = len(written) - self._back
        shown = written[max(stop - room, 0) : stop]
        if not written:
            self.headline((NOTHING, "dim"))
            self._rows.show([[(ELSEWHERE, "dim")]])
            return
        below = f" · {self._back:,} more below" if self._back else ""
        count = f"{len(written):,} line{'s' if len(written) > 1 else ''}"
        self.headline(count, (below, "dim"))
        self._rows.show([as_row(line, ink) for line, ink in shown])


def lines(run: WatchedRun) -> list[tuple[str, str]]:
    """Raw lines of both streams and their inks, in the order in which they were written."""
    found: list[tuple[str, str]] = []
    unfinished: dict[str, str] = {}
    for piece in run.output:
        *whole, rest = (unfinished.pop(piece.stream, "") + piece.text).split("\n")
        found += [(line, INKS[piece.stream]) for line in whole]
        if len(rest) > 2 * LONGEST:
            rest = rest[:LONGEST] + rest[-LONGEST:]  # the rest of it is never shown
        unfinished[piece.stream] = rest
    return found + [(rest, INKS[name]) for name, rest in unfinished.items() if rest]


def as_row(line: str, ink: str) -> Row:
    """A line as a terminal shows it in the end: what follows its last carriage return."""
    part = line[-LONGEST:] if "\r" in line else line[:LONGEST]
    plain = ESCAPES.sub("", part).rstrip("\r")
    return [(clean(plain.rpartition("\r")[2].expandtabs(8)), ink)]
