"""Shell completion: commands, options, their values, and the names of logged runs."""

import os
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, shell_complete

from bntui.config.parsing import Accepted
from bntui.logs.writer import directory
from bntui.text import clean

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""What click takes as `shell_complete`."""

VARIABLE = "_BNTUI_COMPLETE"
"""Set by the shell to what it asks for: `bash_source`, `zsh_complete`, ..."""


def answer(command: click.Command) -> int | None:
    """Answer the shell and return the exit code; None if no shell asks."""
    if not (instruction := os.environ.get(VARIABLE)):
        return None
    try:
        return shell_complete(command, {}, "bntui", VARIABLE, instruction)
    except click.UsageError:  # what stands before is refused when the command is run
        return 1


def words(*choices: str) -> Complete:
    """Complete one of these words."""
    return lambda _ctx, _param, incomplete: _beginning(incomplete, choices)


def values(accepted: Accepted, incomplete: str) -> list[CompletionItem]:
    """The words that an option accepts; behind a comma, those of a list's next item."""
    if accepted.name == "FILE":
        return [CompletionItem(incomplete, type="file")]
    done, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(done + comma + word) for word in accepted.choices if word.startswith(last)
    ]


def run_names(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names of logged runs, newest first; paths where no name begins like that."""
    names = sorted((path.stem for path in directory().glob("*.jsonl")), reverse=True)
    fitting = _beginning(incomplete, [name for name in names if name == clean(name)])
    return fitting or [CompletionItem(incomplete, type="file")]


def _beginning(incomplete: str, words: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
