"""Logged runs: open one, compare several, rename or delete them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import DataTable, Input, Static

from bntui.errors import InputError
from bntui.history.comparison import check_comparable
from bntui.logs.index import RunSummary, summaries
from bntui.logs.table import COLUMNS, cells
from bntui.logs.where import order, where
from bntui.logs.writer import delete, rename
from bntui.text import clean, ends_of
from bntui.tui.commands import APP, HELP, KeyCommand, Keymap, for_bar, rebound
from bntui.tui.screens.help import HelpScreen
from bntui.tui.widgets.key_bar import KeyBar

SORTS = ("-started", "name", "loss", "-steps-done", "state", "-size", "started")
"""What `s` sorts by, one after the other; - is largest first."""


def _called(field: str) -> str:
    """A field of `SORTS` in words."""
    name = field.removeprefix("-").replace("steps-done", "steps")
    if name == "started":
        return "newest first" if field.startswith("-") else "oldest first"
    return f"{name}, largest first" if field.startswith("-") else name


COMMANDS = (
    KeyCommand("space", "mark", "Mark", "Mark or unmark a run for comparison", APP, True),
    KeyCommand("c", "compare", "Compare", "Overlay the marked runs", APP, True),
    KeyCommand("slash", "filter", "Filter", "List the runs that meet terms", APP, True, "/"),
    KeyCommand("s", "sort", "Sort", "Sort by the next column", APP, True),
    KeyCommand("n", "rename", "Rename", "Rename a log", APP, True),
    KeyCommand("d,delete", "delete", "Delete", "Delete a log, after a question", APP, True, "d"),
    HELP,
    KeyCommand("escape,q", "dismiss(None)", "Close", "Back to what was shown", APP, True, "esc"),
)

MARK, GAP = 3, 2
"""Columns of a row's mark, and what a cell takes beside its text."""

LEAST = {0: 20, 3: 17, 1: 14}
"""Columns of the table that are cut where not all have room, by their place: how wide they stay.

The first gets what is left over before the others do.
"""


def fitted(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Widths of the first columns of `COLUMNS` in `width`: of as many as have room if cut."""
    titles = [title for title, _ in COLUMNS]
    natural = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    widths = [min(wide, LEAST.get(i, wide)) for i, wide in enumerate(natural)]
    while len(widths) > 1 and sum(widths) + GAP * len(widths) > width:
        widths.pop()
    for place in (place for place in LEAST if place < len(widths)):
        spare = max(width - sum(widths) - GAP * len(widths), 0)
        widths[place] += min(natural[place] - widths[place], spare)
    return widths


class About:
    """The help page."""

    TITLE: ClassVar[str] = "Runs"
    about = (
        "Every log in the directory that is named below the table, newest first. Enter opens one "
        "in place of what is shown; a run that trains there ends, and its log stays. Marked runs "
        "are compared: space marks, c compares.\n"
        "Try: / and lr>=0.1 state=finished."
    )
    COMMANDS: ClassVar[tuple[KeyCommand, ...]] = ()
    RELATED: ClassVar[tuple[KeyCommand, ...]] = ()


class RunsScreen(ModalScreen[list[Path]]):
    """Returns the logs to open: one to show, several to compare, None to stay."""

    DEFAULT_CSS = """
    RunsScreen { align: center middle; }
    RunsScreen > Vertical { width: 96%; height: 90%; border: round $primary; background: $surface; }
    RunsScreen DataTable {
        height: 1fr; overflow-x: hidden; scrollbar-gutter: stable; scrollbar-size-vertical: 1;
    }
    RunsScreen .note {
        height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def __init__(self, directory: Path, keymap: Keymap) -> None:
        super().__init__()
        self._directory = directory
        self._keys = rebound(COMMANDS, keymap)
        self._found: list[RunSummary] = []
        self._marked: list[str] = []
        self._terms, self._field = "", SORTS[0]
        self._note = Static("", classes="note", markup=False)
        self._whole = Static("", classes="note", markup=False)

    def compose(self) -> ComposeResult:
        """The table, the whole of the chosen row, a note, the keys."""
        with Vertical() as box:
            box.border_title = "Runs"
            yield DataTable(cursor_type="row")
            yield self._whole
            yield self._note
            yield KeyBar(*for_bar(self._keys, ()), room_for_two=0)

    @property
    def usable(self) -> list[KeyCommand]:
        """The keys of this screen."""
        return list(self._keys.values())

    def on_mount(self) -> None:
        """Fill the table."""
        self._fill()

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self.call_after_refresh(self._fill)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    def _fill(self) -> None:
        self.query_one(Vertical).border_subtitle = f"sorted: {_called(self._field)}"
        place = self._table.cursor_row
        every = summaries(self._directory)
        meets, ordered = where(self._terms), order(self._field)
        self._found = ordered([summary for summary in every if meets(summary)])
        rows = [[clean(cell, limit=200) for cell in cells(summary)] for summary in self._found]
        widths = fitted(rows, self._table.scrollable_content_region.width - MARK)
        self._table.clear(columns=True)
        self._table.add_column("", width=1)
        for (title, _), width in zip(COLUMNS, widths, strict=False):
            self._table.add_column(title, width=width)
        for summary, row in zip(self._found, rows, strict=True):
            mark = "●" if summary.path in self._marked else " "
            name, *others = zip(row, widths, strict=False)
            cut = [ends_of(*name), *(clean(cell, limit=wide) for cell, wide in others)]
            self._table.add_row(Text(mark), *map(Text, cut), key=summary.path)
        self._table.move_cursor(row=place)
        self._show_chosen()
        self._note.update(self._words(len(every)))

    def _words(self, count: int) -> str:
        """What is listed, of how many runs."""
        place = clean(str(self._directory))
        if not count:
            return f"No runs in {place}."
        shown = f"{len(self._found):,} of {count:,} runs" if self._terms else f"{count:,} runs"
        terms = f" with {clean(self._terms, 60)}" if self._terms else ""
        return f"Enter: open · {shown}{terms} in {place}"

    def action_filter(self) -> None:
        """Ask which runs to list."""
        question = "Show runs with, for example, lr>=0.1 state=finished"
        self.app.push_screen(AskScreen(question, self._terms), self._filter)

    def _filter(self, terms: str | None) -> None:
        if terms is None:
            return
        try:
            where(terms)
        except InputError as error:
            self.notify(str(error).removeprefix("--where: "), severity="warning", markup=False)
            return
        self._terms = terms.strip()
        self._fill()

    def action_sort(self) -> None:
        """Sort by the next field."""
        self._field = SORTS[(SORTS.index(self._field) + 1) % len(SORTS)]
        self._fill()

    def _chosen(self) -> RunSummary | None:
        row = self._table.cursor_row
        return self._found[row] if row < len(self._found) else None

    def on_data_table_row_highlighted(self) -> None:
        """Show the whole of the chosen row, whose cells may be cut."""
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self._chosen()
        name, differs, steps, *others = cells(chosen) if chosen else [""] * 3
        parts = [name, differs, f"{steps} steps", *others] if chosen else []
        self._whole.update(" · ".join(clean(cell, limit=200) for cell in parts))

    def action_help(self) -> None:
        """Explain the screen."""
        self.app.push_screen(HelpScreen(About(), self.usable))

    def on_data_table_row_selected(self) -> None:
        """Open the run under the cursor."""
        if chosen := self._chosen():
            self.dismiss([Path(chosen.path)])

    def action_mark(self) -> None:
        """Mark or unmark a run for comparison."""
        if chosen := self._chosen():
            if chosen.path in self._marked:
                self._marked.remove(chosen.path)
            else:
                self._marked.append(chosen.path)
            self._fill()

    def action_compare(self) -> None:
        """Overlay the marked runs."""
        if len(self._marked) < 2:
            self.notify("First mark two or more runs with space.")
            return
        marked = [Path(path) for path in self._marked]
        try:
            check_comparable(marked)
        except InputError as error:
            self.notify(str(error), severity="warning", markup=False)
        else:
            self.dismiss(marked)

    def action_rename(self) -> None:
        """Ask for a new name."""
        if chosen := self._idle():
            stem = Path(chosen.path).stem
            self.app.push_screen(AskScreen(f"New name for {stem}", stem), self._rename)

    def _rename(self, name: str | None) -> None:
        chosen = self._chosen()
        if chosen is None or not name:
            return
        log = Path(chosen.path)
        if "/" in name or "\0" in name or log.with_name(f"{name}.jsonl").exists():
            self.notify(
                f"{clean(name, 60)} already exists, or is not a valid file name.",
                severity="warning",
            )
            return
        self._do(lambda: rename(log, name))

    def action_delete(self) -> None:
        """Ask, then delete."""
        if chosen := self._idle():
            question = f"Type yes to delete {Path(chosen.path).stem} permanently"
            self.app.push_screen(AskScreen(question, ""), self._delete)

    def _delete(self, answer: str | None) -> None:
        chosen = self._chosen()
        if chosen and answer == "yes":
            log = Path(chosen.path)
            self._do(lambda: delete(log))

    def _do(self, change: Callable[[], object]) -> None:
        try:
            change()
        except OSError as error:
            self.notify(clean(error.strerror or str(error)), severity="error")
        self._fill()

    def _idle(self) -> RunSummary | None:
        chosen = self._chosen()
        if chosen and chosen.state == "running":
            self.notify("This run is still being written.", severity="warning")
            return None
        return chosen


class AskScreen(ModalScreen[str | None]):
    """Returns a line of text, or None."""

    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen > Input { width: 70%; border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
    ]

    def __init__(self, question: str, text: str) -> None:
        super().__init__()
        self._question, self._text = question, text

    def compose(self) -> ComposeResult:
        """The question in the border, the answer within."""
        field = Input(self._text)
        field.border_title = Content(clean(self._question, limit=100))
        field.border_subtitle = "Enter: OK · Esc: cancel"
        yield field

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value)
