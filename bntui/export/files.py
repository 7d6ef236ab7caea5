"""A run log as a long table (CSV, Parquet) or as a summary (JSON)."""

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from math import isnan
from pathlib import Path
from typing import IO

import msgspec

from bntui.errors import InputError
from bntui.export.long_table import Row, rows
from bntui.export.watched_table import WatchedRow, watched_rows
from bntui.history.arm import ArmHistory, measured_modes
from bntui.history.history import History
from bntui.logs.index import differences
from bntui.protocol import AnyEvent, ModeLosses, SplitLosses, Watching
from bntui.text import clean, quoted

BATCH = 50_000
"""Rows written to a Parquet file at a time."""


def table(
    events: Iterable[AnyEvent],
) -> tuple[tuple[str, ...], Iterator[Row] | Iterator[WatchedRow]]:
    """Columns and rows of the long table: a lab's run, or a watched one, by the first event."""
    following = iter(events)
    head = list(islice(following, 1))
    every = chain(head, following)
    if head and isinstance(head[0], Watching):
        return WatchedRow._fields, watched_rows(every)
    return Row._fields, rows(every)


def write_csv(events: Iterable[AnyEvent], place: str) -> None:
    """Write `rows` as CSV with a header; a number that was not finite is an empty field."""
    with _new_file(place) as file:
        names, every = table(events)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(every)


def write_parquet(events: Iterable[AnyEvent], place: str) -> None:
    """Write `rows` as Parquet.

    Raises:
        InputError: pyarrow is not installed, or the file exists or cannot be written.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 (an extra)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise InputError("--parquet needs pyarrow: pip install pyarrow.") from None
    kinds = (pa.int64(), pa.string(), pa.string(), pa.float64())
    _refuse_existing(place)
    names, every = table(events)
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    try:
        with parquet.ParquetWriter(place, schema) as writer:
            while part := list(islice(every, BATCH)):
                columns = [list(column) for column in zip(*part, strict=True)]
                writer.write_table(pa.table(columns, schema=schema))
    except OSError as error:
        reason = clean(str(error), limit=200)
        raise InputError(f"{quoted(place)} cannot be written ({reason}).") from None


def write_summary(history: History, place: str) -> None:
    """Write config and results per network (losses, saturation, train/eval gap) as JSON."""
    if history.hello is None:
        raise InputError("This log has no run.")
    summary = {
        "config": msgspec.to_builtins(history.config),
        "differs": differences(history.config),
        "started": history.hello.started,
        "steps": history.steps,
        "seconds": history.elapsed,
        "finished": bool(history.state and history.state.state == "finished"),
        "arms": {name: _arm(arm) for name, arm in history.arms.items()},
    }
    with _new_file(place) as file:
        json.dump(summary, file, indent=2, allow_nan=False)
        file.write("\n")


def _arm(arm: ArmHistory) -> dict[str, object]:
    lowest, _, _ = arm.loss.over(0, len(arm.loss))
    layers = sorted(arm.activations.items())
    last = arm.modes[-1] if arm.modes else None
    split = arm.latest(SplitLosses)
    return {
        "final_loss": _finite(arm.loss.last),
        "best_loss": _finite(lowest),
        "mean_loss_of_last_500": _finite(arm.last_mean),
        "saturation_at_init": [events[0].saturation for _, events in layers],
        "saturation": [events[-1].saturation for _, events in layers],
        "n": last.sizes if last else [],
        "train_loss": last.train if last else [],
        "eval_loss": last.eval if last else [],
        "train_eval_gap": _gap(last) if last else None,
        "split_loss": split.losses if split else {},
        "split_examples": split.examples if split else {},
        "diverged_at": arm.diverged.step if arm.diverged else None,
    }


def _gap(last: ModeLosses) -> float | None:
    """Training minus evaluation mode, on the largest batch measured."""
    rows = measured_modes(last)
    _, train, evaluation = rows[-1] if rows else (0, None, None)
    return None if train is None or evaluation is None else train - evaluation


def _finite(value: float) -> float | None:
    """The number that the event had: columns are float32, events have six digits."""
    return None if isnan(value) else float(f"{value:.6g}")


@contextmanager
def _new_file(place: str) -> Iterator[IO[str]]:
    """A new text file, or standard output for -."""
    if place == "-":
        yield sys.stdout
        return
    _refuse_existing(place)
    try:
        with Path(place).open("x", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise InputError(f"{quoted(place)} cannot be written ({error.strerror}).") from None


def _refuse_existing(place: str) -> None:
    if os.path.lexists(place):
        raise InputError(f"{quoted(place)} already exists; an export needs a new file name.")
