"""The command line: `bntui` and its commands."""

import signal
import threading

_in_main = threading.current_thread() is threading.main_thread()
if _in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # ctrl+c during the imports ends the process without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bntui.cli.main import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
else:
    from bntui.cli.main import main

__all__ = ["main"]
