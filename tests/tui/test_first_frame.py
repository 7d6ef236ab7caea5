"""What is rendered for the terminal first."""

from typing import Any

import pytest
from textual._compositor import Compositor
from textual.css.stylesheet import Stylesheet

from bntui.tui.app import BntuiApp
from tests.scripted import ScriptedSource, beginning
from tests.tui.screen import rest


async def test_the_first_frame_is_the_whole_screen_and_nothing_is_rendered_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = BntuiApp(ScriptedSource(beginning()))
    renders: list[tuple[bool, bool]] = []
    render_update = Compositor.render_update

    def noted(compositor: Compositor, *args: Any, **options: Any) -> Any:
        whole = compositor.size.region in compositor._dirty_regions
        renders.append((whole, bool(app._batch_count)))
        return render_update(compositor, *args, **options)

    monkeypatch.setattr(Compositor, "render_update", noted)
    async with app.run_test(size=(120, 40)):
        await rest(app)
        assert renders[0] == (True, False)


async def test_styles_are_parsed_anew_once_before_it_for_the_theme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parses: list[str] = []
    reparse = Stylesheet.reparse

    def noted(sheet: Stylesheet) -> None:
        parses.append(app.theme)
        reparse(sheet)

    monkeypatch.setattr(Stylesheet, "reparse", noted)
    app = BntuiApp(ScriptedSource(beginning()))
    async with app.run_test(size=(120, 40)):
        await rest(app)
        assert parses == ["bntui-dark"]
