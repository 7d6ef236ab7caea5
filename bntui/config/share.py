"""The whole config as one short string: a preset and what differs from it.

`notebook lr=0.5 depth=5 arms=none,bn-torch` is the same lab on anyone's machine. Parts are written
as a shell writes words, so that a file's name may hold blanks.
"""

import shlex
from collections.abc import Iterable
from typing import Any

import msgspec

from bntui.config.parsing import ACCEPTED, Accepted, text_of
from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.text import clean

TAKES = "it takes a preset, then differences such as lr=0.5 or batch-size=64"


def share(config: RunConfig) -> str:
    """`config` as one string, which `parse` reads."""
    preset = PRESETS.get(config.preset, PRESETS["notebook"])
    return shlex.join([config.preset, *differences(preset, config)])


def differences(one: RunConfig, other: RunConfig) -> list[str]:
    """What `other` has that `one` has not, as `lr=0.5`; the preset's name is left out."""
    before, after = msgspec.structs.asdict(one), msgspec.structs.asdict(other)
    return [
        f"{name.replace('_', '-')}={text_of(name, value)}"
        for name, value in after.items()
        if name != "preset" and value != before[name]
    ]


def parse(text: str) -> RunConfig:
    """The config that `text` stands for.

    Raises:
        InputError: A part of it names nothing, or a value that cannot be.
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
        raise _refused(ACCEPTED["preset"].refusal("its first word", preset))
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
        key, equals, value = word.partition("=")
        name = key.replace("-", "_")
        if not equals or name not in ACCEPTED or name == "preset":
            raise _refused(f"{clean(word, limit=60) or 'an empty word'} is no part of it; {TAKES}.")
        if name in named:
            raise _refused(f"{key} is there twice, but it takes each name once.")
        named[name] = _value(key, ACCEPTED[name], value)
    return named


def _value(key: str, accepted: Accepted, text: str) -> object:
    try:
        return accepted.parse(text)
    except ValueError:
        raise _refused(accepted.refusal(key, text)) from None


def _refused(sentence: str) -> InputError:
    return InputError(f"--share: {sentence}")
