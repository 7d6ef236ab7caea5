"""An engine on another machine, over the user's own ssh."""

import shlex
from collections.abc import AsyncIterator

from bntui.config.schema import RunConfig
from bntui.errors import InputError
from bntui.protocol import PROTOCOL, AnyEvent, Failed, Hello, Log
from bntui.sources.local import EngineSource
from bntui.text import clean

OPTIONS = (
    "-T",
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "ServerAliveInterval=10"),
    *("-o", "ServerAliveCountMax=3"),
)
"""No terminal, no tunnels of the user's config, and a dead line is noticed after 30 seconds."""

SSH_FAILED, NOT_FOUND = 255, 127


class SshSource(EngineSource):
    """`bntui engine` on `host`; `remote` is the command or path of bntui there.

    Raises:
        InputError: The host is empty or would be taken for an option.
    """

    def __init__(self, host: str, remote: str, config: RunConfig, log: str | None) -> None:
        super().__init__(config, log)
        if not host or host.startswith("-"):
            shown = clean(repr(host), limit=60)
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
