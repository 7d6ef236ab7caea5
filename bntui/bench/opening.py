"""From a command to a picture: the first frame, and a long log."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bntui.bench.figure import Measurement, Repeats
from bntui.bench.live import BNTUI, FULL_SPEED, LARGE, UP, worst
from bntui.bench.script import write_log
from bntui.bench.terminal import Terminal

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("bare")

Bare().run()
"""
PYTHON = (sys.executable, "-c")
LOG_STEPS = 200_000
MOVES = 20


def over_bare(repeats: Repeats) -> Measurement:
    """The lab's first frame over that of an app that shows one word."""
    return Measurement(
        [
            _seconds_to("warming up", *BNTUI, "--no-log") / _seconds_to("bare", *PYTHON, BARE)
            for _ in range(repeats.rounds)
        ]
    )


def first_step(repeats: Repeats) -> Measurement:
    """From the command to the first trained steps on the screen, over `import torch` alone."""
    return Measurement(
        [
            _seconds_to(UP, *FULL_SPEED, "--no-log") / _seconds_of(*PYTHON, "import torch")
            for _ in range(repeats.fewest)
        ]
    )


def help_text(repeats: Repeats) -> Measurement:
    """What `bntui --help` takes beyond an interpreter that does nothing, in s."""
    return Measurement(
        [
            _seconds_of(*BNTUI, "--help") - _seconds_of(*PYTHON, "pass")
            for _ in range(repeats.rounds)
        ]
    )


def _seconds_of(*command: str) -> float:
    begun = monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return monotonic() - begun


def _seconds_to(text: str, *command: str) -> float:
    begun = monotonic()
    with Terminal(*command, size=LARGE) as terminal:
        terminal.wait_for(text)
        return monotonic() - begun


def log(repeats: Repeats) -> Measurement:
    """From `bntui open` on a 200,000-step log to the whole run on the screen, in s."""
    with TemporaryDirectory() as place:
        path = write_log(Path(place), LOG_STEPS)
        whole = "finished"
        opening = (*BNTUI, "open", str(path))
        return Measurement([_seconds_to(whole, *opening) for _ in range(repeats.few)])


def scrub(repeats: Repeats) -> Measurement:
    """One move back through that log, key press to screen, 99th percentile, in ms."""
    with TemporaryDirectory() as place:
        path = write_log(Path(place), LOG_STEPS)
        with Terminal(*BNTUI, "open", str(path), size=LARGE) as terminal:
            terminal.wait_for("finished")
            terminal.read_for(0.5)
            back = count(1)
            return Measurement([_moves(terminal, back) for _ in range(repeats.few)])


def _moves(terminal: Terminal, back: Iterator[int]) -> float:
    moves = []
    for steps in islice(back, MOVES):
        begun = monotonic()
        terminal.send(",")
        terminal.wait_for(f"◀ step {LOG_STEPS - steps:,}")
        moves.append(1000 * (monotonic() - begun))
    return worst(moves)
