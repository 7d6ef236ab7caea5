"""Keys of the user's own, from `keys.toml` in the config directory: `pause = "f5"`."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_config_path

from bntui.errors import InputError
from bntui.text import clean
from bntui.tui.commands import KeyCommand, Keymap


def path() -> Path:
    """Where the file is, if there is one."""
    return user_config_path("bntui") / "keys.toml"


def read_keymap(commands: Iterable[KeyCommand]) -> Keymap:
    """Keys by the names of `commands`; none where there is no file.

    Raises:
        InputError: It cannot be read, names something else, or gives a key twice.
    """
    try:
        found = tomllib.loads(path().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error), 100)
        raise _refused(f"cannot be read ({reason})", "lines such as pause = 'f5'") from None
    keys = {command.name: command.keys for command in commands}
    for name, key in found.items():
        if name not in keys:
            raise _refused(f"has {clean(name, 40)}", f"names of commands: {', '.join(keys)}")
        if not isinstance(key, str) or not key:
            raise _refused(f"has {name} = {clean(str(key), 40)}", "keys in quotes, such as 'f5'")
        keys[name] = key
    owners: dict[str, str] = {}
    for name, several in keys.items():
        for key in several.split(","):
            if (owner := owners.setdefault(key, name)) != name and {owner, name} & found.keys():
                raise _refused(f"has {clean(key, 40)} for {owner} and {name}", "each key once")
    return found


def _refused(what: str, takes: str) -> InputError:
    return InputError(f"{clean(str(path()), 200)} {what}, but it takes {takes}.")
