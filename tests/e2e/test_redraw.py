"""Whatever was sent in parts, the terminal shows what a fresh drawing of everything shows."""

from pathlib import Path

import pyte
import pytest

from bntui.protocol.codec import encode
from tests.e2e.terminal import Terminal
from tests.scripted import beginning, probes, steps

Cell = tuple[str, str, str, bool, bool]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    events = beginning()
    for first in range(0, 4000, 100):
        events += [*steps(first, 100), *probes(first + 100)]
    path.write_bytes(b"".join(map(encode, events)))
    return path


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_many_partial_updates_are_a_full_redraw(size: tuple[int, int], log: Path) -> None:
    with Terminal("open", "--no-follow", "--fps", "30", str(log), size=size) as terminal:
        terminal.wait_for("4,000")
        for keys in ("p" * 4, "l", "2y", "3dv", "4mn", "1", "z", "z", "w", "\x1b[D" * 5):
            terminal.press(keys)
            terminal.read()
        for columns, rows in ((90, 28), (130, 45), size):
            terminal.resize(columns, rows)
            terminal.read()
        settle(terminal)
        words, in_parts = terminal.text, cells(terminal)
        terminal.resize(size[0] - 1, size[1])
        settle(terminal)
        terminal.screen.reset()
        terminal.resize(*size)
        settle(terminal)
        assert terminal.text == words
        differing = [
            (y, x, was, cell)
            for y, (before, row) in enumerate(zip(in_parts, cells(terminal), strict=True))
            for x, (was, cell) in enumerate(zip(before, row, strict=True))
            if was != cell
        ]
        assert differing == []


def settle(terminal: Terminal) -> None:
    """Read until the last row is drawn at this size, and then until nothing more comes."""
    terminal.read_until(lambda: terminal.screen.display[-1].rstrip().endswith("q Quit"))
    taken = -1
    while taken != len(terminal.sent):
        taken = len(terminal.sent)
        terminal.read(0.5)


def cells(terminal: Terminal) -> list[list[Cell]]:
    """What a person sees: characters and their colours; a blank has only a ground."""
    screen = terminal.screen
    rows = range(screen.lines)
    return [[_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in rows]


def _seen(cell: pyte.screens.Char) -> Cell:
    if cell.data == " " and not cell.reverse:
        return " ", "", cell.bg, False, False
    return cell.data, cell.fg, cell.bg, cell.bold, cell.reverse
