"""The runs screen and the comparison, on logs that a run would have written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.widgets import DataTable

from bntui.config.schema import RunConfig
from bntui.logs.writer import LogWriter
from bntui.protocol import Diverged, ModeLosses, State
from bntui.protocol.codec import encode
from bntui.sources.recording import open_log
from bntui.tui.app import BntuiApp, CompareApp, run_app
from bntui.tui.panes.base import Part
from bntui.tui.screens.compare import Table, lines
from bntui.tui.screens.runs import fitted
from bntui.tui.themes import LIGHT
from tests.scripted import ScriptedSource, beginning, hello, probes, steps
from tests.tui.screen import Lab, lab


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs: one, two, three; three is the newest."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    place = tmp_path / "bntui" / "runs"
    place.mkdir(parents=True)
    for i, name in enumerate(("one", "two", "three"), 1):
        begun = msgspec.structs.replace(hello(RunConfig(lr=i / 10)), started=f"2026-01-0{i}")
        events = [begun, *beginning()[1:], *steps(0, 100 * i), *probes(100 * i)]
        end = State("finished", 100 * i, None)
        (place / f"{name}.jsonl").write_bytes(b"".join(map(encode, [*events, end])))
    return place


@asynccontextmanager
async def runs() -> AsyncIterator[Lab]:
    async with lab(beginning(), size=(100, 30)) as it:
        await it.press("o")
        await it.wait_for("Enter: open")
        yield it


async def test_every_run_is_listed_newest_first(directory: Path) -> None:
    async with runs() as it:
        text = it.text
        assert text.index("three") < text.index("two") < text.index("one")
        assert "lr=0.3" in text
        assert "three · lr=0.3 · 300 steps" in text  # the chosen row in full
        assert "Every log in the directory" in await it.after("question_mark")


async def test_a_scroll_bar_covers_no_number(directory: Path) -> None:
    for i in range(4, 30):
        (directory / f"{'x' * 60}-{i}.jsonl").write_bytes((directory / "one.jsonl").read_bytes())
    async with lab(beginning(), size=(80, 24)) as it:
        await it.press("o")
        await it.wait_for("Enter: open")
        table = it.app.screen.query_one(DataTable)
        assert table.show_vertical_scrollbar
        assert not table.show_horizontal_scrollbar
        columns = sum(column.get_render_width(table) for column in table.ordered_columns)
        assert columns <= table.scrollable_content_region.width


async def test_enter_opens_a_run_in_place_of_this_one(directory: Path) -> None:
    async with runs() as it:
        await it.press("down", "enter")
        await it.wait_for("finished 200/5,000")
        assert it.source.closed
        await it.press("s")
        await it.wait_for("takes no commands")


async def test_two_marked_runs_are_overlaid_with_what_differs(directory: Path) -> None:
    async with runs() as it:
        await it.press("c")
        await it.wait_for("First mark two or more runs")
        await it.press("space", "down", "down", "space", "c")
        await it.wait_for("B one")
        rows = it.text.splitlines()
        assert [row.split()[:4] for row in rows[1:3]] == [
            ["■", "A", "three", "0.3"],
            ["○", "B", "one", "0.1"],
        ]
        assert rows[0].split()[4] == "lr"
        assert "o Runs  ? Help  q Close" in rows[-1]
        assert "a Networks" in rows[-1]
        await it.press("o")
        await it.wait_for("Enter: open")
        await it.press("enter")  # a run in place of this one and of the comparison
        await it.wait_for("finished 300/5,000")
        assert it.source.closed


async def test_renaming(directory: Path) -> None:
    (directory / "three.out").write_text("printed")
    async with runs() as it:
        await it.press("n")
        await it.press("end", *"-best", "enter")
        await it.wait_for("three-best")
        assert (directory / "three-best.jsonl").exists()
        assert not (directory / "three.jsonl").exists()
        assert (directory / "three-best.out").read_text() == "printed"
        assert not (directory / "three.out").exists()
        await it.press("n")
        await it.press("ctrl+u", *"two", "enter")
        await it.wait_for("two already exists")
        assert (directory / "three-best.jsonl").exists()


async def test_deleting_asks_first(directory: Path) -> None:
    for ending in (".out", ".err"):
        (directory / f"three{ending}").write_text("printed")
    async with runs() as it:
        await it.press("d")
        await it.wait_for("Type yes to delete three permanently")
        await it.press("enter")
        await it.pilot.pause()
        assert (directory / "three.jsonl").exists()
        await it.press("d", *"yes", "enter")
        await it.wait_for("2 runs in")
        assert not list(directory.glob("three*"))


async def test_a_run_that_is_being_written_is_left_alone(directory: Path) -> None:
    writer = LogWriter(directory / "live.jsonl")
    writer.write(encode(msgspec.structs.replace(hello(), started="2027")))
    async with runs() as it:
        await it.press("d")
        await it.wait_for("still being written")
    writer.close()


async def test_no_run_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with lab(beginning()) as it:
        await it.press("o")
        await it.wait_for("No runs in")
        await it.press("enter", "space", "n", "d", "escape")
        await it.wait_for("running")


async def test_the_overlay_switches_network_mode_axis_and_window(directory: Path) -> None:
    logs = [(n, open_log(directory / f"{n}.jsonl", follow=False)) for n in ("one", "two", "three")]
    app = CompareApp(logs)
    async with app.run_test(size=(100, 30)) as pilot:
        it = Lab(pilot, None, app)  # type: ignore[arg-type]  # there is no source to play
        await it.wait_for("C three")
        await it.wait_for("A no BN 0.17")
        await it.wait_for("C BN 0.1938")
        assert "BN of A and B: equal (0.194) in evaluation mode (n = 90" in it.text
        assert "dotted: no running statistics" in it.text
        only = await it.after("a")
        assert "A 0.17" in only
        assert "A BN 0." not in only
        assert "C 0.1938" in await it.after("a")
        assert "TRAIN" in await it.after("m")
        assert "linear" in await it.after("l")
        assert "Loss  step " in await it.after("less_than_sign")
        assert "Train / eval  TRAIN step " in it.text
        assert "Loss  step " not in await it.after("escape")
        await it.press("w", "t")
        await it.press("question_mark")
        await it.wait_for("Esc: close")
        assert "a colour a run" in it.text
        assert "f, BN beside itself" not in it.text  # keys of the lab
        await it.press("escape", "o")
        await it.wait_for("Enter: open")
        await it.press("down", "enter")
    assert app.opened
    assert app.opened.name == "two"
    await app.opened.close()


def test_a_run_that_is_opened_from_a_comparison_keeps_its_theme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    themes = []

    async def draw(app: BntuiApp) -> None:
        themes.append(app.theme)

    monkeypatch.setattr(CompareApp, "run", lambda _: None)
    monkeypatch.setattr(BntuiApp, "run_async", draw)
    app = CompareApp([])
    app.opened, app.theme = ScriptedSource([]), LIGHT.name
    run_app(app)
    assert themes == [LIGHT.name]


async def test_filtering_and_sorting(directory: Path) -> None:
    async with runs() as it:
        await it.press("slash", *"lr>=0.2", "enter")
        await it.wait_for("2 of 3 runs with lr>=0.2")
        assert "one" not in [row.split()[1] for row in it.text.splitlines() if "lr=0" in row]
        await it.press("s")
        await it.wait_for("sorted: name")
        assert it.text.index(" three ") < it.text.index(" two ")
        await it.press("slash", "ctrl+u", *"depht=1", "enter")
        await it.wait_for("did you mean depth?")
        await it.press("slash", "ctrl+u", "enter")
        await it.wait_for("3 runs")


async def test_seeds_are_overlaid_as_mean_and_range(directory: Path) -> None:
    logs = []
    for seed in (1, 2, 3):
        begun = hello(RunConfig(seed=seed, lr=0.7, steps=100))
        path = directory / f"seed-{seed} of a long name.jsonl"
        events = [begun, *beginning()[1:], *steps(0, 100), *probes(100)]
        path.write_bytes(b"".join(map(encode, events)))
        logs.append((path.stem, open_log(path, follow=False)))
    app = CompareApp([*logs, ("one", open_log(directory / "one.jsonl", follow=False))])
    async with app.run_test(size=(120, 40)) as pilot:
        it = Lab(pilot, None, app)  # type: ignore[arg-type]  # there is no source to play
        await it.wait_for("A 3 seeds, as seed-1 of a long name")
        await it.wait_for("0.194 ±0.000")
        assert "B one" in it.text
        assert "mean and range over seeds" in it.text


async def test_seeds_alone_leave_no_empty_row(directory: Path) -> None:
    app = CompareApp([("one", open_log(directory / "one.jsonl", follow=False))])
    async with app.run_test(size=(120, 40)) as pilot:
        it = Lab(pilot, None, app)  # type: ignore[arg-type]  # there is no source to play
        await it.wait_for("A one")
        rows = it.text.splitlines()
        assert rows[next(i for i, row in enumerate(rows) if "A one" in row) + 1].startswith(" Loss")


async def test_one_run_that_diverged_is_not_counted_and_its_losses_are_short(
    directory: Path,
) -> None:
    path = directory / "high.jsonl"
    far = ModeLosses("BN", 90, [90], [15961.3], [15961.3])
    events = [hello(RunConfig(lr=900)), *beginning()[1:], *steps(0, 90), far]
    path.write_bytes(b"".join(map(encode, [*events, Diverged("BN", 90, 1e30)])))
    names = ("one", "high")
    app = CompareApp(
        [(each, open_log(directory / f"{each}.jsonl", follow=False)) for each in names]
    )
    async with app.run_test(size=(120, 40)) as pilot:
        it = Lab(pilot, None, app)  # type: ignore[arg-type]  # there is no source to play
        await it.wait_for("diverged / 1.6e+04 ")


def test_columns_without_room_follow_below_and_the_rest_is_counted() -> None:
    head: list[Part] = ["loss/eval", "lr", "BN", "no BN", "LN"]
    rows: Table = [head, [("■ A one", "bold"), "0.1", *["0.314/0.195"] * 3]]

    def text(width: int, height: int) -> list[str]:
        parts = lines(rows, width, height)
        joined = "".join(part if isinstance(part, str) else part[0] for part in parts)
        return [line.rstrip() for line in joined.splitlines()]

    assert text(60, 8) == [
        "loss/eval  lr   BN           no BN        LN",
        "■ A one    0.1  0.314/0.195  0.314/0.195  0.314/0.195",
    ]
    assert text(30, 8) == [
        "loss/eval  lr   BN",
        "■ A one    0.1  0.314/0.195",
        "     no BN        LN",
        "■ A  0.314/0.195  0.314/0.195",
    ]
    assert text(34, 2)[0] == "loss/eval  lr   BN           +2 …"


def test_the_columns_of_runs_are_cut_before_any_is_left_out() -> None:
    name, differs, losses = "20261126-100300-watch-resnet", "steps=600 depth=2", "0.1538 / " * 4
    row = (name, differs, "600", losses, "finished", "0.3 MB")
    natural = list(map(len, row))
    assert fitted([row], 200) == [*natural[:2], len("steps"), *natural[3:]]
    for width in (72, 110):
        widths = fitted([row], width)
        assert len(widths) >= 4  # the losses
        assert sum(widths) + 2 * len(widths) <= width
        assert widths[0] == len(name)  # its time is what tells runs apart
