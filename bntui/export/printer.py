"""Printing of tables and progress."""

import errno
import os

from rich.console import Console


class Printer(Console):
    """A console; where its reader is gone, the command ends as by SIGPIPE."""

    def on_broken_pipe(self) -> None:
        """Raise again: rich would end the program with code 1."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
