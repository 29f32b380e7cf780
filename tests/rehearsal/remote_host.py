"""Another host on the loopback interface: an sshd with keys of its own, and serial ports of ser2net."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_port import free_port
from rehearsal.bench import MARK, RehearsalBench
from started import dies_with_its_parent

from harness.link.deadline import Deadline

_START_S = 60.0
_SSHD, _SER2NET = "/usr/sbin/sshd", "/usr/sbin/ser2net"
_ACCEPTERS = {"socket": "tcp", "rfc2217": "telnet(rfc2217,mode=server),tcp"}


class RemoteHost:
    """A host that is reached as `127.0.0.1` with `ssh`.

    Args:
        folder: for keys, configuration and logs.
        mark: value of `MARK` in the environment of what ssh runs.

    Attributes:
        ssh: ssh and the options with which it reaches the host; `scp` likewise.
    """

    def __init__(self, folder: Path, mark: str) -> None:
        folder.mkdir()
        self._folder, self._mark = folder, mark
        self._processes: list[subprocess.Popen[bytes]] = []
        self.ssh, self.scp = (f"{program} -F {folder}/ssh_config" for program in ("ssh", "scp"))

    def start_sshd(self) -> None:
        """Start the ssh server; skip the test where there is none."""
        if not Path(_SSHD).exists():
            pytest.skip("no sshd: apt-get install openssh-server")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # an sshd of root demands this folder
        for name in ("host", "user"):
            keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)]
            subprocess.run(keygen, check=True)
        port = free_port()
        self._write(
            "sshd_config",
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {self._folder}/host\nStrictModes no\nUsePAM no\n"
            f"AuthorizedKeysFile {self._folder}/user.pub\nPidFile none\nSetEnv {MARK}={self._mark}\n"
            "PasswordAuthentication no\nSubsystem sftp internal-sftp\n",
        )
        host_key = (self._folder / "host.pub").read_text()
        self._write("known_hosts", f"[127.0.0.1]:{port} {host_key}")
        self._write(
            "ssh_config",
            f"Host 127.0.0.1 localhost\nHostName 127.0.0.1\nPort {port}\n"
            f"User {getpass.getuser()}\nBatchMode yes\n"
            f"IdentityFile {self._folder}/user\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile {self._folder}/known_hosts\nLogLevel ERROR\n",
        )
        self._start(port, _SSHD, "-D", "-e", "-f", str(self._folder / "sshd_config"))

    def upload_command(self, bench: RehearsalBench, port: str) -> str:
        """Return a command that copies the image to the host and uploads it there by arduino-cli."""
        there = bench.folder / "on host"
        copy = f"mkdir -p '{there}' && {self.scp} -q {{image}} {{host}}:'{there}/'"
        upload = f"upload --fqbn {{fqbn}} --port {port} --input-dir \"'{there}'\" --json"
        return f"{copy} && {self.ssh} -tt {{host}} {bench.command} {upload}"

    def serve(self, path: Path, scheme: str) -> str:
        """Serve a serial port by ser2net as `socket` or `rfc2217`; return its URL."""
        if not Path(_SER2NET).exists():
            pytest.skip("no ser2net: apt-get install ser2net")
        port = free_port()
        self._write(
            "ser2net.yaml",
            f"connection: &board\n  accepter: {_ACCEPTERS[scheme]},127.0.0.1,{port}\n"
            f"  connector: serialdev(nouucplock=true),{path},115200n81,local\n",
        )
        self._start(port, _SER2NET, "-n", "-d", "-c", str(self._folder / "ser2net.yaml"))
        return f"{scheme}://127.0.0.1:{port}"

    def stop_last(self) -> None:
        """End the server that was started last."""
        process = self._processes.pop()
        process.terminate()
        process.wait()

    def close(self) -> None:
        while self._processes:
            self.stop_last()

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def _start(self, port: int, *command: str) -> None:
        log = self._folder / f"{Path(command[0]).name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*dies_with_its_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._processes.append(process)
        deadline = Deadline(_START_S)
        while process.poll() is None and not deadline.expired:
            if is_listening(port):
                return
            time.sleep(0.01)
        raise AssertionError(f"{command[0]} does not listen: {log.read_text()}")


def is_listening(port: int) -> bool:
    """Tell if a TCP port of 127.0.0.1 has a listener, without a connection: ser2net takes one at a time."""
    listens = f" 0100007F:{port:04X} 00000000:0000 0A "
    return any(listens in line for line in Path("/proc/net/tcp").read_text().splitlines())


@contextlib.contextmanager
def remote_host(folder: Path, mark: str) -> Iterator[RemoteHost]:
    """A remote host for the length of a test."""
    host = RemoteHost(folder, mark)
    try:
        yield host
    finally:
        host.close()
        shutil.rmtree(folder, ignore_errors=True)
