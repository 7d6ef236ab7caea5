"""Every key, declared once: the footer, the help screen and the command palette read this table."""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Command:
    """A key (or several), the screen's action it runs, and how it is told to a person."""

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
            self.keys, self.action, self.title, show=self.shown, key_display=self.key_display
        )

    @property
    def key_text(self) -> str:
        """The key as the help screen prints it."""
        return self.key_display or self.keys.replace(",", " ")


RUN, TIME, PANES, VIEW, APP = "The run", "Time", "Panes", "What a pane shows", "The app"

COMMANDS = (
    Command("space", "pause", "Pause", "Pause, or go on", RUN, shown=True),
    Command("s", "step", "Step", "Make one training step and pause", RUN, shown=True),
    Command("r", "restart", "Restart", "Begin again from step 0, same seed", RUN, shown=True),
    Command("minus", "slower", "Slower", "Half the pace", RUN, True, "-"),
    Command("plus,equals_sign", "faster", "Faster", "Twice the pace", RUN, True, "+"),
    Command("x", "full_speed", "Max", "As fast as it goes, or back", RUN, shown=True),
    Command("k", "controls", "Knobs", "Turn knobs, or choose a new network", RUN, shown=True),
    Command("f", "fork", "Fork", "Train a copy of an arm beside it, one knob turned", RUN, True),
    Command("u", "undo", "Undo", "Take back the last change, fork or recalibration", RUN),
    Command("R", "recalibrate", "Recalibrate", "Running statistics become precise ones", RUN),
    Command("left", "scrub(-1)", "Earlier", "Look back by 1 % of the run", TIME, False, "←"),
    Command("right", "scrub(1)", "Later", "Look forth by 1 %", TIME, False, "→"),
    Command("shift+left", "scrub(-10)", "Much earlier", "Look back by 10 %", TIME),
    Command("shift+right", "scrub(10)", "Much later", "Look forth by 10 %", TIME),
    Command("home", "first_step", "First step", "The run as it began", TIME),
    Command("end", "live", "Live", "Go with the newest step", TIME),
    Command("p", "replay", "Replay", "Replay at 1x, 2x, 10x, max; then stop", TIME),
    Command("1", "pane('loss')", "Loss", "The loss pane", PANES),
    Command("2", "pane('activations')", "Activations", "The activations pane", PANES),
    Command("3", "pane('statistics')", "Running statistics", "The running statistics pane", PANES),
    Command("4", "pane('modes')", "Train / eval", "The train / eval pane", PANES),
    Command(
        "5", "pane('layers')", "Pages", "Layers: the health of each (5 to 9: pages)", PANES, True
    ),
    Command("6", "pane('updates')", "Updates", "How fast the weights move", PANES),
    Command("7", "pane('units')", "Units", "Which units are flat for which examples", PANES),
    Command("8", "pane('inference')", "Inference", "One loss by whose statistics", PANES),
    Command("9", "pane('checks')", "Checks", "What must agree, and does it", PANES),
    Command("escape,0", "lab", "Lab", "From a page back to the four panes", PANES),
    Command("tab", "next_pane(1)", "Focus", "Focus the next pane, or turn to the next page", PANES),
    Command("shift+tab", "next_pane(-1)", "Focus back", "Focus the pane before", PANES),
    Command("z", "zoom", "Zoom", "One pane alone, or all four", PANES, shown=True),
    Command("a", "arm", "Next arm", "The next network, in panes that show one", VIEW),
    Command("l", "log_scale", "Log / linear", "Loss on a log or a linear axis", VIEW),
    Command("w", "window", "Last 500", "Loss of the last 500 steps, or of all", VIEW),
    Command("d", "unit", "Next unit", "All five units, or one after the other", VIEW),
    Command("D", "units(5)", "Units ahead", "Watch the next five units", VIEW),
    Command("U", "units(-5)", "Units back", "Watch the five units before", VIEW),
    Command("v", "moment", "Mean / variance", "Running means or running variances", VIEW),
    Command("y", "layer", "Next layer", "Next hidden layer of a deep network", VIEW),
    Command("Y", "layer(-1)", "Layer before", "The hidden layer before", VIEW),
    Command("pagedown", "turn(1)", "Further", "Layers, weights or units that have no room", VIEW),
    Command("pageup", "turn(-1)", "Back", "Those before", VIEW),
    Command("g", "ratio", "Update / gradient", "Updates: ratio of update or gradient", VIEW),
    Command("m", "mode", "Mode", "Training or evaluation mode", VIEW, shown=True),
    Command("n", "batch_size", "Next n", "Next batch size of train / eval", VIEW),
    Command("o", "app.runs", "Runs", "The logged runs: open, compare, rename, delete", APP),
    Command("t", "app.toggle_theme", "Light / dark", "Light or dark colours", APP),
    Command("question_mark", "help", "Help", "Keys, and the pane explained", APP, True, "?"),
    Command("q,ctrl+c,ctrl+q", "quit", "Quit", "End the engine and leave", APP, True, "q"),
)
"""In the order in which help prints them and the key bar shows them."""
