"""The command line: `bntui` and its commands."""

import signal

_quiet = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _quiet:
    # ctrl+c during the imports ends the process without a traceback
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:  # in a thread
        _quiet = False

from bntui.cli.main import main  # noqa: E402

if _quiet:
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["main"]
