"""What the screen shows, taken out of the app: as an SVG file, as text, as a string to share."""

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path
from rich.console import Console
from rich.segment import Segment, Segments
from textual.app import App

from bntui.text import clean

if TYPE_CHECKING:
    from bntui.history.history import History

FONT = re.compile(r"@font-face {.*?}\n", re.DOTALL)
"""Rich's SVG loads fonts from the network; without them it shows the reader's own."""

OSC_52 = {"iTerm.app", "WezTerm", "ghostty", "vscode", "rio", "Tabby"}
"""Values of TERM_PROGRAM under which a terminal sets the clipboard on request."""


def directory() -> Path:
    """Where pictures are saved."""
    return user_data_path("bntui") / "pictures"


def save_svg(app: App[Any], name: str, caption: str) -> Path:
    """Write the screen to a new file in `directory`, `caption` above it; returns its path.

    Raises:
        OSError: The file cannot be written.
    """
    directory().mkdir(parents=True, exist_ok=True)
    picture = svg(app, caption)
    for i in count(1):
        path = directory() / (f"{name}.svg" if i == 1 else f"{name}-{i}.svg")
        with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
            file.write(picture)
            break
    return path


def with_tilde(path: Path) -> str:
    """A path as a person reads it: with ~ where it is in the home directory."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def svg(app: App[Any], caption: str) -> str:
    """The screen as SVG, `caption` above it."""
    return FONT.sub("", app.export_screenshot(title=clean(caption, limit=160), simplify=True))


def has_matplotlib() -> bool:
    """Whether figures can be drawn here."""
    return find_spec("matplotlib") is not None


def save_figures(history: "History", beside: Path) -> Path:
    """Draw the notebook's figures as PNG into a folder named like the picture `beside`.

    Raises:
        InputError: The folder cannot be made.
        OSError: A figure cannot be written.
    """
    from bntui.export.figures import write_figures  # noqa: PLC0415 (matplotlib takes a second)

    write_figures(history, beside.with_suffix(""), "png")
    return beside.with_suffix("")


def as_text(app: App[Any], ansi: bool) -> str:
    """The screen as lines of text, with the terminal's colours (`ansi`) or without."""
    strips = app.screen._compositor.render_strips()
    if not ansi:
        return "\n".join(strip.text.rstrip() for strip in strips)
    console = Console(force_terminal=True, width=app.size.width, legacy_windows=False)
    with console.capture() as captured:
        for strip in strips:
            console.print(Segments([*strip, Segment.line()]), soft_wrap=True)
    return captured.get().rstrip("\n")


def copied(text: str, environment: Mapping[str, str]) -> str:
    """What to say after `text` was sent to the terminal's clipboard (OSC 52).

    No terminal confirms it, and few say that they can: the text is shown to be copied by hand.
    """
    shown = clean(text, limit=300)
    if environment.get("TMUX"):
        return f"Sent to the clipboard; tmux passes it on only with set-clipboard on:\n{shown}"
    if environment.get("TERM_PROGRAM") == "Apple_Terminal" or "VTE_VERSION" in environment:
        return f"This terminal does not let programs set the clipboard. Copy by hand:\n{shown}"
    kind = environment.get("TERM", "")
    known = kind.startswith(("xterm-kitty", "foot", "alacritty", "xterm-ghostty", "wezterm"))
    if known or environment.get("TERM_PROGRAM") in OSC_52 or "WT_SESSION" in environment:
        return f"Copied to the clipboard:\n{shown}"
    return f"Sent to the clipboard, which this terminal may ignore:\n{shown}"
