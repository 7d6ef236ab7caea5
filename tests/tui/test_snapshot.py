"""What leaves the app: a picture, figures, the share string, one frame as text."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.export.figures import FIGURES
from bntui.protocol import AnyEvent, State
from bntui.tui.app import frame
from bntui.tui.snapshot import copied, has_matplotlib
from tests.scripted import ScriptedSource, beginning, probes, steps
from tests.tui.screen import lab

CONFIG = RunConfig(lr=0.5, depth=2, steps=200)
SHARE = "notebook steps=200 lr=0.5 depth=2"
RUN = [*beginning(CONFIG), *steps(0, 200), *probes(200), State("finished", 200, None)]


class Ended(ScriptedSource):
    """Ends where its events do, as a log does."""

    async def events(self) -> AsyncIterator[AnyEvent]:
        async for event in super().events():
            yield event
            if self.queue.empty():
                return


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "bntui" / "pictures"


async def test_e_saves_what_is_shown_with_its_config_and_says_where(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bntui.tui.app.has_matplotlib", lambda: False)
    monkeypatch.setenv("HOME", str(pictures.parent.parent))
    async with lab(RUN, (80, 24)) as it:
        await it.press("e")
        await it.wait_for("Saved ~/bntui/pictures/notebook-step-200.svg ")
        with monkeypatch.context() as patched:  # the name is taken between a look and the writing
            patched.setattr(Path, "exists", lambda _: False)
            await it.press("2", "z", "e")
        await it.wait_for("Saved ~/bntui/pictures/notebook-step-200-2.svg ")
    first, second = ((pictures / f"notebook-step-200{i}.svg").read_text() for i in ("", "-2"))
    assert SHARE in first.replace("&#160;", " ")
    assert "Train" in first
    assert "Activations" in second
    assert "http" not in first.replace("http://www.w3.org/2000/svg", "").split("<style>")[1]


@pytest.mark.skipif(not has_matplotlib(), reason="needs matplotlib")
async def test_e_also_saves_the_notebooks_figures(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FIGURES:
        monkeypatch.setitem(FIGURES, name, lambda figure, history: None)  # how, others test
    async with lab(RUN) as it:
        await it.press("e")
        await it.wait_for("Four figures in")
    names = sorted(path.name for path in (pictures / "notebook-step-200").iterdir())
    assert names == ["activations.png", "losses.png", "modes.png", "running_means.png"]


async def test_a_picture_that_cannot_be_saved_is_said(pictures: Path) -> None:
    pictures.parent.mkdir(parents=True)
    pictures.write_text("a file")
    async with lab(RUN) as it:
        await it.press("e")
        await it.wait_for("Not saved:")


async def test_c_copies_the_config_and_shows_it() -> None:
    async with lab(RUN) as it:
        await it.press("c")
        await it.wait_for(SHARE)
        assert it.app.clipboard == SHARE


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"TERM": "xterm-kitty"}, "Copied to the clipboard"),
        ({"TERM_PROGRAM": "WezTerm"}, "Copied to the clipboard"),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "/tmp/tmux-0/default,1,0"}, "set-clipboard on"),
        ({"TERM_PROGRAM": "Apple_Terminal"}, "Copy by hand"),
        ({"VTE_VERSION": "7600"}, "Copy by hand"),
        ({"TERM": "xterm-256color"}, "may ignore"),
        ({}, "may ignore"),
    ],
)
def test_what_is_said_of_the_clipboard(environment: dict[str, str], sentence: str) -> None:
    said = copied("notebook lr=1", environment)
    assert sentence in said
    assert said.endswith("\nnotebook lr=1")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_one_frame_as_plain_text(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bntui.tui.app.LOOK_EVERY", 0.001)  # long before the clock's next frame
    text = await frame([("run", Ended(RUN))], size, ansi=False)
    rows = text.splitlines()
    assert len(rows) == size[1] + 1
    assert max(map(len, rows)) <= size[0]
    assert rows[-1] == SHARE
    assert "\x1b" not in text
    for shown in ("finished 200/200", "Loss", "Activations", "Running stats", "0.194"):
        assert shown in text
    for hidden in ("Quit", "look back"):
        assert hidden not in text


async def test_one_frame_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delitem(os.environ, "NO_COLOR", raising=False)
    text = await frame([("run", Ended(RUN))], (80, 24), ansi=True)
    assert "\x1b[38;2;230;159;0" in text  # the orange of the first network
    assert "\x1b[?" not in text
    assert len(text.splitlines()) == 25


async def test_one_frame_of_two_runs() -> None:
    other = [*beginning(RunConfig(lr=0.25)), *steps(0, 200)]
    text = await frame([("one", Ended(RUN)), ("two", Ended(other))], (100, 30), ansi=False)
    assert "one" in text
    assert "lr" in text
    assert text.rstrip().endswith(f"{SHARE} | notebook lr=0.25")


async def test_there_is_no_frame_of_no_run() -> None:
    with pytest.raises(InputError, match="There is no run in empty"):
        await frame([("empty", Ended([State("running", 0, None)]))], (80, 24), ansi=False)
