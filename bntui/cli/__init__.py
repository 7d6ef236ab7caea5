"""The command line: `bntui` and its commands."""

from bntui.cli.main import main

__all__ = ["main"]
