"""Options become a config, or one sentence and exit code 2."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bntui import __version__
from bntui.cli.main import cli
from bntui.cli.options import config, run_options
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.config.settings import SETTINGS

FIELDS = RunConfig.__struct_fields__


def parsed(*args: str) -> RunConfig:
    """The config that these options give."""
    made = []

    @click.command()
    @run_options
    @click.pass_context
    def command(ctx: click.Context, /, **_: object) -> None:
        made.append(config(ctx))

    command.main(args, standalone_mode=False)
    return made[0]


def bntui(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "bntui", *args]
    return subprocess.run(  # type: ignore[call-overload, no-any-return]  # options vary
        run, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options
    )


def test_no_option_is_the_notebook() -> None:
    assert parsed() == PRESETS["notebook"] == RunConfig()


def test_every_option_reaches_its_field(tmp_path: Path) -> None:
    data = tmp_path / "names.txt"
    data.write_text("emma\n")
    default = RunConfig()
    values = {name: SETTINGS[name].turned(getattr(default, name), -1) for name in FIELDS}
    values |= {"data": str(data), "preset": "notebook", "device": "mps", "depth": 2, "hidden": 30}
    values |= {"weight_decay": 0.01, "pace": 250.0}
    assert [name for name in FIELDS if values[name] == getattr(default, name)] == ["preset"]
    args = [
        text
        for name, value in values.items()
        for text in ("--" + SETTINGS[name].key, SETTINGS[name].write(value))
    ]
    assert parsed(*args) == RunConfig(**values)  # type: ignore[arg-type]  # mixed on purpose


def test_pace_max_is_full_speed() -> None:
    assert parsed("--pace", "max").pace is None
    assert parsed("--pace", "10").pace == 10


@given(st.integers(1, 65_536))
def test_any_number_in_range_is_taken(number: int) -> None:
    assert parsed("--batch-size", str(number)).batch_size == number
    assert parsed("--batch-size", f"{number:,}").batch_size == number


@given(st.integers(max_value=0) | st.integers(min_value=65_537))
def test_any_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(click.UsageError, match="takes a whole number from 1 to 65,536"):
        parsed(f"--batch-size={number}")


@given(st.floats().filter(lambda number: not 0 <= number <= 1))
def test_any_float_out_of_range_is_refused_and_so_is_nan(number: float) -> None:
    with pytest.raises(click.UsageError, match="takes a number from 0 to 1"):
        parsed(f"--momentum={number}")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--batch-size", "0"], "--batch-size is 0, but it takes a whole number from 1 to 65,536."),
        (["--lr", "fast"], "--lr is fast, but it takes a number from 0 to 1,000,000."),
        (
            ["--pace", "0"],
            "--pace is 0, but it takes a number from 0.1 to 1,000,000, or log, or max.",
        ),
        (["--context", "x"], "--context is x, but it takes inside or padded."),
        (
            ["--preset", "x"],
            "--preset is x, but it takes notebook, makemore-deep or makemore-200k.",
        ),
        (["--arms", "bn,bn"], "--arms is bn,bn, but it takes 1 to 4 distinct values of"),
        (
            ["--arms", "gn", "--groups", "3"],
            "--groups is 3, but with gn it takes a divisor of --hidden, 200.",
        ),
        (["--split", "maybe"], "--split is maybe, but it takes yes or no."),
        (["--ghost", "0"], "--ghost is 0, but it takes a whole number from 1 to 65,536, or none."),
        (["--seed", ""], "--seed is empty, but it takes a whole number from 0 to"),
        (["--data", "/nowhere"], "--data '/nowhere' does not exist; it takes"),
        (["--data", "a\udcff.txt"], "--data 'a\\udcff.txt' has control characters or is no UTF-8"),
        (["run", "--log", "a\x1b[2J"], "--log 'a\\x1b[2J' has control characters or is no UTF-8"),
        (["sweep", "--vary", "lr=1", "--data", "a\udcff"], "--data 'a\\udcff' has control"),
        (["--lr", "\x1b[31m"], "--lr is �[31m, but"),
        (["--hiden", "3"], "No such option '--hiden'."),
        (["trian"], "No such command 'trian'."),
        (["--lr", "1", "run"], "Options go after run, not before it."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(args: list[str], sentence: str) -> None:
    done = bntui(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"bntui: {sentence}")
    assert done.stderr.count("\n") == 1


def test_without_a_terminal_it_points_to_run() -> None:
    done = bntui()
    assert done.returncode == 2
    assert done.stderr == (
        "bntui: Standard input is not a terminal; bntui run trains without a screen.\n"
    )


def test_version() -> None:
    assert bntui("--version").stdout == f"bntui {__version__}\n"


@pytest.mark.parametrize("args", [["--help"], ["run", "--help"], ["engine", "--help"]])
def test_help_fits_80_columns_and_names_ranges(args: list[str]) -> None:
    result = CliRunner().invoke(cli, args, terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    if args != ["engine", "--help"]:
        assert "[32; 1 to 65,536]" in result.output
        for field in RunConfig.__struct_fields__:
            assert "--" + field.replace("_", "-") in result.output


@pytest.mark.parametrize("preset", ["makemore-deep", "makemore-200k"])
@pytest.mark.parametrize("option", ["--preset", "--share"])
def test_a_preset_of_other_data_does_not_train_on_the_twenty_names(
    option: str, preset: str, tmp_path: Path
) -> None:
    with pytest.raises(click.UsageError, match=f"{preset} needs --data"):
        parsed(option, preset)
    words = tmp_path / "names.txt"
    words.write_text("emma\n")
    assert parsed(option, preset, "--data", str(words)).preset == preset
