"""Keys of the user's own, from `keys.toml` in the config directory: `pause = "f5"`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from platformdirs import user_config_path

from bntui.errors import InputError
from bntui.text import clean
from bntui.tui.commands import KeyCommand, Keymap, rebound


def path() -> Path:
    """Where the file is, if there is one."""
    return user_config_path("bntui") / "keys.toml"


def read_keymap(screens: Callable[[], Sequence[Sequence[KeyCommand]]]) -> Keymap:
    """Keys by the names of commands; none where there is no file. `screens` has each one's.

    Raises:
        InputError: It cannot be read, names something else, or gives a key of a screen twice.
    """
    try:
        text = path().read_text("utf-8")
        import tomllib  # noqa: PLC0415 (only where there is a file)

        found = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = clean(getattr(error, "strerror", None) or str(error), 100)
        raise _refused(f"cannot be read ({reason})", "lines such as pause = 'f5'") from None
    every = screens()
    names = dict.fromkeys(command.name for commands in every for command in commands)
    for name, key in found.items():
        if name not in names:
            raise _refused(f"has {clean(name, 40)}", f"names of commands: {', '.join(names)}")
        if not isinstance(key, str) or not key:
            raise _refused(f"has {name} = {clean(str(key), 40)}", "keys in quotes, such as 'f5'")
    for commands in every:
        _check_once(found, commands)
    return found


def _check_once(found: Keymap, commands: Sequence[KeyCommand]) -> None:
    owners: dict[str, str] = {}
    for command in rebound(commands, found).values():
        for key in command.keys.split(","):
            owner = owners.setdefault(key, command.name)
            if owner != command.name and {owner, command.name} & found.keys():
                once = "each key once"
                raise _refused(f"has {clean(key, 40)} for {owner} and {command.name}", once)


def _refused(what: str, takes: str) -> InputError:
    return InputError(f"{clean(str(path()), 200)} {what}, but it takes {takes}.")
