"""The screen of a watched run on scripted events: what a person sees, selects and is told."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding, Severity
from bntui.history.watched import WatchedRun, watched
from bntui.protocol import AnyEvent, Ended, Failed, LayerFacts, Output, WatchedLayer
from bntui.tui import snapshot
from bntui.tui.plotting.text_rows import Rows
from bntui.tui.screens.watched import WatchedScreen
from bntui.tui.watched.doctor import sentence
from bntui.tui.watched.output import LONGEST, as_row, lines
from bntui.tui.watched.scalars import _inks
from bntui.tui.watched.selection import COLUMNS, Selection
from bntui.tui.watched.status import FoundLine
from bntui.tui.watched.table import TablePane
from bntui.tui.watched.view import View
from bntui.tui.widgets.findings_line import TURN
from tests.scripted import beginning
from tests.tui.screen import lab
from tests.watched_events import watched_run, watching

TITLES = ("Loss", "Layers over time", "Running stats", "Train / eval")


def many(count: int) -> list[AnyEvent]:
    """A run of `count` layers that are known and not yet measured."""
    names = [f"block{i}.norm" for i in range(count)]
    layers = [WatchedLayer(name, "net", "BatchNorm2d", 8) for name in names]
    return [msgspec.structs.replace(watching(), layers=layers)]


def broken() -> list[AnyEvent]:
    """A run whose second layer has momentum 0."""
    facts = [
        LayerFacts(1, step, momentum=0.0, trained=step, updates=step, usual_n=64)
        for step in (20, 30, 40)
    ]
    return [*watched_run(40), *facts]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_first_event_opens_a_screen_with_four_panes(size: tuple[int, int]) -> None:
    async with lab(watched_run(40), size, commands=False) as it:
        assert all(title in it.text for title in TITLES)
        status = it.text.splitlines()[0]
        assert "finished train.py · step 40 · 10 ms/step · watching 1.2%" in status
        assert "features.1" in it.text
        assert "0.9" in it.text
        legend = "× batch  ○ running  • recal" if size[0] > 80 else "× batch ○ run. • recal."
        assert legend in it.text
        assert "cannot be drawn" not in it.text
        await it.press("6")
        await it.wait_for("Too early to judge running statistics: 36 of 60 updates.")


@pytest.mark.parametrize("size", [(39, 24), (80, 11)])
async def test_too_small_a_terminal_shows_only_that(size: tuple[int, int]) -> None:
    async with lab(watched_run(40), size, commands=False) as it:
        assert "needs at least 40 x 12" in it.text
        assert "1 Loss" not in it.text
        assert "●" not in it.text


async def test_what_is_not_there_says_how_to_have_it() -> None:
    async with lab([watching()], commands=False) as it:
        assert "watch.log(loss=loss)" in it.text
        assert "probe=(inputs, targets, loss_fn)" in " ".join(it.text.split())
        await it.play(LayerFacts(0, 16, updates=16, trained=16), Ended())
        assert "cut off train.py" in it.text
        early = "Too early to judge running statistics: 16 of 60 updates."
        await it.wait_for(f"No finding so far. {early}")
        screen = it.app.screen
        assert isinstance(screen, WatchedScreen)
        bias = Finding("dead-bias", "info", "net", ["features.1"], "b")
        for finding, lines in ((bias, 2), (replace(bias, severity="warning"), 1)):
            screen._found.show([finding], screen.run, [early])
            assert (screen._found._shown[1][1:3] == "/2") == (lines == 2)


def test_the_worst_finding_is_shown_first_whenever_one_comes_or_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1.5 * TURN
    monkeypatch.setattr("bntui.tui.watched.status.monotonic", lambda: now)
    info = Finding("dead-bias", "info", "net", ["bn"], "b")
    error = Finding("momentum-zero", "error", "net", ["bn"], "m")
    line, run = FoundLine(), WatchedRun()
    for found in ([info, error], [error], [info, error]):
        line.show(found, run, [])
        assert line._shown[0] == "bad", found
    now += TURN
    line.show([info, error], run, [])
    assert line._shown[0] != "bad"


async def test_one_motion_selects_a_layer_in_every_pane() -> None:
    async with lab(broken(), commands=False) as it:
        assert "Running stats  features.1" in it.text
        assert "Running stats  head.1" in await it.after("down")
        await it.press("7")
        await it.wait_for("Histograms  head.1")
        await it.press("up")
        await it.wait_for("Histograms  features.1")
        text = it.text
        assert "input  -1 to 1" in text
        assert "output  -3 to 3" in text
        text = await it.after("escape", "slash", "h", "e", "a", "d", "enter")
        assert "features.1" not in text
        assert "Running stats  head.1" in text
        assert "features.1" in await it.after("slash", "escape")


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        (["1", "4"], "layers 1, 4: "),
        (["1"], "layer 1: "),
        (["bn1", "bn2"], "bn1, bn2: "),
        (["bn1", "bn2", "bn3"], "bn1 and 2 more: "),
        (["encoder.0.norm1", "encoder.0.norm2"], "encoder.0.norm1 and 1 more: "),
        ([], "net: "),
    ],
)
def test_a_finding_names_its_layers(layers: list[str], named: str) -> None:
    assert sentence(Finding("", "info", "net", layers, "it is so")) == f"{named}it is so"


async def test_the_rules_of_a_layer_have_the_room_that_names_leave() -> None:
    async with lab(broken(), (80, 24), commands=False) as it:
        screen = it.app.screen
        assert isinstance(screen, WatchedScreen)
        found = [Finding("update-without-step", "warning", "net", ["head.1"], "x")]
        await it.press("5")
        screen.query_one(TablePane).draw(replace(screen.view, findings=found))
        assert "update-without-step" in await it.drawn()


async def test_a_finding_its_rule_its_evidence_and_its_layer() -> None:
    rule = RULES["momentum-zero"]
    async with lab(broken(), commands=False) as it:
        await it.wait_for("momentum is 0: ")
        text = await it.after("6")
        assert rule.fix[:40] in text
        assert "limit 0" in text
        assert "momentum\n" in "\n".join(row.rstrip() for row in text.splitlines())
        narrow = (await it.resize(60, 24)).splitlines()
        assert next(row for row in narrow if "▶" in row).rstrip().endswith("…")
        await it.resize(120, 40)
        assert rule.symptom[:40] in await it.after("question_mark")
        assert "Running stats  head.1" in await it.after("escape", "enter")
        assert "momentum-zero" in await it.after("5")
        rows = it.app.screen.query_one(TablePane).query_one(Rows)._rows
        assert ("!", "bad") in next(row for row in rows if any("head.1" in text for text, _ in row))


async def test_as_of_an_earlier_step_and_back() -> None:
    async with lab(watched_run(40), (80, 24), commands=False) as it:
        text = await it.after("home")
        assert "as of 0" in text
        assert "loss 2" in text
        assert "home First step  end Live  o Runs  ? Help  q Quit" in text
        assert "running − batch, sd" in text
        assert "as of 0" not in await it.after("end")
        assert "as of 39" in await it.after("comma")
        sampled = it.app.watched_run.layers[0].sizes.steps
        assert f"as of {sampled[-2]}" in await it.after("left", "left")
        assert "as of" not in await it.after("full_stop", *["right"] * 2)
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert {"Filter", "Runs", "Choose a theme"} <= {*titles}


async def test_the_value_cursor_reads_every_plot_over_steps() -> None:
    async with lab(watched_run(40), (120, 40), commands=False) as it:
        text = await it.after("less_than_sign")
        assert "Loss  step 40  loss 1." in text
        assert "Running stats  features.1 step 40  0 +0.1" in text
        assert "Train / eval  step 40  × batch 0.4  ○ running 0.9" in text
        await it.press("home")
        assert "Loss  step 0  loss 2" in it.text
        await it.pilot.mouse_down("#channelspane Plot", offset=(20, 5))
        pointed = await it.drawn()
        assert "Loss  step 0  loss 2" in pointed  # no later than what was known
        assert "as of 0" not in await it.after("end")
        assert "Loss  step 0  " not in it.text
        assert "Loss  step" in it.text
        assert "Loss  step" not in await it.after("escape")
        assert "Layer table" in await it.after("5", "less_than_sign")
        await it.wait_for("No plot over steps is shown here.")


async def test_a_picture_is_saved_and_findings_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "directory", lambda: tmp_path)
    async with lab(broken(), commands=False) as it:
        await it.press("e")
        await it.wait_for("Saved")
        (path,) = tmp_path.iterdir()
        assert path.name == "train_py-step-40.svg"
        assert "train.py · step 40" in path.read_text().replace("&#160;", " ")
        await it.press("c")
        await it.wait_for("clipboard")
        assert it.app.clipboard.startswith("head.1: ")
        assert RULES["momentum-zero"].title.rstrip(".") in it.app.clipboard


async def test_one_layer_is_no_plural() -> None:
    async with lab(many(1), (80, 24), commands=False) as it:
        await it.wait_for("1 layer ")


async def test_hundreds_of_layers_stay_in_sight_of_the_selected_one() -> None:
    async with lab(many(200), (80, 24), commands=False) as it:
        assert "200 layers" not in it.text
        assert "of 200" in it.text
        await it.press("s")  # before the table was opened
        await it.press("5")
        await it.wait_for(f"Layer table  by {COLUMNS[1].title}")
        text = await it.after("S", "pagedown", "down")
        assert "block19.norm" in text
        assert "block0.norm" not in text
        await it.play(LayerFacts(150, 1, updates=7))
        text = await it.after("s", "s", "s", "s", "s")
        assert "Layer table  by updates" in text
        assert text.splitlines()[4].split()[0] == "block150.norm"
        assert it.app.screen.view.layer == 150  # type: ignore[attr-defined]  # a watched run's


async def test_a_watched_log_after_one_of_the_lab_and_a_failure() -> None:
    async with lab(beginning(), commands=False) as it:
        assert "Activations" in it.text
        await it.play(*watched_run(8))
        assert "Layers over time" in it.text
        await it.play(Failed("crash", "the script was killed by SIGKILL"))
        assert "killed by SIGKILL" in it.text
        assert it.app.exit_code == 1


async def test_a_run_that_has_ended_is_examined_at_once() -> None:
    """Else its last frame, as of --once, would show what was found a second before."""
    async with lab(watched_run(8), size=(120, 40)) as it:
        screen = it.app.screen
        assert isinstance(screen, WatchedScreen)
        screen._examine_every = float("inf")
        await it.play(*broken())
        assert "No finding so far" in it.text
        await it.play(Ended())
        await it.wait_for("head.1: ")  # at a later tick, if one began before


def test_layers_sorted_and_filtered() -> None:
    run = watched(broken())
    titles = [column.title for column in COLUMNS]
    assert Selection().view(run, [], 40).order == [0, 1]
    assert Selection(sort=titles.index("off by")).view(run, [], 40).order == [1, 0]
    assert Selection(sort=titles.index("mom.")).view(run, [], 40).order == [0, 1]
    chosen = Selection(query="batchnorm1d")
    assert chosen.view(run, [], 40).order == [1]
    assert chosen.layer == 1
    assert Selection(query="nothing").view(run, [], 40).order == []


def test_a_flood_without_an_end_of_line_is_cut() -> None:
    bar = "".join(f"\r{i} of 10,000 \x1b[K" for i in range(10_000))
    floods = ["x" * 4096] * 2000, [bar[at : at + 4096] for at in range(0, len(bar), 4096)]
    for flood, shown in zip(floods, ("xxx", "9999 of 10,000 "), strict=True):
        ((line, ink),) = lines(watched([watching(), *(Output("stdout", t) for t in flood)]))
        assert len(line) <= 2 * LONGEST
        assert as_row(line, ink)[0][0].startswith(shown)


def test_output_as_a_terminal_shows_it_in_the_end() -> None:
    pieces = ["10%\r", "20%\r", "100%\n\x1b[31mred\x1b[0m\x07\nlast"]
    run = watched([watching(), *(Output("stdout", piece) for piece in pieces)])
    run.fold(Output("stderr", "a warning\n"))
    shown = [as_row(*line)[0][0] for line in lines(run)]
    assert shown == ["100%", "red\N{REPLACEMENT CHARACTER}", "a warning", "last"]


def test_what_a_script_prints_before_its_first_model_runs_is_kept() -> None:
    begun = msgspec.structs.replace(watching(), started="before", layers=[])
    run = watched([begun, Output("stdout", "loading\n"), watching(), Output("stdout", "epoch 1\n")])
    assert [line for line, _ in lines(run)] == ["loading", "epoch 1"]
    run.fold(msgspec.structs.replace(watching(), started="another"))
    assert lines(run) == []


def test_names_on_different_axes_have_different_colours() -> None:
    inks = _inks([["loss", "val_loss"], ["acc"]])
    assert list(inks.values()) == ["unit-0", "unit-1", "unit-2"]


def test_a_layer_has_the_ink_of_its_worst_finding() -> None:
    run = watched(watched_run())
    cases: list[tuple[list[Severity], str]] = [
        ([], "plain"),
        (["info"], "axis"),
        (["info", "warning"], "highish"),
    ]
    for kinds, ink in cases:
        findings = [Finding("r", kind, "net", ["head.1"], "") for kind in kinds]
        assert View(run, findings=findings).ink(run.layers[1]) == ink
