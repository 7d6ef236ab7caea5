"""A config as one string: there and back, and the sentence where it cannot be read."""

import shlex
from dataclasses import dataclass

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bntui.cli.main import cli
from bntui.cli.options import config, run_options
from bntui.config.parsing import ACCEPTED, text_of
from bntui.config.presets import PRESETS
from bntui.config.schema import ARM_NAMES, RunConfig
from bntui.config.share import parse, share
from bntui.errors import InputError

NORMS = list(ARM_NAMES)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


VALUES: dict[str, st.SearchStrategy[object]] = {
    "preset": st.sampled_from(list(PRESETS)),
    "data": st.none() | st.text(max_size=30),
    "seed": st.integers(0, 2**63 - 1),
    "steps": st.integers(1, 10**9),
    "batch_size": st.integers(1, 65_536),
    "lr": numbers(0, 1e6),
    "momentum": numbers(0, 1),
    "eps": numbers(0, 1),
    "hidden": st.integers(1, 10_000),
    "depth": st.integers(1, 50),
    "block_size": st.integers(1, 64),
    "emb": st.integers(1, 1000),
    "context": st.sampled_from(["inside", "padded"]),
    "arms": st.lists(st.sampled_from(NORMS), min_size=1, max_size=4, unique=True).map(tuple),
    "activation": st.sampled_from(["tanh", "sigmoid", "relu"]),
    "init": st.sampled_from(["unit", "fan-in", "zero"]),
    "gain": numbers(0, 100),
    "placement": st.sampled_from(["hidden", "all"]),
    "bias": st.booleans(),
    "ghost": st.none() | st.integers(1, 65_536),
    "groups": st.integers(1, 10_000),
    "lr_drop": st.none() | st.integers(1, 10**9),
    "split": st.booleans(),
    "split_seed": st.integers(0, 2**63 - 1),
    "pace": st.none() | numbers(0.1, 1e6),
    "device": st.sampled_from(["cpu", "cuda", "mps"]),
}


@dataclass
class Option:
    """What `bntui` makes of its arguments."""

    made: RunConfig | None = None

    def of(self, *args: str) -> RunConfig:
        @click.command()
        @run_options
        @click.pass_context
        def command(ctx: click.Context, /, **_: object) -> None:
            self.made = config(ctx)

        command.main(args, standalone_mode=False)
        assert self.made
        return self.made


@given(st.fixed_dictionaries(VALUES))
def test_every_config_survives_the_way_there_and_back(values: dict[str, object]) -> None:
    assert set(VALUES) == set(RunConfig.__struct_fields__)
    made = msgspec.convert(values, RunConfig)
    assert parse(share(made)) == made


@given(st.fixed_dictionaries(VALUES))
def test_the_command_line_reads_what_a_shell_makes_of_it(values: dict[str, object]) -> None:
    made = msgspec.convert({**values, "hidden": values["groups"]}, RunConfig)  # gn divides them
    assert Option().of(*shlex.split("--share " + shlex.quote(share(made)))) == made


@given(st.sampled_from(sorted(set(VALUES) - {"data"})).flatmap(
    lambda name: st.tuples(st.just(name), VALUES[name])))  # fmt: skip
def test_every_value_is_accepted_as_it_is_written(named: tuple[str, object]) -> None:
    name, value = named
    assert ACCEPTED[name].parse(text_of(name, value)) == value


def test_only_differences_are_written() -> None:
    assert share(RunConfig()) == "notebook"
    assert share(PRESETS["makemore-deep"]) == "makemore-deep"
    changed = RunConfig(lr=0.5, depth=5, arms=("none", "bn-torch"), batch_size=2, pace=None)
    assert share(changed) == "notebook batch-size=2 lr=0.5 depth=5 arms=none,bn-torch pace=max"
    assert share(RunConfig(data="my names.txt")) == "notebook 'data=my names.txt'"


def test_a_preset_alone_and_differences_alone() -> None:
    assert parse("makemore-deep") == PRESETS["makemore-deep"]
    assert parse("lr=0.5 batch_size=2") == RunConfig(lr=0.5, batch_size=2)
    assert parse("") == RunConfig()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("notebook lr=fast", "lr is fast, but it takes a number from 0 to 1,000,000."),
        ("batch-size=0", "batch-size is 0, but it takes a whole number from 1 to 65,536."),
        ("lr=nan", "lr is nan, but it takes a number from 0 to 1,000,000."),
        ("lr=", "lr is empty, but it takes a number"),
        ("note", "its first word is note, but it takes notebook, makemore-deep or makemore-200k."),
        ("notebook speed=1", "speed=1 is no part of it; it takes a preset, then differences such"),
        ("lr=1 notebook", "notebook is no part of it; it takes a preset"),
        ("lr=1 lr=2", "lr is there twice, but it takes each name once."),
        ("'data=a", "'data=a cannot be read (no closing quotation)."),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(text)
    assert str(refused.value).startswith(f"--share: {sentence}")


def test_options_beside_it_change_what_they_name() -> None:
    made = Option().of("--share", "makemore-deep lr=0.5 depth=3", "--depth", "2")
    assert made == msgspec.structs.replace(PRESETS["makemore-deep"], lr=0.5, depth=2)


def test_a_preset_beside_it_is_refused() -> None:
    with pytest.raises(click.UsageError, match="--share and --preset exclude each other"):
        Option().of("--share", "notebook", "--preset", "notebook")


def test_before_a_command_it_is_refused_like_every_option() -> None:
    result = CliRunner().invoke(cli, ["--share", "notebook", "run"])
    assert result.exit_code == 2
    assert "Options go after run" in result.output


def test_help_names_every_presets_source() -> None:
    text = " ".join(CliRunner().invoke(cli, ["--help"]).output.split())
    assert "makemore-deep: karpathy/nn-zero-to-hero, makemore part 3" in text
