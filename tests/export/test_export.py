"""Exports are read by the tools that people have."""

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console

from bntui.cli.main import cli
from bntui.export.figures import FIGURES
from bntui.export.files import write_summary
from bntui.export.summary import summary
from bntui.history.history import folded
from bntui.protocol import Activations, AnyEvent, State, Steps
from bntui.protocol.codec import encode
from bntui.tui.themes import inks
from tests.scripted import beginning, diagnostics, probes, steps, updates
from tests.watched_events import watched_run

EVENTS: list[AnyEvent] = [
    *beginning(),
    *steps(0, 300),
    *probes(300),
    *diagnostics(300, depth=2),
    *updates(0, 300),
    Steps(300, 1.0, {"no BN": [None, 0.5], "BN": [0.25, 0.125]}),
    State("finished", 302, None),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(map(encode, EVENTS)))
    return path


def export(log: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bntui", "export", str(log), *args],
        capture_output=True,
        text=True,
        check=False,
    )


def test_pandas_and_duckdb_read_the_same_numbers_from_csv_and_parquet(
    log: Path, tmp_path: Path
) -> None:
    import duckdb
    import pandas as pd

    table, packed = tmp_path / "run.csv", tmp_path / "run.parquet"
    done = export(log, "--csv", str(table), "--parquet", str(packed))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    frame = pd.read_csv(table)
    assert list(frame.columns) == ["step", "arm", "metric", "value"]
    losses = frame[(frame.metric == "loss") & (frame.arm == "BN")]
    assert list(losses.step) == list(range(302))
    assert losses.value.iloc[-1] == 0.125
    query = "select metric, count(*), sum(value) from '{}' group by 1 order by 1"
    one = duckdb.execute(query.format(table)).fetchall()
    other = duckdb.execute(query.format(packed)).fetchall()
    for (metric, count, total), (metric2, count2, total2) in zip(one, other, strict=True):
        assert (metric, count) == (metric2, count2)
        assert total == pytest.approx(total2)


def test_csv_on_standard_output_has_empty_fields_for_what_was_not_finite(log: Path) -> None:
    rows = list(csv.DictReader(export(log, "--csv", "-").stdout.splitlines()))
    (gone,) = [r for r in rows if r["value"] == "" and r["metric"] == "loss"]
    assert gone == {"step": "300", "arm": "no BN", "metric": "loss", "value": ""}
    metrics = {row["metric"] for row in rows}
    assert {"loss", "train_loss n=1", "eval_loss n=90", "saturation layer=1"} <= metrics
    assert "running_var layer=1 unit=4" in metrics


def test_diagnostics_are_in_the_table_with_what_they_are_of(log: Path) -> None:
    rows = list(csv.DictReader(export(log, "--csv", "-").stdout.splitlines()))
    found = {
        row["metric"]: row["value"] for row in rows if row["arm"] == "BN" and row["step"] == "300"
    }
    expected = {
        "split_loss split=validation": 2.5,
        "activation_mean layer=2": 0.0,
        "activation_std layer=1": 0.6,
        "flat layer=2": 0.028,
        "dead layer=2": 0,
        "grad_std layer=1": 3e-3,
        "weight_std weight=W2": 1,
        "ladder_running": 0.1938,
        "ladder_precise": 0.1921,
        "ladder_batch n=90": 0.1905,
        "ladder_by_class n=4": 2.2,
        "fold": 3e-6,
        "backward_scale": 0.02,
    }
    assert {metric: float(found[metric]) for metric in expected} == expected
    ratios = [row for row in rows if row["metric"] == "update_ratio weight=W1"]
    assert [row["step"] for row in ratios if row["arm"] == "BN"] == [
        str(i) for i in range(0, 300, 10)
    ]
    (nothing,) = [row for row in rows if row["metric"] == "fold" and row["arm"] == "no BN"]
    assert nothing["value"] == ""


def test_the_summary_is_the_run_in_short(log: Path) -> None:
    summary = json.loads(export(log, "--summary", "-").stdout)
    assert summary["config"]["lr"] == 0.1
    assert summary["finished"] is True
    arm = summary["arms"]["BN"]
    assert (arm["final_loss"], arm["best_loss"]) == (0.125, 0.125)
    assert arm["saturation"] == [0.028]
    assert arm["train_eval_gap"] == pytest.approx(0.1905 - 0.1938)
    assert summary["arms"]["no BN"]["diverged_at"] is None


def test_the_last_500_steps_are_500_in_table_summary_and_figure(tmp_path: Path) -> None:
    """The loss falls by one a step: every other number of steps has another mean."""
    from matplotlib.figure import Figure

    falling: list[float | None] = [float(700 - i) for i in range(700)]
    history = folded([*beginning(), Steps(0, 1.0, {"no BN": falling, "BN": falling})])
    console = Console(width=120, record=True, file=StringIO())
    console.print(summary(history))
    rows = {
        row.split("  ")[0].strip(" │┃"): row.split() for row in console.export_text().splitlines()
    }
    assert "250.5" in rows["mean loss of the last 500 steps"]
    assert "1" in rows["last batch's loss"]
    write_summary(history, str(tmp_path / "summary.json"))
    arm = json.loads((tmp_path / "summary.json").read_text())["arms"]["BN"]
    assert (arm["mean_loss_of_last_500"], arm["best_loss"]) == (250.5, 1.0)
    figure = Figure()
    FIGURES["losses"](figure, history)
    assert (figure.axes[1].dataLim.x0, figure.axes[1].dataLim.x1) == (200, 699)


def drawn(log: Path, directory: Path, *args: str) -> list[Path]:
    """What is in the directory after its figures were drawn."""
    done = CliRunner().invoke(cli, ["export", str(log), "--figures", str(directory), *args])
    assert (done.exit_code, done.output) == (0, "")
    return sorted(directory.iterdir())


def test_the_four_figures(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = drawn(log, tmp_path / "figures", "--format", "svg")
    names = ["activations", "losses", "modes", "running_means"]
    assert [file.name for file in files] == [f"{name}.svg" for name in names]
    for file in files:
        assert ElementTree.parse(file).getroot().tag.endswith("svg")
    monkeypatch.delitem(FIGURES, "activations")
    monkeypatch.delitem(FIGURES, "running_means")
    monkeypatch.delitem(FIGURES, "modes")
    (file,) = drawn(log, tmp_path / "usual")
    assert file.name == "losses.png"
    assert file.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_overwritten(log: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("precious")
    for option in ("--csv", "--parquet", "--summary"):
        done = export(log, option, str(there))
        assert done.returncode == 2
        assert "already exists" in done.stderr
    assert there.read_text() == "precious"


def test_an_export_of_nothing_is_asked_about(log: Path) -> None:
    done = export(log)
    assert done.returncode == 2
    assert "Nothing to export" in done.stderr


def test_a_reader_that_leaves_ends_an_export_quietly(log: Path) -> None:
    command = [sys.executable, "-m", "bntui", "export", str(log), "--csv", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "args", [["export", "LOG", "--csv", "-"], ["export", "LOG", "--summary", "-"], ["--help"]]
)
def test_an_output_that_takes_nothing_is_one_sentence(log: Path, args: list[str]) -> None:
    command = [sys.executable, "-m", "bntui", *(str(log) if a == "LOG" else a for a in args)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "bntui: The output cannot be written (No space left on device).\n"


def test_figures_have_the_screens_colours_and_the_histograms_own_range() -> None:
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    events = [
        *beginning(),
        Activations("BN", 0, 0, 100, [50, *[1] * 48, 2], 0.5, low=0.0, high=4.0),
    ]
    figure = Figure()
    FIGURES["activations"](figure, folded(events))
    bars = [p for p in figure.axes[-1].patches if isinstance(p, Rectangle)]
    assert bars[0].get_x() == 0.0
    assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(4.0)
    assert sum(bar.get_height() * bar.get_width() for bar in bars) == pytest.approx(1.0)
    colours = inks(dark=False, ground="#FFFFFF")
    assert to_hex(bars[0].get_facecolor()).upper() == colours["ink-arm-1"].upper()


def test_a_watched_run_is_a_table_by_layer(tmp_path: Path) -> None:
    import pandas as pd

    path, table = tmp_path / "watched.jsonl", tmp_path / "watched.csv"
    path.write_bytes(b"".join(map(encode, watched_run(40))))
    assert export(path, "--csv", str(table)).returncode == 0
    frame = pd.read_csv(table, keep_default_na=False)
    assert list(frame.columns) == ["step", "layer", "metric", "value"]
    losses = frame[(frame.layer == "") & (frame.metric == "loss")]
    assert list(losses.step) == list(range(0, 40, 2))
    channel = frame[(frame.layer == "net.head.1") & (frame.metric == "running_mean channel=1")]
    assert len(channel) == 20
    updates = frame[(frame.layer == "net.features.1") & (frame.metric == "updates")]
    assert float(updates.value.iloc[-1]) == 36
    refused = export(path, "--figures", str(tmp_path / "figures"))
    assert refused.returncode == 2
    assert "--csv" in refused.stderr
