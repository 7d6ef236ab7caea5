"""Who may import whom, seen in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "textual", "rich", "plotext")


def loaded_by(code: str, packages: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of the packages are loaded after `code`."""
    program = f"{code}\nimport sys\nprint(*sorted(set({packages!r}) & set(sys.modules)))"
    run = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        *(
            "bntui",
            "bntui.cli.main",
            "bntui.cli.options",
            "bntui.protocol",
            "bntui.protocol.codec",
            "bntui.history.history",
        ),
        *("bntui.config.share", "bntui.config.parsing"),
        *(
            "bntui.sources.local",
            "bntui.data.word_file",
            "bntui.core.engine.loop",
            "bntui.core.engine.process",
        ),
    ],
)
def test_what_must_start_at_once_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


def test_ctrl_c_is_quiet_before_anything_takes_a_moment() -> None:
    assert loaded_by("import bntui", ("typing", "threading", "enum")) == set()


def test_help_loads_nothing_that_takes_a_moment() -> None:
    code = (
        "import sys; sys.argv = ['bntui', '--help']\n"
        "from bntui.cli.main import main\n"
        "sys.stdout = open('/dev/null', 'w')\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout = sys.__stdout__"
    )
    assert loaded_by(code, (*HEAVY, "asyncio")) == set()


def test_core_knows_no_screen_and_the_public_name_loads_torch_when_it_is_used() -> None:
    code = (
        "from bntui import BatchNorm1d\n"
        "import sys; assert 'torch' in sys.modules\n"
        "import pkgutil, importlib, bntui.core as package\n"
        "for found in pkgutil.walk_packages(package.__path__, 'bntui.core.'):\n"
        "    importlib.import_module(found.name)"
    )
    assert loaded_by(code) == {"torch"}


def test_the_screen_knows_no_torch() -> None:
    code = (
        "import pkgutil, importlib, bntui.tui as package\n"
        "for found in pkgutil.walk_packages(package.__path__, 'bntui.tui.'):\n"
        "    importlib.import_module(found.name)"
    )
    loaded = loaded_by(code)
    assert "torch" not in loaded
    assert "textual" in loaded
