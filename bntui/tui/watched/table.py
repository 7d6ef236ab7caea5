"""Every layer of a watched run as a row: what it is, what it does, what was found."""

from textual.app import ComposeResult

from bntui.text import clean
from bntui.tui.panes.base import Part
from bntui.tui.plotting.text_rows import Row
from bntui.tui.watched.pane import LayerRows, WatchedPane, name_cell
from bntui.tui.watched.selection import COLUMNS
from bntui.tui.watched.view import View

NAME = 16
"""Columns of a layer's name at least; where there is not so much room, columns are left out."""
BESIDE_NAME = 4
"""Columns of its mark and of the blanks around it; what names do not need the findings have."""
DROPPED = ("ch", "kind", "mom.", "updates")
"""In this order."""


class TablePane(WatchedPane):
    """Rows in the order of the view; its owner sorts and filters."""

    TITLE = SHORT = "Layer table"
    HELP = (
        "Every BatchNorm layer: class, channels, momentum (None: a plain average), whose "
        "statistics it normalizes by now (train: the batch's, eval: the running ones; fixed: its "
        "parameters take no gradient; frozen: a class that never updates), updates of its running "
        "statistics since watching began, how far these are off (as in Layers over time) and the "
        "rules of the doctor that found something.\n"
        "Try: s sorts by the next column; / filters by name, class, mode or rule."
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = LayerRows()

    def compose_body(self) -> ComposeResult:
        """Rows."""
        yield self._rows

    def draw(self, view: View, /) -> None:
        """Redraw the table."""
        run = view.run
        others = run.watching.others if run.watching else {}
        kinds = ", ".join(f"{count} {kind}" for kind, count in others.items())
        by = COLUMNS[view.sort].title
        parts: list[Part] = [f"by {by if view.sort else 'order in the model'}"]
        parts += [(f" · left alone: {kinds}", "dim")] if kinds else []
        self.headline(*parts)
        width = self.size.width - 2
        columns = list(COLUMNS[1:])
        for title in DROPPED:
            if width - sum(column.width for column in columns) >= NAME:
                break
            columns = [column for column in columns if column.title != title]
        room = max(width - sum(column.width for column in columns) - 1, 8)
        longest = max((len(view.name(layer)) for layer in run.layers), default=0)
        wide = min(room, max(longest + BESIDE_NAME, NAME))
        widths = [column.width for column in columns[:-1]] + [columns[-1].width + room - wide]

        def header(seen: str) -> Row:
            head: Row = [(f"  {seen:<{wide - 1}}", "dim")]
            for column, taken in zip(columns, widths, strict=True):
                style = "bold" if column is COLUMNS[view.sort] else "dim"
                head.append((f"{column.title:<{taken}}", style))
            return head

        def row(index: int) -> Row:
            layer = run.layers[index]
            cells = name_cell(view, index, wide)
            for column, taken in zip(columns, widths, strict=True):
                text = f"{clean(column.text(view, layer), taken - 1):<{taken}}"
                cells.append((text, view.ink(layer) if column.title == "findings" else "plain"))
            return cells

        self._rows.show_layers(view, max(self.size.height - 1, 2), header, row)
