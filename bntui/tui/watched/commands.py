"""The keys of a watched run's screen; those of its panes are declared on the panes."""

from bntui.tui.commands import (
    APP,
    CURSOR_KEYS,
    HELP,
    NEXT_PAGE,
    PANES,
    PREVIOUS_PAGE,
    QUIT,
    RUNS,
    SUSPEND,
    THEME,
    TIME_KEYS,
    VIEW,
    KeyCommand,
    with_panes,
)
from bntui.tui.watched.distances import DistancesPane
from bntui.tui.watched.doctor import FOLLOW, DoctorPane
from bntui.tui.watched.histograms import HistogramsPane
from bntui.tui.watched.output import OutputPane
from bntui.tui.watched.pane import WatchedPane
from bntui.tui.watched.probe import ProbePane
from bntui.tui.watched.scalars import ScalarsPane
from bntui.tui.watched.statistics import ChannelsPane
from bntui.tui.watched.table import TablePane

FOUR: tuple[type[WatchedPane], ...] = (ScalarsPane, DistancesPane, ChannelsPane, ProbePane)
BEYOND: tuple[type[WatchedPane], ...] = (TablePane, DoctorPane, HistogramsPane, OutputPane)

_OWN = (
    KeyCommand(
        "down,y", "move(1)", "Layer", "Next layer, in every pane; ↑: previous", VIEW, True, "↑↓"
    ),
    KeyCommand("up,Y", "move(-1)", "Previous", "Previous layer", VIEW, False, "↑"),
    FOLLOW,
    KeyCommand(
        "slash", "filter", "Filter", "Filter layers by name, class, mode, rule", VIEW, True, "/"
    ),
    KeyCommand("s", "sort(1)", "Sort", "Sort the layers by the next column", VIEW, True),
    KeyCommand("S", "sort(-1)", "Sort back", "Sort by the previous column", VIEW),
    KeyCommand("w", "linear", "Steps", "Steps evenly spaced, or each tenfold as wide", VIEW, True),
    *CURSOR_KEYS,
    NEXT_PAGE,
    PREVIOUS_PAGE,
    *TIME_KEYS,
    *(
        KeyCommand(str(place), f"focus_pane({place})", pane.TITLE, f"{pane.TITLE}: the pane", PANES)
        for place, pane in enumerate(FOUR, start=1)
    ),
    KeyCommand("5", "focus_pane(5)", "Table", "A table of all layers", PANES, True),
    KeyCommand("6", "focus_pane(6)", "Doctor", "What the doctor's rules found", PANES, True),
    KeyCommand("7", "focus_pane(7)", "Histograms", "The layer's input and output", PANES),
    KeyCommand("8", "focus_pane(8)", "Output", "What the script printed", PANES),
    KeyCommand(
        "escape,0", "home_pane", "Panes", "Hide the cursor, or back to the four panes", PANES
    ),
    KeyCommand("tab", "next_pane(1)", "Next pane", "Focus the next pane or page", PANES),
    KeyCommand("shift+tab", "next_pane(-1)", "Previous pane", "Focus the previous one", PANES),
    KeyCommand("z", "zoom", "Zoom", "One pane alone, or all four", PANES, True),
    RUNS,
    KeyCommand("e", "app.save", "Save", "Save this picture (SVG)", APP),
    KeyCommand("c", "app.copy", "Copy", "Copy the doctor's findings as text", APP),
    THEME,
    HELP,
    SUSPEND,
    QUIT,
)

COMMANDS = with_panes(_OWN, (pane.COMMANDS for pane in (*FOUR, *BEYOND)))
"""Every key of the screen: its own and its panes'."""
