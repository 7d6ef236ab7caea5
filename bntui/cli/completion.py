"""Shell completion: commands, options, their values, and the names of logged runs."""

import os
from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem, shell_complete
from msgspec import inspect

from bntui.config.limits import fields
from bntui.config.presets import PRESETS
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


def setting_values(setting: str, incomplete: str) -> list[CompletionItem]:
    """The values of a field of RunConfig that begin with `incomplete`."""
    if setting == "data":
        return [CompletionItem(incomplete, type="file")]
    if setting == "preset":
        return _beginning(incomplete, PRESETS)
    kinds = {field.name: field.type for field in fields()}
    if setting not in kinds:
        return []
    done, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(done + comma + word)
        for word in _words(kinds[setting])
        if word.startswith(last)
    ]


def _words(kind: inspect.Type) -> Iterator[str]:
    """The words among a type's values."""
    match kind:
        case inspect.LiteralType(values=values):
            yield from map(str, values)
        case inspect.BoolType():
            yield from ("yes", "no")
        case inspect.Metadata(type=inner) | inspect.VarTupleType(item_type=inner):
            yield from _words(inner)


def run_names(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names of logged runs, newest first; paths where no name begins like that."""
    names = sorted((path.stem for path in directory().glob("*.jsonl")), reverse=True)
    fitting = _beginning(incomplete, [name for name in names if name == clean(name)])
    return fitting or [CompletionItem(incomplete, type="file")]


def _beginning(incomplete: str, words: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
