"""Keys as data. A screen's keys are declared here, a pane's on the pane (`Pane.COMMANDS`).

Bindings, key bar, help screen and command palette all read the same declarations.
"""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace
from textual.binding import Binding


class KeyCommand(Struct, frozen=True):
    """A key (or several, comma-separated), the action that it runs, and its texts.

    `shown` puts it into the key bar; `key_display` replaces the key's name on the screen.
    """

    keys: str
    action: str
    title: str
    help: str
    group: str
    shown: bool = False
    key_display: str | None = None

    @property
    def binding(self) -> Binding:
        """The Textual binding of this command."""
        return Binding(
            self.keys, self.action, self.title, self.shown, self.key_display, id=self.name
        )

    @property
    def name(self) -> str:
        """Its name in a user's keys file: the title in lower case, with dashes."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def needs_engine(self) -> bool:
        """Whether it sends a command, which a recording cannot take."""
        return self.group == RUN

    @property
    def key_text(self) -> str:
        """The key as the key bar and the help screen print it."""
        return self.key_display or self.keys.replace(",", " ")


RUN, TIME, PANES, VIEW, APP = "The run", "Time", "Panes", "What a pane shows", "The app"
GROUPS = (RUN, TIME, PANES, VIEW, APP)
"""In the order in which the help screen and the key bar list them."""

Keymap = Mapping[str, str]
"""Keys that a user has chosen, by a command's name."""


def rebound(commands: Iterable[KeyCommand], keymap: Keymap) -> dict[str, KeyCommand]:
    """The commands by their declared keys, with the user's keys where there are any."""
    return {
        command.keys: replace(command, keys=keymap[command.name], key_display=None)
        if command.name in keymap
        else command
        for command in commands
    }


UNDO = KeyCommand("u", "undo", "Undo", "Undo the last change, fork or recalibration", RUN)
NEXT_NETWORK = KeyCommand(
    "a", "next_network", "Next network", "Next network, in panes that show one at a time", VIEW
)
NEXT_LAYER = KeyCommand("y", "layer(1)", "Next layer", "Next hidden layer", VIEW)
PREVIOUS_LAYER = KeyCommand("Y", "layer(-1)", "Previous layer", "Previous hidden layer", VIEW)
NEXT_PAGE = KeyCommand(
    "pagedown", "turn(1)", "Next page", "Next page of layers, weights or units", VIEW
)
PREVIOUS_PAGE = KeyCommand("pageup", "turn(-1)", "Previous page", "Previous page", VIEW)
LAYER_KEYS = (NEXT_LAYER, PREVIOUS_LAYER)
CURSOR_KEYS = (
    KeyCommand(
        "less_than_sign", "cursor(-1)", "Cursor left",
        "Read all plots at a step (or click one); one column to the left", VIEW, False, "<",
    ),
    KeyCommand("greater_than_sign", "cursor(1)", "Cursor right",
               "The same, to the right; Esc hides the cursor", VIEW, False, ">"),
)  # fmt: skip
PAGE_KEYS = (NEXT_PAGE, PREVIOUS_PAGE)

SAVE = KeyCommand(
    "e", "app.save", "Save", "Save this picture (SVG), and the notebook's figures (PNG)", APP
)
COPY = KeyCommand("c", "app.copy", "Copy config", "Copy the share string: the config", APP)
THEME = KeyCommand("t", "app.toggle_theme", "Light / dark", "Light or dark colours", APP)
HELP = KeyCommand("question_mark", "help", "Help", "About this pane, and all keys", APP, True, "?")
SUSPEND = KeyCommand("ctrl+z", "app.suspend_process", "Suspend", "Suspend; fg resumes", APP)

FIRST_STEP = KeyCommand("home", "first_step", "First step", "Go to the first step", TIME)
LIVE = KeyCommand("end", "live", "Live", "Follow the newest step", TIME)
TIME_KEYS = (
    KeyCommand("left", "scrub(-1)", "Back", "Back to the measurement before", TIME, False, "←"),
    KeyCommand("right", "scrub(1)", "Forward", "On to the next measurement", TIME, False, "→"),
    KeyCommand("shift+left", "scrub(-10)", "Far back", "Back by ten measurements", TIME),
    KeyCommand("shift+right", "scrub(10)", "Far forward", "On by ten measurements", TIME),
    KeyCommand("comma", "scrub_steps(-1)", "Step back", "Back by one step", TIME, False, ","),
    KeyCommand("full_stop", "scrub_steps(1)", "Step forward", "On by one step", TIME, False, "."),
    FIRST_STEP,
    LIVE,
)
RUNS = KeyCommand("o", "app.runs", "Runs", "Logged runs: open, compare, rename, delete", APP)
QUIT = KeyCommand("q,ctrl+c,ctrl+q", "app.close", "Quit", "Quit", APP, True, "q")

PAUSE = KeyCommand(
    "space",
    "pause",
    "Pause",
    "Pause or resume; train a finished run on for 5,000 steps",
    RUN,
    shown=True,
)

LAB_COMMANDS = (
    PAUSE,
    KeyCommand("s", "step", "Step", "Make one training step, then pause", RUN, shown=True),
    KeyCommand("r", "restart", "Restart", "Restart from step 0 with the same seed", RUN, True),
    KeyCommand("minus", "slower", "Slower", "Half the pace, or 500 steps/s", RUN, True, "-"),
    KeyCommand(
        "plus,equals_sign", "faster", "Faster", "Double the pace, or 500 steps/s", RUN, True, "+"
    ),
    KeyCommand("x", "full_speed", "Max", "Full speed, or back to the log pace", RUN, shown=True),
    KeyCommand(
        "k", "controls", "Settings",
        "Learning rate, momentum, ... of the networks that train",
        RUN, True,
    ),
    KeyCommand(
        "K", "new_network", "New network",
        "Depth, width, activation, init, data, ...: a new network", RUN,
    ),
    KeyCommand("f", "fork", "Fork", "Train a copy of a network with one change", RUN, True),
    UNDO,
    *TIME_KEYS,
    KeyCommand("p", "replay", "Replay", "Replay at 1x, 2x, 10x, max; then stop", TIME),
    KeyCommand("1", "focus_pane('loss')", "Loss", "The loss pane", PANES),
    KeyCommand("2", "focus_pane('activations')", "Activations", "The activations pane", PANES),
    KeyCommand(
        "3", "focus_pane('statistics')", "Running statistics", "The running statistics pane", PANES
    ),
    KeyCommand("4", "focus_pane('modes')", "Train / eval", "The train / eval pane", PANES),
    KeyCommand(
        "5", "focus_pane('layers')", "Pages", "Layers: outputs and gradients (pages: 5 to 0)",
        PANES, True,
    ),
    KeyCommand("6", "focus_pane('updates')", "Updates", "Update size relative to weights", PANES),
    KeyCommand("7", "focus_pane('units')", "Units", "Saturated units by example", PANES),
    KeyCommand(
        "8", "focus_pane('inference')", "Inference", "The same loss under different statistics",
        PANES,
    ),
    KeyCommand("9", "focus_pane('checks')", "Checks", "Identities, checked numerically", PANES),
    KeyCommand("0", "focus_pane('doctor')", "Doctor", "What the doctor's rules find", PANES),
    KeyCommand(
        "escape", "lab", "Lab", "Hide the cursor, or from a page back to the four panes", PANES
    ),
    KeyCommand("tab", "next_pane(1)", "Next pane", "Focus the next pane or page", PANES),
    KeyCommand("shift+tab", "next_pane(-1)", "Previous pane", "Focus the previous one", PANES),
    KeyCommand("z", "zoom", "Zoom", "One pane alone, or all four", PANES, shown=True),
    NEXT_NETWORK,
    *LAYER_KEYS,
    *PAGE_KEYS,
    *CURSOR_KEYS,
    RUNS,
    SAVE,
    COPY,
    THEME,
    HELP,
    SUSPEND,
    QUIT,
)  # fmt: skip
"""The lab's own keys."""

CLOSE = KeyCommand("q,ctrl+c", QUIT.action, "Close", "Close the comparison", APP, True, "q")

COMPARE_COMMANDS = (
    KeyCommand("a", "next_network", "Networks", "All networks of every run, or one of each",
               VIEW, True),
    *CURSOR_KEYS,
    KeyCommand("tab", "app.focus_next", "Next pane", "Focus the other pane", PANES, True),
    replace(SAVE, shown=True),
    COPY,
    THEME,
    RUNS,
    HELP,
    SUSPEND,
    KeyCommand("escape", "leave", "Leave", "Hide the cursor, or close the comparison", APP),
    CLOSE,
    KeyCommand("ctrl+q", "app.quit", "Quit bntui", "Quit", APP),
)  # fmt: skip
"""The compare screen's own keys."""


def with_panes(
    own: Iterable[KeyCommand], panes: Iterable[Iterable[KeyCommand]]
) -> tuple[KeyCommand, ...]:
    """A screen's own commands and those of its panes, by group.

    A pane's action is run by the screen's `pane_command`, so that its key works wherever the focus
    is. A key that several panes declare is listed once.
    """
    by_keys = {command.keys: command for command in own}
    for command in (command for declared in panes for command in declared):
        dispatched = replace(command, action=f"pane_command({command.action!r})")
        by_keys.setdefault(command.keys, dispatched)
    return tuple(sorted(by_keys.values(), key=lambda command: GROUPS.index(command.group)))


def for_bar(
    commands: Mapping[str, KeyCommand], own: Iterable[KeyCommand], is_scrubbing: bool = False
) -> tuple[list[KeyCommand], int]:
    """What a key bar shows, and how many of these, its last, at every width.

    A pane's `own` keys come first, then those that are `shown`, then runs, help and quit; while an
    earlier step is viewed also the ways to the first and the newest one. `commands` are by their
    declared keys.
    """
    always = {RUNS.name, HELP.name, QUIT.name, CLOSE.name}
    always |= {FIRST_STEP.name, LIVE.name} if is_scrubbing else set()
    declared = {command.keys for command in own}
    first = [command for keys, command in commands.items() if keys in declared]
    others = [command for command in commands.values() if command.shown]
    every = {c.name: c for c in (*first, *others) if c.name not in always}
    last = [command for command in commands.values() if command.name in always]
    return [*every.values(), *last], len(last)
