"""The lab on scripted events: layouts, keys, and what a person reads."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.protocol import (
    AnyEvent,
    Changed,
    Dataset,
    Diverged,
    Failed,
    Pause,
    Reading,
    Resume,
    SetPace,
    Skipped,
    Start,
    State,
    Step,
    Steps,
    TraceUnits,
)
from bntui.tui.app import BntuiApp, every_screens_commands
from bntui.tui.commands import KeyCommand, for_bar, rebound
from bntui.tui.keymap import read_keymap
from bntui.tui.panes.loss import LossPane
from bntui.tui.panes.modes import ModesPane
from bntui.tui.screens.lab import COMMANDS
from bntui.tui.widgets.key_bar import fitting
from tests.scripted import ScriptedSource, beginning, hello, probes, steps
from tests.tui.screen import Lab, lab

TITLES = ("Loss", "Activations", "Running stats", "Train / eval")


def some() -> list[AnyEvent]:
    return [*beginning(), *steps(0, 100), *probes(100)]


async def test_the_first_frame_says_that_the_engine_warms_up() -> None:
    async with lab([]) as it:
        assert "the engine is warming up" in it.text
        assert "no step yet" in it.text


async def test_four_panes_where_there_is_room() -> None:
    async with lab(some(), (80, 24)) as it:
        for size in ((80, 24), (100, 30), (120, 40), (200, 60)):
            text = await it.resize(*size)
            assert all(title in text for title in TITLES)
            assert "no data yet" not in text
            assert "gap 0┤" in text
            assert "gap -1.7%" in text
            assert {"11.59", "11.589"} & set(text.split())  # at n = 1
            assert "5.000" in text  # at n = 2


async def test_one_pane_with_tabs_where_there_is_less() -> None:
    async with lab(some(), (79, 24)) as it:
        for size in ((79, 24), (120, 23), (40, 12)):
            text = await it.resize(*size)
            assert "1 Loss" in text
            assert "last-100 mean" in text or size[0] < 80
            assert "density ·" not in text
            assert "density ·" in await it.after("2")
            assert "batch, unit" in await it.after("3")
            assert "TRAIN" in await it.after("4")
            await it.press("1")


@pytest.mark.parametrize("begun", [(39, 24), (120, 40)])
async def test_less_than_that_is_said(begun: tuple[int, int]) -> None:
    async with lab(some(), begun) as it:
        for size in ((39, 24), (80, 11), (1, 1), (10, 5)):
            text = await it.resize(*size)
            assert "running" not in text
            assert "1 Loss" not in text
            assert "BN's loss" not in text
            if size[0] > 30:
                assert "needs at least 40 x 12" in text
                assert f"{size[0]} x {size[1]}" in text


async def test_the_key_bar_shows_what_can_be_done_here() -> None:
    async with lab(some(), (120, 40)) as it:
        for command in (*COMMANDS, *LossPane.COMMANDS):
            if command.shown and command.title != "Mode":
                assert f"{command.key_text} {command.title}" in it.text
    for size in ((80, 24), (40, 12)):
        async with lab(some(), size) as it:
            always = ("o Runs", "? Help", "q Quit")
            assert all(key in it.text for key in always)
            text = await it.after("4")
            assert all(
                key in text for key in (*always, "space Pause", *("m Mode",) * (size[0] > 40))
            )
            text = await it.after("left", "home")
            assert all(key in text for key in (*always, "home First step", "end Live"))
            await it.play(State("paused", 100, None))
            assert "space Resume" in it.text or size[0] < 80
    assert {"Train on", "Resume", "Pause"}.isdisjoint(command.title for command in COMMANDS[1:])


async def test_a_recording_offers_no_key_that_it_cannot_obey_and_names_its_log() -> None:
    async with lab([*some(), State("finished", 100, 500.0)], (120, 40), commands=False) as it:
        assert "finished 100/5,000 · recorded · " in it.text
        assert it.text.splitlines()[-1].startswith(" l Log / linear")  # no empty row below it
        text = await it.after("3")
        assert "v Mean / variance" in text
        for key in ("Pause", "Step", "Restart", "Settings", "Fork", "Undo", "Next units"):
            assert key not in text
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert not {"Pause", "Settings", "Fork", "Undo", "Recalibrate", "Next units"} & {*titles}
        assert "Divide" not in (text := await it.after("question_mark"))
        assert "Watch the next five units" not in text
        assert "Try in a run that trains: " in text


def test_names_of_commands_are_unique_on_every_screen_for_the_file_of_keys() -> None:
    for commands in every_screens_commands():
        names = [command.name for command in commands]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("commands", every_screens_commands())
def test_runs_help_and_quit_are_in_the_key_bar_of_every_screen(
    commands: Sequence[KeyCommand],
) -> None:
    shown, always = for_bar(rebound(commands, {}), commands[:30])
    bar = [command.key_text for row in fitting(shown, always, 40, most=1) for command in row]
    assert bar[-3:] in (["o", "?", "q"], ["?", "o", "q"]) or bar[-2:] == ["?", "esc"]  # the runs
    assert len(bar) > 3
    names = {command.name for command in commands}
    scrubbing, always = for_bar(rebound(commands, {}), (), is_scrubbing=True)
    last = [command.name for command in scrubbing[-always:]]
    assert {"first-step", "live"} & names == {"first-step", "live"} & {*last}


def test_a_key_is_the_users_own_on_each_screen_and_free_on_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "bntui").mkdir()
    (tmp_path / "bntui" / "keys.toml").write_text("filter = 'k'")  # the lab's settings
    assert read_keymap(every_screens_commands) == {"filter": "k"}
    documented = Path("bntui/tui/README.md").read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "bntui" / "keys.toml").write_text(documented)
    assert read_keymap(every_screens_commands) == {"pause": "f5", "first-step": "b,home"}


async def test_keys_of_the_users_own() -> None:
    source = ScriptedSource(some())
    app = BntuiApp(source, keymap={"pause": "f5"})
    async with app.run_test(size=(120, 40)) as pilot:
        it = Lab(pilot, source, app)
        await it.settle()
        assert "f5 Pause" in it.text
        await it.press("space")
        assert source.sent == []
        await it.press("f5")
        assert source.sent == [Pause()]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pause = ", "cannot be read"),
        ("paws = 'f5'", "has paws, but it takes names of commands: pause, step,"),
        ("pause = 5", "has pause = 5, but it takes keys in quotes"),
        ("pause = 'k'", "has k for pause and settings, but it takes each key once"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_is_refused(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_keymap(lambda: [COMMANDS]) == {}
    (tmp_path / "bntui").mkdir()
    (tmp_path / "bntui" / "keys.toml").write_text("settings = 'f2'\npause = 'k'")
    assert read_keymap(lambda: [COMMANDS]) == {"settings": "f2", "pause": "k"}
    (tmp_path / "bntui" / "keys.toml").write_text(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_keymap(lambda: [COMMANDS])


async def test_the_status_line_fits_80_columns() -> None:
    async with lab([*some(), *steps(100, 2000)], (80, 24)) as it:
        status = it.text.splitlines()[0]
        assert "running 2,100/5,000" in status
        assert "500 steps/s · last batch ■ no BN 0." in status
        assert re.search(r"Loss  ■ 0\.\d{3}  ○ 0\.\d{3}  last-500 mean", it.text)
        assert "no BN" in status
        assert "…" not in status


async def test_keys_ask_the_engine_and_nothing_is_claimed_before_it_answers() -> None:
    async with lab(some()) as it:
        text = await it.after("space")
        assert it.source.sent == [Pause()]
        assert "running" in text
        await it.play(State("paused", 100, 500.0))
        assert "paused" in it.text
        await it.press("space", "s", "plus", "minus", "x", "r")
        assert it.source.sent[1:] == [
            Resume(),
            Step(),
            SetPace(1000),
            SetPace(250),
            SetPace(None),
            Start(RunConfig()),
        ]


async def test_from_full_speed_x_returns_to_the_log_pace_and_a_fixed_one_is_a_key_away() -> None:
    async with lab([*some(), State("running", 100, None)]) as it:
        assert "pace max" in it.text
        await it.press("x", "minus", "plus")
        assert it.source.sent == [SetPace("log"), SetPace(500), SetPace(500)]
        await it.play(State("running", 100, "log"))
        assert "pace log" in it.text
        await it.press("x", "minus", "plus")
        assert it.source.sent[3:] == [SetPace(None), SetPace(500), SetPace(500)]


async def test_a_finished_run_is_explored_and_trained_on() -> None:
    async with lab([*some(), State("finished", 5000, None)]) as it:
        assert "EVAL" in await it.after("m")
        assert "linear" in await it.after("l")
        await it.press("space")
        assert it.source.sent == [Resume()]
        await it.play(State("running", 5000, None, total=10_000))
        assert "running 5,000/10,000" in it.text


async def test_zoom_shows_one_pane_and_goes_back() -> None:
    async with lab(some(), (120, 40)) as it:
        zoomed = await it.after("2", "z")
        assert "density ·" in zoomed
        assert "last-100 mean" not in zoomed
        assert "last-100 mean" in await it.after("z")


async def test_tab_goes_round_the_panes() -> None:
    async with lab(some(), (79, 24)) as it:
        for expected in ("density ·", "lag", "TRAIN", "last-100 mean"):
            assert expected in await it.after("tab")
        assert "TRAIN" in await it.after("shift+tab")


async def test_loss_keys_switch_axis_and_window() -> None:
    falling: list[float | None] = [float(2100 - i) for i in range(2000)]
    losses = Steps(0, 1.0, {"no BN": falling, "BN": falling})
    async with lab([*beginning(), losses], (120, 40)) as it:
        assert "last-500 mean · log" in it.text
        assert it.text.count("350.5") == 4  # (101 + 600) / 2: in the headline and at each line
        assert "linear" in await it.after("l")
        whole = await it.after("l")
        close = await it.after("w")
        assert len({whole, close, await it.after("w")}) == 3
        assert await it.after("w") == whole


async def test_modes_show_both_losses_their_gap_and_why_one_row_is_degenerate() -> None:
    async with lab(some(), (120, 40)) as it:
        assert "TRAIN 0.1905 · n=90 · gap -0.0033" in it.text
        assert "EVAL 0.1938 · n=90" in await it.after("m")
        text = await it.after("m", "n")
        assert "TRAIN 11.59 · n=1 · gap +11.2331" in text
        assert "a row minus its own mean is 0" in text
        assert "n=2" in await it.after("n")


async def test_the_notebooks_side_effect_is_told_beside_the_notebooks_numbers() -> None:
    async with lab([*beginning(), *probes(5000), State("finished", 5000, None)], (120, 40)) as it:
        assert "Notebook's eval: 0.1907" in it.text
        await it.play(Changed(5000, "lr", 0.2, 0.1, "no BN"))
        assert "Notebook's eval: 0.1907" in it.text
        await it.play(Changed(5000, "lr", 0.2, 0.1))
        assert "Notebook's eval" not in it.text


async def test_statistics_keys() -> None:
    async with lab(some(), (120, 40)) as it:
        assert "|lag|" in it.text
        assert "unit 0" in await it.after("d")
        assert "variance" in await it.after("v")
        await it.press("D", "U")
        assert it.source.sent == [
            TraceUnits(0, [5, 6, 7, 8, 9]),
            TraceUnits(0, [195, 196, 197, 198, 199]),
        ]


async def test_layers_of_a_deep_network() -> None:
    config = RunConfig(depth=3)
    deep = [hello(config), *some()[1:]]
    async with lab(deep) as it:
        assert "layer 1 of 3" in it.text
        text = await it.after("y")
        assert "layer 2 of 3" in text
        assert "no activations yet" in text
        assert it.source.sent == [TraceUnits(1, [0, 1, 2, 3, 4])]


async def test_divergence_is_named_where_it_happened_and_the_other_arm_goes_on() -> None:
    gone = Steps(100, 1.0, {"no BN": [1e30, None], "BN": [0.3, 0.2]})
    async with lab([*some(), gone, Diverged("no BN", 100, 1e30)], (120, 40)) as it:
        assert "■ 9.9e+27" in it.text
        assert any("■ 9.9e+27" in row and "▲" in row[:60] for row in it.text.splitlines())
        assert "diverged at step 100" in it.text
        assert "no BN diverged at 100" in it.text.splitlines()[0]
        assert "BN 0.2" in it.text.splitlines()[0]
        await it.play(Diverged("BN", 101, 1e30))
        await it.resize(80, 24)
        assert "■ div. at 100  ○ div. at 101" in it.text


async def test_four_networks_that_diverged_are_all_in_both_headers_at_80_columns() -> None:
    run = RunConfig(arms=("none", "bn", "ln", "gn"))
    gone = [Diverged(name, 1234, 1e30) for name in run.arm_names]
    told = Steps(0, 1.0, dict.fromkeys(run.arm_names, [1.0] * 2000))
    async with lab([*beginning(run), told, *gone], (80, 24)) as it:
        status, headline = it.text.splitlines()[:2]
        for line in (status, headline.partition("Activations")[0]):
            assert all(f"{sign} div" in line for sign in "■○◆□")
        it.app.lab.recording = "20261124-155224-makemore-deep-42"
        await it.press("end")
        assert all(f"{sign} div" in it.text.splitlines()[0] for sign in "■○◆□")


async def test_help_explains_the_pane_and_lists_every_key() -> None:
    async with lab(some(), (100, 92)) as it:
        text = await it.after("4", "question_mark")
        assert "statistics of those n rows" in text
        assert all(command.help in text for command in COMMANDS)
        keys = [text.index(command.help) for command in ModesPane.COMMANDS]
        assert max(keys) < text.index(COMMANDS[0].help)
        assert "Formula:" in text
        assert "Source:" in text
        assert "Try:" in text
        assert "mean loss of the last 100 steps" in text
        assert "statistics of those n rows" not in await it.after("escape")


PALETTE = {
    "picture": "Save this picture",
    "learning": "Learning rate, momentum",
    "compare": "Logged runs: open, compare",
    "depth": "Depth, width, activation",
    "save": "Save this picture",
}
"""Words of what a command does, and how its help begins."""


async def test_the_palette_offers_every_command() -> None:
    async with lab(some()) as it:
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert {command.title for command in COMMANDS} <= set(titles)
        await it.press("ctrl+p")
        for words, title in PALETTE.items():
            await it.press("ctrl+u", *(c.replace(" ", "space") for c in words))
            await it.wait_for(title)
        await it.press("ctrl+u", *"zoom")
        await it.wait_for("One pane alone, or all four")
        await it.press("enter", "enter")
        await it.wait_for("last-100 mean")
        assert "density ·" not in it.text


async def test_light_and_dark() -> None:
    async with lab(some()) as it:
        dark = it.app.current_theme.dark
        await it.press("t")
        assert it.app.current_theme.dark is not dark
        assert "Loss" in it.text


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quit_closes_the_source(key: str) -> None:
    async with lab(some()) as it:
        await it.press(key)
    assert it.source.closed
    assert it.app.exit_code == 0


async def test_a_recording_takes_no_commands_and_says_so() -> None:
    async with lab(some(), (120, 40), commands=False) as it:
        await it.press("space")
        await it.wait_for("takes no commands")
        assert it.source.sent == []
        for key in ("k", "K", "f"):
            text = await it.after(key)
            assert not any(words in text for words in ("learning rate", "New network", "copy of"))


async def test_refused_input_ends_the_app_with_its_sentence() -> None:
    async with lab([Failed("input", "--data words.txt is empty")]) as it:
        pass
    assert it.app.exit_code == 2


async def test_a_crash_stays_on_the_screen_with_its_log() -> None:
    async with lab([*some(), Failed("crash", "RuntimeError: boom", "/tmp/trace.log")]) as it:
        status = it.text.splitlines()[0]
        assert "engine stopped: RuntimeError: boom" in status
        assert "/tmp/trace.log" in status
        await it.press("q")
    assert it.app.exit_code == 1


async def test_a_big_file_shows_how_far_it_is_read() -> None:
    reading = Reading("names.txt", 50_000_000, 200_000_000)
    async with lab([hello(), reading]) as it:
        assert "reading names.txt: 25% of 200.0 MB" in it.text
        await it.play(Dataset("names.txt", 9, 99, 27, 32_000_000, 200_000_000))
        assert "its first 32 MB" in it.text


async def test_skipped_lines_are_counted_on_the_screen() -> None:
    async with lab([*some(), Skipped(7, "no JSON")], (160, 40)) as it:
        assert "1 line skipped (line 7: no JSON)" in it.text


async def test_q_and_ctrl_c_close_what_is_open() -> None:
    async with lab(some()) as it:
        for opened in ("question_mark", "o", "f"):
            for key in ("q", "ctrl+c"):
                await it.press(opened)
                assert len(it.app.screen_stack) == 2
                await it.press(key)
                assert it.app.screen_stack == [it.app.lab]
                assert not it.app._exit


@pytest.mark.parametrize("keys", [["ctrl+p"], ["o", "slash"]], ids=["palette", "question"])
async def test_ctrl_c_closes_what_is_typed_into(keys: list[str]) -> None:
    async with lab(some()) as it:
        await it.press(*keys)
        if len(keys) > 1:
            assert len(it.app.screen_stack) == 3
            await it.press("ctrl+c")
        assert len(it.app.screen_stack) == 2
        await it.press("ctrl+c")
        assert it.app.screen_stack == [it.app.lab]


async def test_a_panes_key_works_from_every_pane_and_brings_it_forward() -> None:
    async with lab(some(), (79, 24)) as it:
        await it.press("4")
        assert "linear" in await it.after("l")
        await it.press("8")
        assert "variance" in await it.after("v")


async def test_where_no_shell_can_resume_it_ctrl_z_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bntui.tui.app.has_job_control", lambda: False)
    async with lab(some()) as it:
        await it.press("ctrl+z")
        await it.wait_for("no shell to return to")


async def test_what_is_drawn_does_not_depend_on_the_sizes_before() -> None:
    """A narrow curve averages a spike over more steps than a wide one."""
    spike = [300.0 if step == 300 else 1.0 for step in range(4000)]
    events = [*beginning(), Steps(0, 2.0, {"no BN": list(spike), "BN": list(spike)})]
    async with lab([*events, *probes(4000)], (80, 24)) as it:
        before = await it.drawn()
        for columns in (60, 130, 200, 79):
            await it.resize(columns, 24)
        assert await it.resize(80, 24) == before
