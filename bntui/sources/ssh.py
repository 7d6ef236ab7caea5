"""An engine on another machine, over the user's own ssh."""

import shlex
from collections.abc import AsyncIterator
from pathlib import Path

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.logs.reader import Decoder
from bntui.protocol import PROTOCOL, AnyEvent, Command, Ended, Failed, Hello, Log, Stop
from bntui.sources.local import CHUNK, EngineSource, last_line
from bntui.text import quoted

OPTIONS = (
    "-T",
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "ServerAliveInterval=10"),
    *("-o", "ServerAliveCountMax=3"),
)
"""No terminal, no tunnels of the user's config, and a dead line is noticed after 30 seconds."""

SSH_FAILED, NOT_FOUND, BAD_INPUT = 255, 127, 2


class SshSource(EngineSource):
    """`bntui engine` on `host`; `remote` is the command or path of bntui there.

    Raises:
        InputError: The host is empty or would be taken for an option.
    """

    def __init__(self, host: str, remote: str, config: RunConfig, log: str | None) -> None:
        super().__init__(config, log)
        if not host or host.startswith("-"):
            shown = quoted(host, limit=60)
            raise InputError(f"HOST is {shown}, but it takes a host's name, as ssh knows it.")
        self._host, self._remote = host, remote
        self._log: str | None = None

    def check(self, config: RunConfig) -> None:
        """The data are the other machine's, and its engine sees to them."""

    def command(self) -> tuple[str, ...]:
        """Arguments all the way; the one that a remote shell reads is quoted for it."""
        return ("ssh", *OPTIONS, "--", self._host, f"{shlex.quote(self._remote)} engine")

    async def events(self) -> AsyncIterator[AnyEvent]:
        """The engine's events; one that speaks another protocol is refused."""
        async for event in super().events():
            if isinstance(event, Hello) and event.protocol != PROTOCOL:
                yield event
                yield self._other_protocol(event)
                return
            if isinstance(event, Log):
                self._log = event.path
            yield event

    def _other_protocol(self, hello: Hello) -> Failed:
        return Failed(
            "crash",
            f"{self._host} has bntui {hello.version}, which speaks protocol {hello.protocol}; here "
            f"it is protocol {PROTOCOL}. Install the same version on both.",
        )

    def explain(self, code: int, last_line: str) -> str:
        """What went wrong, and what helps."""
        host = self._host
        if code == NOT_FOUND:
            return f"{host} has no bntui on its PATH; --remote says where it is."
        if "Host key verification failed" in last_line:
            return f"{host}'s key is not known yet; run ssh {host} once, check it and accept it."
        if "Permission denied" in last_line:
            return f"{host} wants a password or another key; ssh-copy-id {host} sets up yours."
        if code == SSH_FAILED and self._log:
            return f"The connection to {host} was lost ({last_line}); its log is {self._log}."
        if code == SSH_FAILED:
            return f"ssh {host} failed: {last_line}"
        return f"On {host}: {super().explain(code, last_line)}"


class SshLog(SshSource):
    """A log on `host`, followed while it grows; `log` is its name or path there, None the last one.

    Raises:
        InputError: The host is empty or would be taken for an option.
    """

    accepts_commands = False

    def __init__(self, host: str, remote: str, log: str | None) -> None:
        super().__init__(host, remote, RunConfig(), None)
        self.name = host if log is None else f"{host}:{Path(log).stem}"
        self._wanted = "--latest" if log is None else f"-- {shlex.quote(log)}"

    def command(self) -> tuple[str, ...]:
        """What copies the log to standard output there."""
        remote = f"{shlex.quote(self._remote)} events {self._wanted}"
        return ("ssh", *OPTIONS, "--", self._host, remote)

    async def _begin(self) -> None:
        """Nothing: a log is copied unasked."""

    async def events(self) -> AsyncIterator[AnyEvent]:
        """The log's events; then an `Ended`, or why there are no more."""
        process, decoder = await self.start(), Decoder()
        with self._errors:
            while process.stdout and (data := await process.stdout.read(CHUNK)):
                for event in decoder.feed(data):
                    yield event
            code, said = await process.wait(), last_line(self._errors)
            if code == 0:
                yield Ended()
            elif code == BAD_INPUT:
                yield Failed("input", f"On {self._host}: {said.removeprefix('bntui: ')}")
            elif not self._closing:
                yield Failed("crash", self.explain(code, said))

    async def send(self, command: Command) -> None:
        """Ignore it: a log accepts no commands; only the end of standard input stops the copy."""
        if isinstance(command, Stop) and self._process and self._process.stdin:
            self._process.stdin.close()
