"""A config as one string: there and back, and the sentence where it cannot be read."""

import shlex
from dataclasses import dataclass
from typing import get_args, get_origin

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bntui.cli.main import cli
from bntui.cli.options import config, run_options
from bntui.config.limits import bare, range_of
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.config.settings import SETTINGS
from bntui.config.share import parse, share
from bntui.errors import InputError

SHOWN = st.characters(exclude_categories=("C", "Zl", "Zp"))
"""A path with others is refused."""


def strategy(annotation: object) -> st.SearchStrategy[object]:
    """Every value of a field that decodes; floats of any size within its range."""
    kind, _, optional, words = bare(annotation)
    found: st.SearchStrategy[object] = st.from_type(kind)
    if allowed := range_of(annotation):
        low, high = allowed.low, allowed.high
        found = st.integers(int(low), int(high)) if allowed.whole else st.floats(low, high)
    elif kind is str:
        found = st.text(SHOWN, max_size=30)
    elif get_origin(kind) is tuple:
        norms = st.sampled_from(get_args(get_args(kind)[0]))
        found = st.lists(norms, min_size=1, max_size=4, unique=True).map(tuple)
    for word in words:
        found |= st.just(word)
    return st.none() | found if optional else found


VALUES = {name: strategy(kind) for name, kind in RunConfig.__annotations__.items()}
VALUES["preset"] = st.sampled_from(list(PRESETS))


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
    made = msgspec.convert(values, RunConfig)
    assert parse(share(made)) == made


@given(st.fixed_dictionaries(VALUES))
def test_the_command_line_reads_what_a_shell_makes_of_it(values: dict[str, object]) -> None:
    """Where it goes together: gn's groups divide the hidden units, a lecture's preset has data."""
    together = {"hidden": values["groups"], "data": values["data"] or "names.txt"}
    made = msgspec.convert({**values, **together}, RunConfig)
    assert Option().of(*shlex.split("--share " + shlex.quote(share(made)))) == made


@given(st.sampled_from(sorted(set(VALUES) - {"data"})).flatmap(
    lambda name: st.tuples(st.just(name), VALUES[name])))  # fmt: skip
def test_every_value_is_accepted_as_it_is_written(named: tuple[str, object]) -> None:
    name, value = named
    assert SETTINGS[name].accepted.parse(SETTINGS[name].write(value)) == value


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
        ("notebook depht=5", "unknown setting 'depht'; did you mean depth?"),
        ("batchsize=5", "unknown setting 'batchsize'; did you mean batch-size?"),
        ("preset=x", "unknown setting 'preset'; it takes a preset, then differences such as"),
        ("\x1b=1", "unknown setting '\ufffd'; it takes a preset"),
        ("lr=1 notebook", "'notebook' has no =; it takes a preset, then differences such as"),
        ("lr=1 lr=2", "lr is there twice, but it takes each name once."),
        ("'data=a", "'data=a cannot be read (no closing quotation)."),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(text)
    assert str(refused.value).startswith(f"--share: {sentence}")


def test_options_beside_it_change_what_they_name() -> None:
    share_text = "makemore-deep lr=0.5 depth=3 data=names.txt"
    made = Option().of("--share", share_text, "--depth", "2")
    preset = PRESETS["makemore-deep"]
    assert made == msgspec.structs.replace(preset, lr=0.5, depth=2, data="names.txt")


def test_a_lectures_preset_without_its_words_is_refused() -> None:
    with pytest.raises(click.UsageError, match="makemore-deep needs --data"):
        Option().of("--share", "makemore-deep lr=0.5")


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
