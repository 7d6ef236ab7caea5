"""Watched runs side by side."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from bntui.history.comparison import WatchedEntry
from bntui.history.watched import watched
from bntui.protocol import AnyEvent, Watching
from bntui.protocol.codec import encode
from bntui.sources.base import Source
from bntui.sources.recording import open_log
from bntui.tui.app import CompareApp
from bntui.tui.plotting.plot import Plot
from bntui.tui.screens.compare_watched import Compared, table
from tests.tui.screen import Lab
from tests.watched_events import LAYERS, watched_run, watching


def other() -> list[AnyEvent]:
    """The same run of another model: another momentum, and one layer has another name."""
    first, second = LAYERS
    layers = [replace(first, momentum=0.01), replace(second, name="neck.0", momentum=0.01)]
    events = watched_run(80)
    return [replace(watching(), layers=layers) if isinstance(e, Watching) else e for e in events]


def written(directory: Path, runs: dict[str, Sequence[AnyEvent]]) -> list[Path]:
    for name, events in runs.items():
        (directory / f"{name}.jsonl").write_bytes(b"".join(map(encode, events)))
    return [directory / f"{name}.jsonl" for name in runs]


def test_the_table_has_what_differs_and_nothing_else() -> None:
    source: Source = None  # type: ignore[assignment]  # nothing is read
    runs = {"mine": watched_run(), "yours": other()}
    entries = [WatchedEntry(name, source, watched(events)) for name, events in runs.items()]
    rows = table(Compared(entries, None))
    assert [[cell if isinstance(cell, str) else cell[0] for cell in row] for row in rows] == [
        ["2 layers each", "step", "momentum"],
        ["■ A mine", "40", "0.1"],
        ["○ B yours", "80", "0.01"],
    ]


async def test_losses_distances_and_findings_of_each(tmp_path: Path) -> None:
    paths = written(tmp_path, {"mine": watched_run(), "yours": other(), "bare": [watching()]})
    logs = [(path.stem, open_log(path, follow=False)) for path in paths]
    app = CompareApp(logs, watched=True)
    async with app.run_test(size=(80, 24)) as pilot:
        it = Lab(pilot, None, app)  # type: ignore[arg-type]  # there is no source to play
        await it.wait_for("C has none")
        await it.wait_for("B yours")
        rows = {row.split()[0]: row.split()[1:] for row in it.text.splitlines() if row.split()}
        assert rows["head.1"] == ["0.50", "–", "–"]  # its own last ten samples, the farthest first
        assert rows["neck.0"] == ["–", "1.50", "–"]
        assert rows["features.1"] == ["0.11", "0.11", "–"]
        assert it.text.index("neck.0") < it.text.index("head.1") < it.text.index("features.1")
        assert "C no finding." in it.text
        assert "loss  A 1.5" in it.text
        assert "a Next number" in it.text
        assert "step 80" in await it.after("less_than_sign")
        app.screen.post_message(Plot.Pointed(30))
        await it.wait_for("step 30 · running")
        (row,) = [row for row in it.text.splitlines() if "head.1" in row]
        assert row.split()[1] == "0.26"  # its last ten samples then
        assert "mean of last 25" in await it.after("escape")
        assert app.picture == ("compared", "bntui · mine, yours, bare")
        await it.press("l", "a", "tab", "question_mark")
        await it.wait_for("Esc: close")
        await it.press("escape", "q")
    assert app.return_code == 0
