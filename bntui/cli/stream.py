"""`bntui events`: a log's lines on standard output, as `bntui ssh HOST open` reads them."""

import os
import select
import sys
from pathlib import Path

import click

from bntui.cli.completion import run_names
from bntui.logs.reader import CHUNK, is_growing, open_file, was_truncated
from bntui.logs.writer import find, latest

POLL_EVERY = 0.2
"""Seconds between two looks at a log that may grow."""


@click.command(hidden=True)
@click.argument("log", required=False, shell_complete=run_names)
@click.option("--latest", "is_latest", is_flag=True, help="The run that was logged last.")
def events(log: str | None, is_latest: bool) -> int:
    """Write a log to standard output as it grows, until its run ends or standard input does."""
    copy(named(log, is_latest))
    return 0


def named(log: str | None, is_latest: bool) -> Path:
    """The log of that name or path, or the last one.

    Raises:
        InputError: There is no last one.
    """
    if is_latest == bool(log):
        raise click.UsageError("Give either the name of a log or --latest.")
    return find(log) if log else latest()


def copy(path: Path) -> None:
    """Copy a log's bytes to standard output, those that are appended later too.

    Raises:
        InputError: It is missing, unreadable, a directory, or no run log.
    """
    with open_file(path) as file:
        while True:
            ends = not is_growing(file)
            if was_truncated(file):
                sys.stdout.buffer.write(b"\n")  # the end of a line that was cut
            while data := file.read(CHUNK):
                sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            if ends or _is_closed(POLL_EVERY):
                return


def _is_closed(seconds: float) -> bool:
    """Whether the reader hangs up, which ends standard input, within so many seconds."""
    ready, _, _ = select.select([0], [], [], seconds)
    return bool(ready) and not os.read(0, CHUNK)
