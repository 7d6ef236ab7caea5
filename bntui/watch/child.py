"""A user's script as `__main__`, its models watched: `python -P -m bntui.watch.child ...`.

    --log PATH [--announce] [--steps N] [--every N] [--budget X] [--name NAME]
        (SCRIPT | -m MODULE) ARGS...

`--announce` prints where the log is, `--steps` ends the script before its optimizer step N + 1.

The script finds what Python itself would have set up: argv, path, `__file__`, working directory,
standard streams and signals; its exit code and tracebacks are the usual ones. torch is not imported
for a script that does not import it.
"""

import argparse
import builtins
import importlib.util
import io
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from bntui.text import clean
from bntui.watch import command

if TYPE_CHECKING:
    from torch import nn

    from bntui.watch.discovery import Discovery
    from bntui.watch.handle import Watch

OURS = {__file__, "<frozen runpy>"}
"""Files whose frames are no part of the script's traceback."""


class StepsDone(BaseException):
    """The script made as many optimizer steps as it was started for."""


class Finder(MetaPathFinder):
    """Starts the discovery of models as soon as torch has been imported."""

    def __init__(self, watcher: "Watcher") -> None:
        self._watcher = watcher

    def find_spec(self, name: str, path: object, target: object = None, /) -> ModuleSpec | None:
        """The spec of torch, found by the others, with a loader that calls us at its end."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            self._call_after(spec.loader)
        return spec

    def _call_after(self, loader: Loader) -> None:
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            load(module)
            self._watcher.start()

        loader.exec_module = exec_module  # type: ignore[method-assign]  # of this instance alone


class Watcher:
    """Watches what the script runs; a fault of ours is reported once and changes nothing."""

    def __init__(self, options: argparse.Namespace, script: str) -> None:
        self._options, self._script = options, script
        self._watch: Watch | None = None
        self._discovery: Discovery | None = None
        self._problem: str | None = None

    def start(self) -> None:
        """Look for models from here on."""
        try:
            from bntui.watch.discovery import Discovery  # noqa: PLC0415 (torch is there by now)

            self._discovery = Discovery(self._add, self._report, self._options.steps, _end)
        except Exception as error:
            self._report(error)

    def _add(self, model: "nn.Module") -> None:
        if self._watch is not None:
            if not self._watch.closed:
                self._watch.add(model)
            return
        from bntui.protocol import LOG_BY_DEFAULT  # noqa: PLC0415
        from bntui.watch.handle import Watch, watch_of  # noqa: PLC0415

        own = watch_of(model)
        if own and own.path and command.log in {LOG_BY_DEFAULT, str(own.path)}:
            self._watch = own  # the script itself watches, where we would
            return
        self._watch = Watch(
            {clean(type(model).__name__, 80): model},
            name=self._options.name or self._script,
            log=self._options.log,
            every=self._options.every,
            budget=self._options.budget,
            probe=None,
            script=self._script,
        )
        if self._options.announce:
            self._watch.announce()

    def _report(self, error: Exception) -> None:
        self._problem = clean(f"{type(error).__name__}: {error}", 300)
        _write(f"{self._script} is not watched: {self._problem}")

    def fail(self, error: BaseException) -> None:
        """The script ends with an error, which its log shall say."""
        if self._watch is not None:
            self._watch.fail(error)

    def conclude(self) -> None:
        """The script is done: say if there was nothing to watch."""
        if self._watch is None and self._problem is None:
            has_torch = "torch" in sys.modules
            reason = "no model with BatchNorm ran" if has_torch else "torch was not imported"
            if self._discovery is not None and self._discovery.constructed:
                reason += " where hooks are called (a step that is compiled as a whole calls none)"
            _write(
                f"nothing was watched or logged: {reason} in {self._script}. Processes that it "
                "starts are not watched; bntui.watch(model) in their code watches them."
            )


def _end() -> None:
    raise StepsDone


def _write(sentence: str) -> None:
    try:
        print(f"bntui: {sentence}", file=sys.stderr)  # noqa: T201
    except Exception:
        return  # the script closed it


def main() -> None:
    """Run the script and end as it ends."""
    options = _parse(sys.argv[1:])
    command.log = options.log
    watcher = Watcher(options, clean(Path(options.script).name, 80))
    if "torch" in sys.modules:  # by a .pth file
        watcher.start()
    else:
        sys.meta_path.insert(0, Finder(watcher))
    _drop_our_path()
    try:
        load = _module if options.m else _file
        module, code = load(options.script, options.arguments)
        sys.modules["__main__"] = module
        exec(code, module.__dict__)
    except StepsDone:
        sys.exit(0)
    except BaseException as error:
        watcher.fail(error)
        _hide_our_frames()
        raise
    finally:
        watcher.conclude()


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bntui.watch.child", allow_abbrev=False)
    parser.add_argument("--log", required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--every", type=int)
    parser.add_argument("--budget", type=float, default=0.02)
    parser.add_argument("--name")
    parser.add_argument("--announce", action="store_true")
    parser.add_argument("-m", action="store_true")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args(arguments)


def _drop_our_path() -> None:
    """Without -P, Python has put the working directory there for us."""
    if not sys.flags.safe_path:
        sys.path.pop(0)


def _prepend(directory: str) -> None:
    """What Python does for the script, unless the user asked it not to."""
    if not os.environ.get("PYTHONSAFEPATH"):
        sys.path.insert(0, directory)


def _file(path: str, arguments: list[str]) -> tuple[ModuleType, CodeType]:
    sys.argv = [path, *arguments]
    _prepend(str(Path(path).resolve().parent))
    full = os.path.abspath(path)  # noqa: PTH100 (as Python: without resolving links)
    with io.open_code(full) as file:
        code = compile(file.read(), full, "exec")
    return _main(full, SourceFileLoader("__main__", full), None, None), code


def _module(name: str, arguments: list[str]) -> tuple[ModuleType, CodeType]:
    sys.argv = ["-m", *arguments]
    _prepend(os.getcwd())  # noqa: PTH109
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{name}.__main__")
    loader: Any = spec.loader if spec else None
    code = loader.get_code(spec.name) if spec and hasattr(loader, "get_code") else None
    if spec is None or code is None:
        raise ModuleNotFoundError(f"no module named {name!r} that can be run")
    sys.argv[0] = spec.origin or name
    return _main(spec.origin or name, spec.loader, spec, spec.parent), code


def _main(file: str, loader: object, spec: ModuleSpec | None, package: str | None) -> ModuleType:
    """A `__main__` as Python makes it."""
    module = ModuleType("__main__")
    found: dict[str, Any] = {
        "__file__": file, "__loader__": loader, "__spec__": spec, "__package__": package,
        "__cached__": spec.cached if spec else None, "__annotations__": {},
        "__builtins__": builtins,
    }  # fmt: skip
    module.__dict__.update(found)
    return module


def _hide_our_frames() -> None:
    """Have whatever prints the traceback begin it where the script does."""
    hook = sys.excepthook

    def print_it(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        while trace is not None and trace.tb_frame.f_code.co_filename in OURS:
            trace = trace.tb_next
        hook(kind, error.with_traceback(trace), trace)

    sys.excepthook = print_it


if __name__ == "__main__":
    main()
