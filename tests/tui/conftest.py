"""What makes Pilot tests cheap and exact: they wait for the event loop, not for a clock."""

from typing import Any

import pytest
import textual.app
import textual.pilot
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen

from tests.tui.screen import wait_for_idle

RENDER, PARSE = Compositor.render_update, Stylesheet._parse_rules
PARSED: dict[object, list[RuleSet]] = {}
"""The rules of every style sheet by its text and the theme's variables, for all tests."""


def render_update(
    compositor: Compositor,
    full: bool = False,
    screen_stack: list[Screen[Any]] | None = None,
    simplify: bool = False,
) -> RenderableType | None:
    """Without a terminal every update is thrown away: `Lab.text` renders what is looked at."""
    if full:
        return RENDER(compositor, full, screen_stack, simplify)
    visible_screen_stack.set(screen_stack or [])
    compositor._dirty_regions.clear()
    return None


def parse_rules(sheet: Stylesheet, *source: Any, **options: Any) -> list[RuleSet]:
    """Parse a style sheet once, and not for every app."""
    key = (*source, *options.values(), *sheet._variables.values())
    if key not in PARSED:
        PARSED[key] = PARSE(sheet, *source, **options)
    return PARSED[key]


@pytest.fixture(autouse=True)
def _cheap_and_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", wait_for_idle)
    monkeypatch.setattr(Compositor, "render_update", render_update)
    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_rules)
