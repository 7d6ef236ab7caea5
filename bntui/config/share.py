"""The whole config as one short string: a preset and what differs from it.

`notebook lr=0.5 depth=5 arms=none,bn-torch` is the same lab on anyone's machine. Parts are written
as a shell writes words, so that a file's name may hold blanks.
"""

import shlex
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

from bntui.config.diff import differing
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.config.settings import SETTINGS
from bntui.errors import InputError
from bntui.text import clean

TAKES = "it takes a preset, then differences such as lr=0.5 or batch-size=64"

NAMED = [name for name in RunConfig.__struct_fields__ if name != "preset"]
"""What can be named after the preset."""


def share(config: RunConfig) -> str:
    """`config` as one string, which `parse` reads."""
    preset = PRESETS.get(config.preset, PRESETS["notebook"])
    changed = {name: new for name, (_, new) in differing(preset, config).items() if name in NAMED}
    words = (f"{SETTINGS[name].key}={SETTINGS[name].write(new)}" for name, new in changed.items())
    return shlex.join([config.preset, *words])


def parse(text: str) -> RunConfig:
    """The config that `text` stands for.

    Raises:
        InputError: A setting is unknown, or its value is not accepted.
    """
    preset, named = parts(text)
    return msgspec.structs.replace(PRESETS[preset], **named)


def parts(text: str) -> tuple[str, dict[str, Any]]:
    """The preset's name (the notebook's where none is given) and the fields that are named.

    Raises:
        InputError: As in `parse`.
    """
    words = _words(text)
    preset = words.pop(0) if words and "=" not in words[0] else "notebook"
    if preset not in PRESETS:
        raise _refused(SETTINGS["preset"].accepted.refusal("its first word", preset))
    return preset, _named(words)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        reason = str(error).lower().rstrip(".")
        raise _refused(f"{clean(text, limit=60)} cannot be read ({reason}).") from None


def _named(words: Iterable[str]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        name = key.replace("-", "_")
        if not equals:
            raise _refused(f"{_quoted(word)} has no =; {TAKES}.")
        if name not in NAMED:
            raise _refused(_unknown(key))
        if name in named:
            raise _refused(f"{key} is there twice, but it takes each name once.")
        try:
            named[name] = SETTINGS[name].accepted.parse(text)
        except ValueError:
            raise _refused(SETTINGS[name].accepted.refusal(key, text)) from None
    return named


def _unknown(key: str) -> str:
    """That there is no such setting; the nearest that there is, where one is near."""
    keys = [SETTINGS[name].key for name in NAMED]
    near = get_close_matches(key.replace("_", "-"), keys, 1)
    return f"unknown setting {_quoted(key)}; " + (
        f"did you mean {near[0]}?" if near else f"{TAKES}."
    )


def _quoted(text: str) -> str:
    return f"'{clean(text, limit=60)}'"


def _refused(sentence: str) -> InputError:
    return InputError(f"--share: {sentence}")
