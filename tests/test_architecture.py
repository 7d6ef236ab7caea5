"""The rooms of the package: imports point down this list, never up, never in a circle."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "bntui"

ROOMS = (
    *("cli", "bench", "tui", "sweep", "watch", "doctor", "core", "export", "history"),
    *("sources", "logs", "protocol", "config", "data", "text", "errors"),
)
"""Top to bottom."""

MOST_TOP_LEVEL_MODULES = 6


class Import(NamedTuple):
    """One `from bntui... import name`, and where it stands."""

    importer: str
    imported: str
    name: str
    line: int


@cache
def every() -> list[Import]:
    """All of them, read once."""
    return list(imports())


def imports() -> Iterator[Import]:
    for path in PACKAGE.rglob("*.py"):
        importer = ".".join(("bntui", *path.relative_to(PACKAGE).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                if node.module.split(".")[0] == "bntui":
                    for alias in node.names:
                        yield Import(importer, node.module, alias.name, node.lineno)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == "bntui":
                        yield Import(importer, alias.name, "", node.lineno)


def room(module: str, name: str = "") -> str:
    """The room of a module; of `from bntui import x`, that of x."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else name


def test_imports_are_found() -> None:
    assert len(every()) > 300


def test_imports_point_down() -> None:
    rank = {name: place for place, name in enumerate(ROOMS)}
    upward = [
        f"{one.importer}:{one.line} imports {one.imported}"
        for one in every()
        if room(one.importer) in rank
        and room(one.imported, one.name) in rank
        and rank[room(one.imported, one.name)] < rank[room(one.importer)]
    ]
    assert upward == []


def test_every_room_is_in_the_list() -> None:
    top = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or is_room(path)}
    assert top - {"__init__", "__main__", "lightning", "transformers"} <= set(ROOMS)


def is_room(path: Path) -> bool:
    return path.is_dir() and (path / "__init__.py").exists()


def test_the_top_level_has_few_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_TOP_LEVEL_MODULES


def test_no_private_name_crosses_rooms() -> None:
    private = [
        f"{one.importer}:{one.line} imports {one.name} of {one.imported}"
        for one in every()
        if one.name.startswith("_")
        and not one.name.startswith("__")
        and room(one.importer) != room(one.imported)
    ]
    assert private == []


@pytest.mark.parametrize("parent", ["core", "tui"])
def test_inner_rooms_have_no_circles(parent: str) -> None:
    """Between the folders of a large room, too, arrows go one way."""
    arrows: dict[str, set[str]] = {}
    for one in every():
        here, there = one.importer.split("."), one.imported.split(".")
        if here[1:2] == there[1:2] == [parent]:
            inner = here[2], there[2] if len(there) > 2 else one.name
            if inner[0] != inner[1] and all((PACKAGE / parent / name).is_dir() for name in inner):
                arrows.setdefault(inner[0], set()).add(inner[1])
    list(TopologicalSorter(arrows).static_order())
