"""`bntui ssh` against a real sshd on this machine, with throwaway keys."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bntui.logs.index import summarise
from bntui.logs.writer import LogWriter
from bntui.protocol.codec import encode
from tests.e2e.terminal import BNTUI, Terminal
from tests.e2e.test_dying import LONG, wait_for_steps
from tests.watched_events import watched_run

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
SSH = shutil.which("ssh")

pytestmark = [
    pytest.mark.skipif(not (SSHD and SSH), reason="needs sshd and ssh (openssh-server)"),
    pytest.mark.xdist_group("ssh"),
]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Machine:
    """A loopback host by several names, each with its own trouble."""

    def __init__(self, directory: Path) -> None:
        self.port, self.directory = free_port(), directory
        host_key, user_key = key(directory / "host"), key(directory / "user")
        stranger = key(directory / "stranger")
        (directory / "authorized").write_text((directory / "user.pub").read_text())
        known = directory / "known"
        public = (directory / "host.pub").read_text()
        known.write_text(f"[127.0.0.1]:{self.port} {public}")
        (directory / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nStrictModes no\n"
            f"AuthorizedKeysFile {directory / 'authorized'}\nPermitRootLogin yes\nUsePAM no\n"
            f"PasswordAuthentication no\nPidFile none\n"
        )
        common = "HostName 127.0.0.1\nIdentitiesOnly yes\nIdentityAgent none\n"
        here = f"{common}Port {self.port}\nUserKnownHostsFile {known}\n"
        (directory / "ssh_config").write_text(
            f"Host box\n{here}IdentityFile {user_key}\n"
            f"Host locked\n{here}IdentityFile {stranger}\n"
            f"Host strange\n{common}Port {self.port}\nIdentityFile {user_key}\n"
            f"UserKnownHostsFile {directory / 'nobody'}\nStrictHostKeyChecking ask\n"
            f"Host closed\n{common}Port {free_port()}\nUserKnownHostsFile {known}\n"
        )
        wrapper = directory / "bin" / "ssh"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\nexec {SSH} -F {directory / "ssh_config"} "$@"\n')
        wrapper.chmod(0o755)
        self.env = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}", "SSH_AUTH_SOCK": ""}

    def terminal(self, *args: str) -> Terminal:
        return Terminal("ssh", *args, env=self.env)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    assert SSHD
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    machine = Machine(tmp_path_factory.mktemp("ssh"))
    config = machine.directory / "sshd_config"
    with subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.PIPE) as server:
        assert server.stderr
        for line in server.stderr:
            if b"Server listening" in line:
                break
        yield machine
        server.terminate()


def test_the_screen_is_here_and_the_run_and_its_log_are_there(
    machine: Machine, tmp_path: Path
) -> None:
    log = tmp_path / "a run's log.jsonl"
    options = ["--remote", BNTUI, "--pace", "max", "--steps", "400", "--log", str(log)]
    with machine.terminal("box", *options) as terminal:
        terminal.wait_for("finished 400/400")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.left_on() == []
    summary = summarise(log)
    assert summary
    assert (summary.state, summary.steps) == ("finished", 400)


def test_a_log_there_is_followed_here_until_its_writer_is_gone(
    machine: Machine, tmp_path: Path
) -> None:
    writer = LogWriter(tmp_path / "a watched run.jsonl")
    *some, last = watched_run(40)
    for event in some:
        writer.write(encode(event))
    with machine.terminal("box", "open", str(writer.path), "--remote", BNTUI) as terminal:
        terminal.wait_for("running train.py")
        writer.write(encode(last))
        terminal.wait_for("finished train.py")
        writer.close()
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.left_on() == []
    with machine.terminal("box", "open", "nothing", "--remote", BNTUI) as terminal:
        assert terminal.wait() == 2
        assert "On box: 'nothing' cannot be read" in " ".join(terminal.text.split())


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("box", "box has no bntui on its PATH; --remote says where it is."),
        ("locked", "locked wants a password or another key"),
        ("strange", "strange's key is not known yet; run ssh strange once"),
        ("closed", "ssh closed failed:"),
    ],
)
def test_what_keeps_it_from_starting_is_one_sentence(
    machine: Machine, host: str, sentence: str
) -> None:
    remote = ["--remote", "no such bntui"] if host == "box" else []
    with machine.terminal(host, *remote) as terminal:
        terminal.wait_for("engine stopped")
        assert sentence in " ".join(terminal.text.split())
        terminal.press("q")
        assert terminal.wait() == 1
        assert sentence in " ".join(terminal.text.split())
        assert terminal.left_on() == []


def test_another_protocol_is_refused(machine: Machine, tmp_path: Path) -> None:
    future = tmp_path / "future"
    hello = '{"event":"hello","protocol":99,"version":"9.9","started":"x","config":{},"arms":["a"]}'
    future.write_text(f"#!/bin/sh\necho '{hello}'\nexec cat > /dev/null\n")
    future.chmod(0o755)
    with machine.terminal("box", "--remote", str(future)) as terminal:
        terminal.wait_for("box has bntui 9.9, which speaks protocol 99")
        terminal.press("q")
        assert terminal.wait() == 1


def test_a_lost_connection_is_said_and_leaves_the_log_whole(
    machine: Machine, tmp_path: Path
) -> None:
    log = tmp_path / "run.jsonl"
    with machine.terminal("box", "--remote", BNTUI, *LONG, "--log", str(log)) as terminal:
        wait_for_steps(terminal)
        (ssh,) = children(terminal.child.pid)
        os.kill(ssh, signal.SIGTERM)
        terminal.wait_for("The connection to box was lost")
        terminal.press("q")
        assert terminal.wait() == 1
        assert str(log) in terminal.text.replace("\n", "")
    with Terminal("open", str(log)) as terminal:
        terminal.wait_for("cut off")
        terminal.press("q")
        assert terminal.wait() == 0


def children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("host", ["-oProxyCommand=touch /tmp/owned", ""])
def test_a_host_that_is_an_option_is_refused(host: str) -> None:
    with Terminal("ssh", "--", host) as terminal:
        assert terminal.wait() == 2
        assert "it takes a host's name" in " ".join(terminal.text.split())
