"""The README's commands work as printed, and it stays short."""

import re
import shlex
import subprocess
from contextlib import suppress
from pathlib import Path

import click
import pytest

from bntui.cli.main import cli

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {
        part.strip()
        for quoted in re.findall(r"`(bntui(?: [^`]*)?)`", TEXT)
        for part in quoted.replace("\\|", "|").split("|")
    }
)


def test_there_are_commands() -> None:
    assert {"bntui", "bntui run --json", "bntui open -", "bntui --lr 1000"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_options_are_accepted(command: str) -> None:
    name, *words = shlex.split(command)
    with suppress(click.exceptions.Exit):  # --help prints and exits
        context = cli.make_context(name, words)
        if rest := [*context._protected_args, *context.args]:
            _, subcommand, rest = cli.resolve_command(context, rest)
            assert subcommand
            subcommand.make_context(subcommand.name, rest, parent=context)


@pytest.mark.parametrize("code", [code for kind, code in BLOCKS if kind == "python"])
def test_python_code_runs(code: str) -> None:
    exec(code, {})


@pytest.mark.parametrize("code", [code for kind, code in BLOCKS if kind == "sh"])
def test_a_shell_command_parses(code: str) -> None:
    assert subprocess.run(["bash", "-n"], input=code.encode(), check=False).returncode == 0


@pytest.mark.parametrize("marker", ["app", "tests"])
def test_a_marker_stands_before_its_command(marker: str) -> None:
    found = re.search(rf"^<!-- setup: {marker} -->\n```sh\n(.+)\n```$", TEXT, re.MULTILINE)
    assert found
    assert found[1].startswith("python3 -m venv .venv && .venv/bin/pip install -q 'torch<")


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", TEXT))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (README.parent / target).exists()


def test_it_is_short() -> None:
    assert len(TEXT.split()) < 1200
