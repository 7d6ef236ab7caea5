"""Which signals end a program in good order."""

import signal

ENDING = tuple(
    signal.Signals[name]
    for name in (
        *("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM"),
        *("SIGPROF", "SIGXCPU", "SIGXFSZ", "SIGABRT", "SIGIO", "SIGPWR", "SIGSTKFLT"),
    )
    if name in signal.Signals.__members__
)
"""Signals that end a process by default and that a handler can catch.

Unhandled, each would leave a terminal as it is while the program draws on it, and the engine alone.
The exit code is 128 + the signal's number.
"""
