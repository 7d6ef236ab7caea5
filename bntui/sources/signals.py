"""Which signals end a program in good order."""

import signal

ENDING = tuple(
    signal.Signals[name]
    for name in (
        *("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM"),
        *("SIGPROF", "SIGXCPU", "SIGXFSZ", "SIGABRT", "SIGIO", "SIGPWR", "SIGSTKFLT"),
        *("SIGSYS", "SIGTRAP"),
    )
    if name in signal.Signals.__members__
)
"""Signals that end a process by default and that a handler can catch.

Unhandled, each would leave a terminal as it is while the program draws on it, and the engine alone.
The exit code is 128 + the signal's number. SIGSEGV, SIGBUS, SIGILL and SIGFPE are left out: Python
runs a handler after the instruction that was interrupted, and one that faults is never over. They
leave the terminal to `reset`, as SIGKILL does, and the engine ends when it sees its pipe closed.
"""
